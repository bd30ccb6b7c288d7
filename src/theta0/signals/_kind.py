"""What a kind of signal is: its settings, and what is done with signals of the kind."""

from abc import abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from theta0.data.cameras import Number
from theta0.errors import InputError
from theta0.fields import NetworkConfig, Siren
from theta0.forward import ForwardMap, Points
from theta0.registry import SIGNALS

from ._base import TaskFamily
from ._shares import SHARES, Shares
from ._signal import Signal

if TYPE_CHECKING:
    from ._scene import SceneConfig


@SIGNALS.base_class
class SignalConfig:
    """Settings of a kind of signal: where its signals come from, and how they become tasks.

    A custom kind derives from this class, is a frozen dataclass of plain values, and is
    registered: ``@theta0.register("signals", NAME)``.
    """

    __dataclass_fields__: ClassVar[dict[str, Any]]
    size: int
    """pixels (samples, points) per side of a signal"""
    noun: ClassVar[str] = "signals"
    """what they are called in messages"""

    @property
    def path(self) -> str | None:
        """Where the signals lie; None if that was not given, or they are made by a procedure."""
        return None

    def with_path(self, path: str) -> "SignalConfig":
        """The same on signals that lie elsewhere.

        Raises:
            InputError: they are made by a procedure.
        """
        raise InputError(f"{path}: these signals are made by a procedure; leave --data out")

    def with_shares(self, shares: Shares) -> "SignalConfig":
        """The same, split by shares where the source does not say how it is split otherwise."""
        return self

    def on_new(self, path: str) -> "SignalConfig":
        """The same on signals that were not learned from, whatever their names and number."""
        return self.with_path(path)

    def with_size(self, size: int) -> "SignalConfig":
        """The same for signals of ``size`` pixels per side, of kinds that are fitted at any.

        Raises:
            InputError: the kind is not, or the size is none.
        """
        raise InputError(
            f"the size of a fit can be chosen for pictures, but this initialization is for "
            f"{self.noun}; leave the fit size out"
        )

    def own_size(self, signal: Any) -> int:
        """Pixels per side of a signal as it is given: a path, or what :meth:`take` takes.

        Raises:
            InputError: it cannot be read, or the kind is not fitted at any size.
        """
        return self.with_size(self.size).size

    def network(self) -> tuple[NetworkConfig, ForwardMap]:
        """A network and a forward map that suit the kind, where none is chosen."""
        return Siren(), Points()

    @abstractmethod
    def build(self) -> TaskFamily:
        """Find or make the signals."""
        raise NotImplementedError

    @abstractmethod
    def read(self, path: str | Path, views: int | None = None, index: int = 0) -> Signal:
        """A signal of the user's, ready to fit.

        Args:
            path: its file or folder.
            views: how many views of it are fitted, of kinds that have views.
            index: which, where a file holds several.
        """
        raise NotImplementedError

    def read_all(self, path: str | Path, views: int | None = None) -> list[Signal]:
        """Every signal of a file that may hold several."""
        return [self.read(path, views)]

    def take(self, values: Any, views: int | None = None) -> Signal:
        """A signal given as an array (or what the kind takes), ready to fit.

        Raises:
            InputError: says in the caller's words what is wrong with it.
        """
        raise InputError(f"{type(self).__name__} takes no arrays; give the path of a file")

    def from_arrays(self, arrays: Any, shares: Shares = SHARES) -> TaskFamily:
        """Tasks from signals given as arrays (or what the kind takes), split by shares.

        Raises:
            InputError: says in the caller's words what is wrong with them.
        """
        raise InputError(f"{type(self).__name__} takes no arrays; give the path of its data")

    def photograph(
        self,
        path: str | Path,
        azimuth_deg: Number,
        elevation_deg: Number,
        distance: Number | None = None,
        fov_deg: Number | None = None,
    ) -> Signal:
        """One photograph of an object as a signal, of kinds that are seen by cameras.

        Raises:
            InputError: the kind is not.
        """
        raise InputError(
            "--azimuth, --elevation, --distance and --fov are of a photograph of an object, but "
            f"this initialization is for {self.noun}; leave them out"
        )

    def as_scene(self, source: str) -> "SceneConfig":
        """Itself, of kinds that are seen by cameras.

        Raises:
            InputError: the kind is not; ``source`` says where it was found.
        """
        raise InputError(
            f"{source}: a fit of {self.noun}, not of an object seen by cameras; open the pictures "
            "that theta0 fit wrote beside it"
        )


def required_path(path: str | None, what: str) -> str:
    """A path that is needed now.

    Raises:
        InputError: it is still to be given.
    """
    if not path:
        raise InputError(f"no path to read the {what} from: give --data PATH")
    return path
