"""Reads photographs posed by COLMAP, and NeRF-W's selection of them."""

import csv
import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool

from theta0.data._files import existing_file, reason
from theta0.data._frames import Frame, inner_file
from theta0.data._names import existing_names, is_utf8
from theta0.data.cameras import inverse_pose, swap_opencv_opengl
from theta0.data.colmap import ColmapImage, ColmapModel, count_images, is_colmap, read_colmap
from theta0.data.photos._layouts import Layout, range_of, reliable_points
from theta0.errors import InputError
from theta0.memory import check_memory

_MODEL_FOLDERS = (".", "sparse", "dense/sparse", "colmap/sparse", "colmap_text")
_LARGEST_TABLE = 1 << 22


def model_folders(path: Path) -> list[Path]:
    """The folders of the models of a collection: one, or several numbered ones."""
    for name in _MODEL_FOLDERS:
        folder = path / name
        if is_colmap(folder):
            return [folder]
        inner = [x for x in folder.iterdir() if x.name.isdecimal()] if folder.is_dir() else []
        if models := [x for x in sorted(inner, key=lambda x: int(x.name)) if is_colmap(x)]:
            return models
    return []


def colmap_layout(path: Path, images: Path | None) -> Layout:
    """Read the photographs of a model, sorted by name.

    If there are several models, the largest is read, as they have different coordinates; the others
    are listed in `skipped`.

    Near and far of a photograph are computed from the depths of its reliable points; see
    `reliable_points` and `range_of`.

    Raises:
        InputError: There is no model, it is damaged, or the folder of its images is not found.
    """
    folders = model_folders(path)
    if not folders:
        raise InputError(
            f"{path}: holds no COLMAP model; give the folder of cameras, images and points3D "
            "(.bin or .txt), or one with it in sparse/0"
        )
    counts = [count_images(folder) for folder in folders]
    chosen = folders[counts.index(max(counts))]
    model = read_colmap(chosen)
    folder = _images_folder(chosen, images)
    files = _files(model, folder, chosen)
    reliable = reliable_points(model.photos)
    names = [folder.relative_to(path).as_posix() for folder in folders]
    taken = f"{chosen.relative_to(path).as_posix()} has {max(counts)}"
    return Layout(
        frames=tuple(_frame(image, model, reliable, *files[image.name]) for image in model.images),
        points=(model.xyz[reliable], model.rgb[reliable]) if reliable.any() else None,
        skipped=tuple(
            (name, f"is another model, of {count} images; {taken}")
            for name, count, other in zip(names, counts, folders, strict=True)
            if other != chosen
        ),
    )


def nerfw_layout(table: Path, images: Path | None, validation: int) -> Layout:
    """Read NeRF-W's split of a model: a table of `filename id split dataset` beside `dense`.

    The table has no validation split, so the first `validation` training photographs are used. Rows
    without an id have no pose and are left out.

    Raises:
        InputError: The table is malformed, or contains none of the model's images.
    """
    layout = colmap_layout(table.parent, images)
    frames = {frame.name: frame for frame in layout.frames}
    rows = dict(_rows(table))
    names = existing_names(table, list(rows), frames.__contains__)
    parts = {names[name]: part for name, part in rows.items()}
    skipped = [
        (name, f"is not in {table.name}, or has no id there")
        for name in frames
        if parts.get(name) is None
    ]
    skipped += [
        (name, "has no pose in the model")
        for name, part in parts.items()
        if part and name not in frames
    ]
    chosen = [
        replace(frame, part=parts[name])
        for name, frame in frames.items()
        if parts.get(name) is not None
    ]
    if not chosen:
        raise InputError(f"{table}: names none of the model's images, such as {next(iter(frames))}")
    if not any(frame.part == "val" for frame in chosen):
        train = [number for number, frame in enumerate(chosen) if frame.part == "train"]
        for number in train[:validation]:
            chosen[number] = replace(chosen[number], part="val")
    return replace(
        layout,
        frames=tuple(chosen),
        skipped=(*layout.skipped, *skipped),
        whole=layout.frames,
    )


def _rows(table: Path) -> Iterator[tuple[str, str | None]]:
    """Name and part of each row; the part is None if there is no id."""
    seen = set()
    for row in _records(table):
        name, number, part = row["filename"], row["id"], row["split"]
        if not name or name in seen:
            raise InputError(f"{table}: {name!r:.80} is empty or in two rows; correct the table")
        seen.add(name)
        if not (number or "").strip() or number.strip().lower() == "nan":
            yield name, None
        elif part in ("train", "val", "test"):
            yield name, part
        else:
            raise InputError(
                f"{table}: split of {name:.80} is {part!r:.80}; give train, val or test"
            )


def _records(table: Path) -> Iterator[dict[str, Any]]:
    """Rows of NeRF-W's table by column; bytes that are not UTF-8 are kept as surrogates."""
    size = existing_file(table).stat().st_size
    check_memory(table, size, _LARGEST_TABLE, "it is not a table of photographs")
    text = table.read_bytes().decode("utf-8-sig", "surrogateescape")
    rows = csv.DictReader(io.StringIO(text, newline=""), delimiter="\t")
    try:
        if not {"filename", "id", "split"} <= set(rows.fieldnames or ()):
            raise InputError(
                f"{table}: has the columns {rows.fieldnames!s:.200}; NeRF-W's are filename, id, "
                "split and dataset, with tabs between them"
            )
        yield from rows
    except csv.Error as error:
        raise InputError(
            f"{table}: line {rows.line_num} is no row of a table ({reason(error)}); correct it"
        ) from error


def _frame(
    image: ColmapImage,
    model: ColmapModel,
    reliable: Bool[np.ndarray, " points"],
    name: str,
    file: Path,
) -> Frame:
    rotation, shift = image.w2c[:, :3], image.w2c[:, 3]
    c2w = inverse_pose(image.w2c)
    seen = model.xyz[image.seen[reliable[image.seen]]]
    near, far = range_of(seen @ rotation[2] + shift[2])
    return Frame(
        name=name,
        image=file,
        pose=swap_opencv_opengl(c2w),
        lens=model.lenses[image.camera],
        near=near,
        far=far,
    )


def _files(model: ColmapModel, folder: Path, source: Path) -> dict[str, tuple[str, Path]]:
    """Readable name and picture of each image, by its name in the model.

    Raises:
        InputError: A name leads out of the folder, or is not UTF-8 and none of a picture.
    """
    exists = lambda name: inner_file(name, folder, source).is_file()
    names = existing_names(source, [image.name for image in model.images], exists)
    odd = [name for given, name in names.items() if not is_utf8(given) and not exists(name)]
    if odd:
        raise InputError(
            f"{source}: {len(odd)} names of images are not UTF-8, such as {odd[0]!r:.80}, nor are "
            f"they those of files in {folder} in any usual encoding; copy the pictures there, or "
            "write the names in UTF-8"
        )
    return {given: (name, inner_file(name, folder, source)) for given, name in names.items()}


def _images_folder(model: Path, images: Path | None) -> Path:
    if images is not None:
        return images
    model = model.absolute()
    for folder in (model, *model.parents[:3]):
        if (folder / "images").is_dir():
            return folder / "images"
    raise InputError(f"{model}: has no folder of images beside it; give it (images)")
