"""Multiplies a texture by vertex colours, which the renderer cannot.

Triangles are divided until their vertices lie as close as the pixels of the texture, and the
vertices take the product.
"""

from dataclasses import replace

import numpy as np
from jaxtyping import Float, Int

from theta0.data.meshes._mesh import Part, Sampling, Wrap

_MOST_FACES = 1 << 19
"""Triangles that a part is divided into at most, if it has not more already"""


def baked(part: Part) -> tuple[Part, bool]:
    """A part whose look is a texture or vertex colours, not both, and whether it lost detail."""
    colours = part.vertex_colours
    if part.texture is None or colours is None or part.uv is None:
        return part, False
    if not np.ptp(colours, axis=0).any():
        return replace(part, colour=part.colour * colours[0], vertex_colours=None), False
    corners = np.concatenate([part.vertices, part.uv, colours], axis=1)[part.faces]
    cells, coarser = _cells(corners[..., 3:5], part.texture.shape)
    vertices, faces, count = [], [], 0
    for number in np.unique(cells):
        weights, grid = _grid(int(number))
        divided = np.einsum("pc,tck->tpk", weights, corners[cells == number])
        starts = count + len(weights) * np.arange(len(divided))
        vertices.append(divided.reshape(-1, divided.shape[-1]))
        faces.append((starts[:, None, None] + grid).reshape(-1, 3))
        count += len(vertices[-1])
    every = np.concatenate(vertices)
    light = sampled(part.texture, every[:, 3:5], part.sampling) * every[:, 5:]
    shape = Part(every[:, :3], np.concatenate(faces), part.colour, vertex_colours=light)
    return shape, coarser


def _cells(
    uv: Float[np.ndarray, "faces 3 2"], shape: tuple[int, ...]
) -> tuple[Int[np.ndarray, " faces"], bool]:
    """Into how many parts the sides of each triangle are divided, and whether it were to be more.

    Powers of two, so that the vertices of neighbours meet.
    """
    pixels = uv * [shape[1], shape[0]]
    sides = np.linalg.norm(pixels - np.roll(pixels, 1, axis=1), axis=2).max(axis=1)
    wanted = 2 ** np.ceil(np.log2(np.clip(sides, 1, 1 << 10))).astype(np.int64)
    cells, most = wanted, int(wanted.max())
    while most > 1 and int((cells**2).sum()) > _MOST_FACES:
        most //= 2
        cells = np.minimum(cells, most)
    return cells, bool((cells < sides).any())


def _grid(cells: int) -> tuple[Float[np.ndarray, "points 3"], Int[np.ndarray, "faces 3"]]:
    """Barycentric coordinates of a divided triangle, and its faces."""
    rows = [(i, j) for i in range(cells + 1) for j in range(cells + 1 - i)]
    number = {place: index for index, place in enumerate(rows)}
    faces = [
        (number[i, j], number[i + 1, j], number[i, j + 1])
        for i, j in rows if i + j < cells
    ] + [
        (number[i + 1, j], number[i + 1, j + 1], number[i, j + 1])
        for i, j in rows if i + j < cells - 1
    ]  # fmt: skip
    at = np.array(rows, np.float64) / cells
    return np.column_stack([1 - at.sum(axis=1), at]), np.array(faces)


def sampled(
    texture: Float[np.ndarray, "height width 3"], uv: Float[np.ndarray, "n 2"], sampling: Sampling
) -> Float[np.ndarray, "n 3"]:
    """Colours of a texture, interpolated between its pixels; see `Part` for the coordinates."""
    height, width, _ = texture.shape
    column, row = uv[:, 0] * width - 0.5, (1 - uv[:, 1]) * height - 0.5
    if sampling.nearest:
        column, row = np.rint(column), np.rint(row)
    left, top = np.floor(column).astype(np.int64), np.floor(row).astype(np.int64)
    right, down = (column - left)[:, None], (row - top)[:, None]
    columns = [_wrapped(left + step, width, sampling.wrap) for step in (0, 1)]
    rows = [_wrapped(top + step, height, sampling.wrap) for step in (0, 1)]
    above, below = (
        texture[line, columns[0]] * (1 - right) + texture[line, columns[1]] * right for line in rows
    )
    return above * (1 - down) + below * down


def _wrapped(place: Int[np.ndarray, " n"], size: int, wrap: Wrap) -> Int[np.ndarray, " n"]:
    if wrap == "clamp":
        return np.clip(place, 0, size - 1)
    if wrap == "repeat":
        return place % size
    place = place % (2 * size)
    return np.where(place < size, place, 2 * size - 1 - place)
