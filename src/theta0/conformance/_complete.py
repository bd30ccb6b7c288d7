"""What a part must have before anything else can be checked of it."""

from theta0.errors import InputError, require_defined


def assert_complete(part: object, name: str) -> None:
    """Fail if a part lacks a method or setting that every part of its kind needs.

    Args:
        part: it, or its settings.
        name: what messages begin with.
    """
    try:
        require_defined(part)
    except InputError as error:
        raise AssertionError(f"{name}: {error}") from None
