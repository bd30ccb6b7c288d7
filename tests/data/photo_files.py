"""A small photographed scene, and independent writers of the files of every layout."""

import json
import struct
from dataclasses import dataclass, replace

import numpy as np
import pytest
from PIL import Image
from scipy.spatial.transform import Rotation

from theta0.data.cameras import Camera, look_at, project, swap_opencv_opengl
from theta0.data.photos import Photo

NUMBERS = {"SIMPLE_PINHOLE": 0, "PINHOLE": 1, "SIMPLE_RADIAL": 2, "RADIAL": 3, "OPENCV": 4,
           "OPENCV_FISHEYE": 5, "FULL_OPENCV": 6, "FOV": 7}  # fmt: skip


@dataclass(frozen=True)
class Scene:
    """Cameras, pictures and points in the world of the files, which is not normalized."""

    cameras: tuple[Camera, ...]
    images: tuple[np.ndarray, ...]
    points: np.ndarray
    colours: np.ndarray

    @property
    def names(self):
        """Of the files; their order is not that of the numbers in a COLMAP model."""
        return [f"photo_{number:02d}.png" for number in range(len(self.cameras))]


def make_scene(count=7, points=40, seed=0, width=24, height=16):
    """Upright cameras before a cloud of points, in a world that is turned, moved and scaled."""
    rng = np.random.default_rng(seed)
    turn, scale, shift = Rotation.random(rng=rng), 3.7, rng.normal(size=3)
    cameras, images = [], []
    for number in range(count):
        angle, distance = np.deg2rad(-50 + 100 * number / (count - 1)), rng.uniform(3, 4)
        eye = distance * np.array([np.cos(angle), np.sin(angle), rng.uniform(-0.2, 0.3)])
        pose = look_at(eye, rng.normal(scale=0.1, size=3))
        pose = np.column_stack(
            [turn.apply(pose[:, :3].T).T, scale * turn.apply(pose[:, 3]) + shift]
        )
        wide, high = width + 2 * (number % 3), height + number % 2
        focal = rng.uniform(28, 34)
        middle = wide / 2 + rng.normal(), high / 2 + rng.normal()
        cameras.append(Camera(wide, high, focal, focal * 1.01, *middle, pose))
        images.append(rng.integers(0, 256, (high, wide, 3), np.uint8))
    cloud = scale * turn.apply(rng.normal(scale=0.35, size=(points, 3))) + shift
    colours = rng.integers(0, 256, (points, 3), np.uint8)
    return Scene(tuple(cameras), tuple(images), cloud, colours)


def photos(scene):
    """The photographs of the scene, with arbitrary near and far, one with an occlusion mask."""
    found = []
    for number, (camera, image) in enumerate(zip(scene.cameras, scene.images, strict=True)):
        name = scene.names[number].removesuffix(".png")
        found.append(Photo(image, camera, name, 0.1 + number, 20.0 + number))
    hidden = np.zeros(found[1].image.shape[:2], bool)
    hidden[3:6, 2:9] = True
    found[1] = replace(found[1], hidden=hidden)
    return found


def assert_same_scenes(one, two):
    """The same photographs in the same coordinates, whatever files they come from."""
    assert (one.names, one.split) == (two.names, two.split)
    for row in range(len(one.names)):
        first, second = one.load(row), two.load(row)
        np.testing.assert_array_equal(first.image, second.image)
        np.testing.assert_allclose(first.camera.c2w, second.camera.c2w, rtol=0, atol=1e-9)
        for name in ("width", "height", "fl_x", "fl_y", "cx", "cy"):
            assert getattr(first.camera, name) == pytest.approx(getattr(second.camera, name))


def write_images(folder, scene):
    folder.mkdir(parents=True, exist_ok=True)
    for name, image in zip(scene.names, scene.images, strict=True):
        Image.fromarray(image).save(folder / name)


def transforms(scene):
    """What nerfstudio writes, intrinsics by frame."""
    frames = []
    for name, camera in zip(scene.names, scene.cameras, strict=True):
        lens = {key: getattr(camera, key) for key in ("fl_x", "fl_y", "cx", "cy")}
        matrix = [*camera.c2w.tolist(), [0, 0, 0, 1]]
        frame = {"file_path": f"images/{name}", "w": camera.width, "h": camera.height}
        frames.append(frame | lens | {"transform_matrix": matrix})
    return {"camera_model": "OPENCV", "frames": frames}


def write_transforms(folder, scene, **more):
    write_images(folder / "images", scene)
    (folder / "transforms.json").write_text(json.dumps(transforms(scene) | more))
    return folder


def write_strecha(folder, scene):
    write_images(folder / "images", scene)
    entries = []
    for name, camera in zip(scene.names, scene.cameras, strict=True):
        pose = swap_opencv_opengl(camera.c2w)
        entry = {"file": f"images/{name}", "K": intrinsics(camera).tolist()}
        entry |= {"cam_to_world_R": pose[:, :3].tolist(), "centre": pose[:, 3].tolist()}
        entries.append(entry | {"width": camera.width, "height": camera.height})
    (folder / "cameras_gt.json").write_text(json.dumps(entries))
    return folder


def write_authors(folder, scene, axes=(1, 1, 1), sizes="wh"):
    """The paper authors' arrays; `axes` says which of the cameras' axes are OpenCV's."""
    write_images(folder / "images", scene)
    flip = np.diag(axes)
    poses, inverses, bounds, resolutions = [], [], [], []
    for camera in scene.cameras:
        pose = swap_opencv_opengl(camera.c2w) @ np.diag([*axes, 1])
        poses.append(np.concatenate([pose, [[0, 0, 0, 1]]]))
        inverses.append(flip @ np.linalg.inv(intrinsics(camera)))
        depth = project(scene.points, camera).depth
        bounds.append([depth.min(), depth.max()])
        size = {"w": camera.width, "h": camera.height}
        resolutions.append([size[key] for key in sizes])
    for name, array in (("c2w_mats", poses), ("kinv_mats", inverses), ("bds", bounds)):
        np.save(folder / f"{name}.npy", np.array(array))
    np.save(folder / "res_mats.npy", np.array(resolutions))
    return folder


def intrinsics(camera):
    return np.array([[camera.fl_x, 0, camera.cx], [0, camera.fl_y, camera.cy], [0, 0, 1]])


@dataclass
class Colmap:
    """The entries of a model, to be spoilt before they are written.

    Attributes:
        cameras: [number, model, width, height, parameters]
        images: [number, quaternion (w x y z), translation, camera, name, [(x, y, point), ...]]
        points: [number, xyz, rgb, error, [(image, row of its observations), ...]]
    """

    cameras: list
    images: list
    points: list


def colmap(scene, distort=lambda points: points, model="PINHOLE", coefficients=()):
    """A model of the scene: numbers have gaps and are out of order, and some features no point.

    Args:
        scene: Whose cameras see all of its points.
        distort: Of the lens, for focal length 1.
        model: Of the cameras, with fx fy cx cy.
        coefficients: Of the lens.
    """
    count = len(scene.cameras)
    numbers = [9000 - 3 * row for row in range(len(scene.points))]
    tracks = [[] for _ in numbers]
    cameras, images = [], []
    for row, (name, camera) in enumerate(zip(scene.names, scene.cameras, strict=True)):
        lens = [camera.fl_x, camera.fl_y, camera.cx, camera.cy]
        number = 2 * (count - row) + 1
        cameras.append([number + 50, model, camera.width, camera.height, [*lens, *coefficients]])
        pose = swap_opencv_opengl(camera.c2w)
        inverse = pose[:, :3].T
        x, y, z, w = Rotation.from_matrix(inverse).as_quat()
        straight = (project(scene.points, camera).pixel - lens[2:]) / lens[:2]
        pixels = distort(straight) * lens[:2] + lens[2:]
        observed = [(0.25, 0.5, -1)]
        for at, pixel in enumerate(pixels):
            tracks[at].append((number, len(observed)))
            observed.append((*pixel, numbers[at]))
        shift = -inverse @ pose[:, 3]
        images.append([number, [w, x, y, z], shift.tolist(), number + 50, name, observed])
    points = [
        [number, xyz, rgb, 0.5, track]
        for number, xyz, rgb, track in zip(
            numbers, scene.points.tolist(), scene.colours.tolist(), tracks, strict=True
        )
    ]
    return Colmap(cameras, images[::-1], points)


def write_binary(folder, model):
    folder.mkdir(parents=True, exist_ok=True)
    count = lambda entries: struct.pack("<Q", len(entries))
    data = count(model.cameras)
    for number, name, width, height, parameters in model.cameras:
        data += struct.pack("<IiQQ", number, NUMBERS.get(name, name), width, height)
        data += struct.pack(f"<{len(parameters)}d", *parameters)
    (folder / "cameras.bin").write_bytes(data)
    data = count(model.images)
    for number, quaternion, shift, camera, name, observed in model.images:
        data += struct.pack("<I7dI", number, *quaternion, *shift, camera)
        data += name.encode() + b"\0" + count(observed)
        data += b"".join(struct.pack("<ddq", *entry) for entry in observed)
    (folder / "images.bin").write_bytes(data)
    data = count(model.points)
    for number, xyz, rgb, error, track in model.points:
        data += struct.pack("<Q3d3Bd", number, *xyz, *rgb, error) + count(track)
        data += b"".join(struct.pack("<II", *entry) for entry in track)
    (folder / "points3D.bin").write_bytes(data)
    return folder


def write_text(folder, model):
    folder.mkdir(parents=True, exist_ok=True)
    words = lambda *values: " ".join(
        str(float(x)) if isinstance(x, float) else str(x) for x in values
    )
    lines = ["# Camera list", f"# Number of cameras: {len(model.cameras)}"]
    for number, name, width, height, parameters in model.cameras:
        lines.append(words(number, name, width, height, *parameters))
    (folder / "cameras.txt").write_text("\n".join(lines) + "\n")
    lines = ["# Image list", f"# Number of images: {len(model.images)}, mean observations: 3"]
    for number, quaternion, shift, camera, name, observed in model.images:
        lines.append(words(number, *quaternion, *shift, camera, name))
        lines.append(words(*(value for entry in observed for value in entry)))
    (folder / "images.txt").write_text("\n".join(lines) + "\n")
    lines = ["# 3D points", f"# Number of points: {len(model.points)}, mean track length: 3"]
    for number, xyz, rgb, error, track in model.points:
        lines.append(words(number, *xyz, *rgb, error, *(value for pair in track for value in pair)))
    (folder / "points3D.txt").write_text("\n".join(lines) + "\n")
    return folder
