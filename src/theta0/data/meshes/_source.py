"""A mesh file that is being read: the files beside it, its limits, its textures and the notes."""

import posixpath
from dataclasses import dataclass, field

from theta0.data.meshes._limits import MeshLimits
from theta0.data.meshes._stores import Store, inside
from theta0.data.meshes._textures import Textures
from theta0.errors import InputError

_MOST_NOTES = 20


@dataclass
class Source:
    """A mesh file and what it refers to.

    Attributes:
        store: Contains the mesh and the files it refers to.
        name: Of the file in the store.
        content: The whole file.
        limits: What is larger is refused.
        textures: Those that were decoded, by their names in the store or their numbers.
    """

    store: Store
    name: str
    content: bytes
    limits: MeshLimits
    textures: Textures
    _notes: dict[str, None] = field(default_factory=dict)

    @property
    def suffix(self) -> str:
        """Of the file, in small letters, with its dot."""
        return posixpath.splitext(self.name)[1].lower()

    @property
    def folder(self) -> str:
        """Folder of the file in the store."""
        return posixpath.dirname(self.name)

    @property
    def notes(self) -> tuple[str, ...]:
        """What was ignored or assumed."""
        told = list(self._notes)
        more = len(told) - _MOST_NOTES
        return (*told[:_MOST_NOTES], *([f"and {more} more notes like these"] if more > 0 else []))

    def note(self, text: str) -> None:
        """Say what is ignored or assumed; the same is said once."""
        self._notes[text[:300]] = None

    def beside(self, name: str, folders: tuple[str, ...] = ()) -> tuple[str, bytes] | None:
        """The path and the content of a file that the mesh names, or None, with a note.

        Args:
            name: As written in the mesh. Of an absolute path, or one that leads out of the store,
                the file name alone is looked for.
            folders: Where to look, first to last; the folder of the mesh comes last.
        """
        places = dict.fromkeys([*folders, self.folder])
        base = posixpath.basename(name.replace("\\", "/").rstrip("/"))
        reason = ""
        for wanted in dict.fromkeys([name, base]):
            for folder in places:
                try:
                    path = inside(folder, wanted)
                    content = self.store.read(path)
                except InputError as error:
                    # The first of other reasons than that it is missing, such as a link.
                    reason = reason or _told(str(error))
                    continue
                if wanted != name:
                    self.note(f"{name} is missing: {path} is used")
                return path, content
        self.note(f"{name} is missing{reason}")
        return None

    def texture(self, name: str, folders: tuple[str, ...] = ()) -> str | None:
        """Decode a texture file that the mesh names; None, with a note, if it is missing.

        Returns:
            Its key in the textures.
        """
        found = self.beside(name, folders)
        if found is None:
            return None
        path, content = found
        if path not in self.textures:
            self.textures.decode(path, path, content)
        return path


def _told(error: str) -> str:
    """Why a file cannot be used, where it is not just missing."""
    quiet = ("no such file", "holds no", "is not a file inside")
    return "" if any(words in error for words in quiet) else f" ({error.split('; ')[0]})"
