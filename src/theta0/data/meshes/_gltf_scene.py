"""The nodes of a glTF scene: which meshes it shows, and where."""

from typing import Any

import numpy as np
from jaxtyping import Float

from theta0.data.meshes._gltf_file import Document, Tree
from theta0.errors import InputError


class Scene:
    """The nodes of the scene that a document shows.

    Attributes:
        shown: Numbers of its nodes.
        world: Transform of each node into the scene, by number; NaN of those that are not shown.
    """

    def __init__(self, document: Document):
        """Place the nodes, level by level: there may be hundreds of thousands.

        Raises:
            InputError: They form a loop, or a transform is not finite.
        """
        self._document = document
        nodes = document.all("nodes")
        with np.errstate(all="ignore"):  # told below
            local = _local(nodes)
            self.world = np.full_like(local, np.nan)
            self.shown: list[int] = []
            seen = np.zeros(len(nodes), bool)
            level, parents = _roots(document), []
            while level:
                if seen[level].any() or len(set(level)) < len(level):
                    raise InputError("has nodes that form a loop or hang twice; export it again")
                seen[level] = True
                above = self.world[parents] if self.shown else np.eye(4)
                self.world[level] = above @ local[level]
                self.shown += level
                pairs = [(child, node) for node in level for child in _children(document, node)]
                level, parents = [child for child, _ in pairs], [parent for _, parent in pairs]
        if not np.isfinite(self.world[self.shown]).all():
            raise InputError("has a node with a transform that is not finite; export it again")


def _children(document: Document, node: int) -> list[int]:
    children = document.one("nodes", node).get("children", ())
    for child in children:
        document.one("nodes", child)
    return list(children)


def _roots(document: Document) -> list[int]:
    """The first nodes of the scene that is shown; without a scene, those that hang nowhere."""
    nodes, scenes = document.all("nodes"), document.all("scenes")
    if not scenes:
        below = {child for number in range(len(nodes)) for child in _children(document, number)}
        return [number for number in range(len(nodes)) if number not in below]
    chosen = document.tree.get("scene", 0)
    if len(scenes) > 1:
        document.source.note(f"scene {chosen} of {len(scenes)} is shown, the others are ignored")
    roots = list(document.one("scenes", chosen).get("nodes", ()))
    for root in roots:
        document.one("nodes", root)
    return roots


def _local(nodes: list[Tree]) -> Float[np.ndarray, "nodes 4 4"]:
    """Transforms of nodes in their parents."""

    def values(key: str, default: tuple[float, ...]) -> np.ndarray:
        found = np.array([node.get(key, default) for node in nodes], np.float64)
        return found.reshape(len(nodes), len(default))

    local = np.tile(np.eye(4), (len(nodes), 1, 1))
    turn = rotations(values("rotation", (0.0, 0.0, 0.0, 1.0)))
    local[:, :3, :3] = turn * values("scale", (1.0, 1.0, 1.0))[:, None]
    local[:, :3, 3] = values("translation", (0.0, 0.0, 0.0))
    given = [number for number, node in enumerate(nodes) if "matrix" in node]
    if given:
        matrices = np.array([nodes[number]["matrix"] for number in given], np.float64)
        local[given] = matrices.reshape(-1, 4, 4).transpose(0, 2, 1)  # stored by columns
    return local


def rotations(quaternions: Float[np.ndarray, "n 4"]) -> Float[np.ndarray, "n 3 3"]:
    """Rotation matrices of quaternions x, y, z, w."""
    x, y, z, w = (quaternions / np.linalg.norm(quaternions, axis=1, keepdims=True)).T
    return np.stack([
        1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w),
        2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w),
        2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y),
    ], axis=-1).reshape(-1, 3, 3)  # fmt: skip


def skinned(
    document: Document, scene: Scene, skin: Any, primitive: Tree, points: Float[np.ndarray, "n 3"]
) -> Float[np.ndarray, "n 3"] | None:
    """Points that follow the joints of a skeleton, in the scene; None, with a note, without one.

    Raises:
        InputError: The skin is damaged.
    """
    entry = document.one("skins", skin)
    joints = entry["joints"]
    for joint in joints:
        document.one("nodes", joint)
    matrices = scene.world[joints]
    if "inverseBindMatrices" in entry:
        inverse = document.accessor(entry["inverseBindMatrices"])[: len(joints)]
        matrices = matrices @ inverse.reshape(-1, 4, 4).transpose(0, 2, 1)
    attributes = primitive["attributes"]
    if not np.isfinite(matrices).all() or "JOINTS_0" not in attributes:
        document.source.note("a skin is ignored: it has no joints in the scene")
        return None
    sets = [n for n in range(4) if f"JOINTS_{n}" in attributes and f"WEIGHTS_{n}" in attributes]
    numbers = np.hstack([document.accessor(attributes[f"JOINTS_{n}"]) for n in sets])
    weights = np.hstack([document.accessor(attributes[f"WEIGHTS_{n}"]) for n in sets])
    weights = weights.astype(np.float64)
    weights[weights.sum(axis=1) <= 0, 0] = 1
    weights /= weights.sum(axis=1, keepdims=True)
    posed = np.zeros_like(points)
    for number, weight in zip(numbers.T.astype(np.int64), weights.T, strict=True):
        chosen = matrices[number]
        moved = np.einsum("nij,nj->ni", chosen[:, :3, :3], points) + chosen[:, :3, 3]
        posed += weight[:, None] * moved
    return posed
