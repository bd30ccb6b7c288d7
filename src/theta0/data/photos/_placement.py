"""Maps a collection of photographs to world coordinates, with the depth ranges."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from theta0.data._frames import Frame, camera_of
from theta0.data.cameras import Camera, project
from theta0.data.photos._layouts import FAR_FACTOR, NEAR_FACTOR, Layout
from theta0.data.photos._options import PhotoOptions
from theta0.data.photos._similarity import Similarity, from_cameras, from_points
from theta0.data.photos._write import Points
from theta0.errors import InputError

_NEAREST = 0.1
"""Near bound, in radii of the scene, for cameras inside of it."""


def world_from_file(
    layout: Layout, frames: Sequence[Frame], cameras: Sequence[Camera], options: PhotoOptions
) -> Similarity:
    """The map from the coordinates of the files to world coordinates, from all poses of a layout.

    Args:
        layout: Of the collection.
        frames: Those whose pictures are read.
        cameras: Their cameras.
        options: With near and far, if they are given.
    """
    if layout.normalised:
        return Similarity.identity()
    taken = {frame.image: camera for frame, camera in zip(frames, cameras, strict=True)}
    whole = layout.whole or layout.frames
    every = [taken.get(frame.image) or _untaken(frame, cameras[0]) for frame in whole]
    if layout.points is not None:
        return from_points(every, np.asarray(layout.points[0], np.float64))
    ranges = []
    for frame in whole:
        near, far = options.near or frame.near, options.far or frame.far
        ranges.append((near, far) if near and far else None)
    return from_cameras(every, ranges)


def moved_points(layout: Layout, world: Similarity) -> Points | None:
    """The points of a layout in world coordinates."""
    if layout.points is None or layout.normalised:
        return layout.points
    xyz, rgb = layout.points
    return world.points(xyz), rgb


def moved_frames(
    layout: Layout,
    frames: Sequence[Frame],
    cameras: Sequence[Camera],
    world: Similarity,
    options: PhotoOptions,
) -> tuple[Frame, ...]:
    """Frames in world coordinates, with their depth ranges."""
    if not layout.normalised:
        cameras = [replace(camera, c2w=world.pose(camera.c2w)) for camera in cameras]
    return tuple(
        _moved(frame, camera, world.scale, options)
        for frame, camera in zip(frames, cameras, strict=True)
    )


def _untaken(frame: Frame, like: Camera) -> Camera:
    """The camera of a frame whose picture is not read, with its declared size or that of `like`."""
    width, height = frame.lens.get("w", like.width), frame.lens.get("h", like.height)
    return camera_of(frame, round(width), round(height))


def _moved(frame: Frame, camera: Camera, scale: float, options: PhotoOptions) -> Frame:
    """A frame in world coordinates, which are scaled by `scale`."""
    depth = float(project(np.zeros(3), camera).depth)
    near, far = NEAR_FACTOR * max(depth - 1, _NEAREST), FAR_FACTOR * (max(depth, 0) + 1)
    for given in ((frame.near, frame.far), (options.near, options.far)):
        near = near if given[0] is None else given[0] * scale
        far = far if given[1] is None else given[1] * scale
    if not 0 < near < far < np.inf:
        raise InputError(
            f"{frame.image}: near is {near / scale:g} and far {far / scale:g}; give 0 < near < far "
            "in its description"
        )
    return replace(frame, pose=camera.c2w, near=near, far=far)
