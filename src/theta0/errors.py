"""The exceptions theta0 raises on purpose, so that callers can tell a bad input from a bug."""


class InputError(ValueError):
    """What the user gave cannot be used; the message is one line and says what to do."""

    def __init__(self, message: str):
        # Messages quote file names and other libraries' errors, which may hold line breaks.
        super().__init__(" ".join(str(message).splitlines()))


class MissingExtra(ImportError):
    """An optional dependency is not installed; the message names the install command."""


class DivergedError(RuntimeError):
    """A fit or a training run became non-finite.

    Attributes:
        snapshots: What a fit had kept before, by step.
    """

    def __init__(self, message: str, snapshots: dict | None = None):
        super().__init__(message)
        self.snapshots = snapshots or {}
