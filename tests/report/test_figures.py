"""Grids show unaltered pixels at known places; curves are drawn to scale."""

import io
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from theta0.report import figures, pictures, series

INITS = series.INITS
# Run-time shape checks, where they are on, refuse a wrong shape first.
REFUSED = (ValueError, TypeError)


def decode(png):
    image = Image.open(io.BytesIO(png))
    image.load()
    assert image.format == "PNG"
    return np.asarray(image.convert("RGB"))


def rows(rules=("sgd", "adam"), inits=INITS, views=None, **more):
    return [
        {"init": init, "rule": rule, "lr": 0.01, "steps": steps,
         "psnr_mean": 10.0 + i + steps / 10, "n": 3, "seconds": 1.0,
         **({"views": views} if views else {}), **more}
        for rule in rules
        for i, init in enumerate(inits)
        for steps in (0, 1, 2, 5, 10, 100)
    ]  # fmt: skip


def runs(mask):
    """Returns (start, length) of each run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mask.astype(int), [0]])))
    return [(int(a), int(b - a)) for a, b in edges.reshape(-1, 2)]


def test_grid_shows_known_pixels_at_known_places():
    red, green = np.zeros((4, 8, 3)), np.zeros((4, 8, 3))
    red[..., 0], green[..., 1] = 1.0, 0.5
    sheet = decode(pictures.picture_grid([[red, green], [green, red]], ["", ""], ["", ""]))
    # 8 pixels are enlarged by 24 to 192; the margin is 6, the gap between columns 12.
    assert sheet.shape == (6 + 96 + 6 + 96 + 6, 6 + 192 + 12 + 192 + 6, 3)
    is_red, is_green = (sheet == (255, 0, 0)).all(-1), (sheet == (0, 128, 0)).all(-1)
    assert runs(is_red[20]) == [(6, 192)] and runs(is_green[20]) == [(210, 192)]
    assert runs(is_red[150]) == [(210, 192)] and runs(is_green[150]) == [(6, 192)]
    assert runs(is_red[:, 20]) == [(6, 96)] and runs(is_green[:, 20]) == [(108, 96)]


def test_enlargement_is_nearest_neighbour_and_not_transposed():
    image = np.arange(6).reshape(2, 3) / 5
    sheet = decode(pictures.strip([image], [""]))
    factor = 192 // 3
    inside = sheet[6 : 6 + 2 * factor, 6 : 6 + 3 * factor, 0]
    expected = np.kron(np.rint(255 * image), np.ones((factor, factor)))
    np.testing.assert_array_equal(inside, expected)


def test_labels_and_captions_do_not_overlap_pictures():
    black = np.zeros((4, 4))
    plain = decode(pictures.strip([black, black], ["", ""]))
    labelled = decode(
        pictures.picture_grid([[black, black]], ["row"], ["a", "b"], [["10.0 dB", None]])
    )
    assert labelled.shape[0] > plain.shape[0] and labelled.shape[1] > plain.shape[1]
    # Pictures are entirely black: no text was drawn over them.
    dark = (labelled == 0).all(-1)
    columns = [run for run in runs(dark[60]) if run[1] > 50]
    assert [length for _, length in columns] == [192, 192]
    for start, length in columns:
        (y, height) = max(runs(dark[:, start]), key=lambda run: run[1])
        assert height == 192 and dark[y : y + height, start : start + length].all()
    (below,) = {y + height for y, height in runs(dark[:, columns[0][0]]) if height == 192}
    first, second = columns
    caption = slice(below + 2, below + 20)
    assert (labelled[caption, first[0] : first[0] + 192] < 128).any()
    assert (labelled[caption, second[0] : second[0] + 192] == 255).all()


def test_a_long_label_widens_its_column_up_to_a_limit():
    image = np.zeros((4, 4))
    widths = [
        decode(pictures.strip([image, image], ["w" * n, ""])).shape[1] for n in (1, 30, 60, 600)
    ]
    assert widths[0] < widths[1] < widths[2] == widths[3]


def test_missing_picture_leaves_its_cell_empty():
    black = np.zeros((4, 4))
    sheet = decode(pictures.strip([black, None, black], ["", "", ""]))
    assert runs((sheet[100] == 0).all(-1)) == [(6, 192), (210 + 12, 192)]


def test_bytes_are_rounded_and_clipped_and_nan_is_magenta():
    image = np.array([[0.0, 1.0, 0.5, -3.0, 7.0, np.nan, 0.25]])
    grey = pictures.to_bytes(image)
    assert grey[0, :5, 0].tolist() == [0, 255, 128, 0, 255]
    assert grey[0, 5].tolist() == [255, 0, 255]
    assert grey[0, 6].tolist() == [64, 64, 64]
    assert np.array_equal(pictures.to_bytes(image[..., None]), grey)


@pytest.mark.parametrize("shape", [(3,), (4, 4, 2), (4, 4, 4), (0, 4), (2, 4, 4, 3)])
def test_other_shapes_are_refused(shape):
    with pytest.raises(REFUSED, match=r"a picture is|Type-check"):
        pictures.to_bytes(np.zeros(shape))


def test_ragged_grid_is_refused():
    image = np.zeros((4, 4))
    with pytest.raises(ValueError, match="images has rows of"):
        pictures.picture_grid([[image, image], [image]], ["a", "b"], ["c", "d"])
    with pytest.raises(ValueError, match="captions has rows of"):
        pictures.picture_grid([[image]], ["a"], ["c"], [["x", "y"]])
    with pytest.raises(ValueError, match="no picture"):
        pictures.picture_grid([[None]], ["a"], ["c"])


def test_file_size_is_limited_even_for_noise():
    noise = np.random.default_rng(0).random((178, 178, 3))
    png = pictures.picture_grid([[noise] * 5] * 5, list("abcde"), list("vwxyz"))
    assert len(png) < 500_000
    assert decode(png).shape[0] > 5 * 64


def test_difference_is_signed_with_a_fixed_scale():
    target = np.full((1, 4, 3), 0.5)
    image = target + np.array([-0.5, 0.0, 0.125, 0.25])[None, :, None]
    shown = pictures.difference(image, target)[0]
    assert shown[1].tolist() == [1.0, 1.0, 1.0]
    assert shown[0, 2] > shown[0, 0] and shown[3, 0] > shown[3, 2]  # blue is dark, red is bright
    np.testing.assert_allclose(1 - shown[2], (1 - shown[3]) / 2)  # half the error, half the colour
    np.testing.assert_array_equal(shown[:3], pictures.difference(image[:, :3], target[:, :3])[0])
    with pytest.raises(REFUSED, match=r"differ in shape|Type-check"):
        pictures.difference(image, target[:, :2])


def centre_of(sheet, colour):
    """Returns the mean row of pixels near a colour, in the left part of the axes."""
    wanted = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)])
    near = (np.abs(sheet.astype(int) - wanted) < 12).all(-1)
    near = near[80:, sheet.shape[1] // 7 : sheet.shape[1] // 3]  # no numbers, no title
    assert near.sum() > 20, colour
    return np.nonzero(near)[0].mean()


def test_curves_are_ordered_by_psnr_in_the_colours_of_their_initializations():
    data = [r for r in rows(("sgd",)) if r["steps"] <= 1]  # flat lines, 1 dB apart
    png = figures.curves(data, "title")
    heights = [centre_of(decode(png), series.style(init).colour) for init in INITS]
    assert heights == sorted(heights, reverse=True)
    steps = -np.diff(heights)  # equal distances in dB are equal distances in pixels
    np.testing.assert_allclose(steps, steps.mean(), rtol=0.1)  # a marker is a few pixels
    assert len(png) < 100_000


def test_styles_are_distinct_and_deterministic():
    styles = [series.style(init) for init in INITS]
    for part in ("colour", "marker", "dashes"):
        assert len({getattr(style, part) for style in styles}) == len(INITS)
    assert series.style("unheard of") == series.style("unheard of") not in styles


@pytest.mark.parametrize(
    "data",
    [
        rows(("sgd",), ("learned",))[:1],  # a single point
        rows(psnr_std=2.0),
        [r for views in (1, 2, 4) for r in rows(views=views)],
        [{**r, "lr": 0.1 / (1 + r["steps"])} for r in rows(("sgd",))],  # chosen at each point
        [{**r, "psnr_mean": None if r["steps"] < 5 else float("nan")} for r in rows(("sgd",))]
        + rows(("adam",)),
        rows(("lion",), ("$x^", "<b>")),
    ],
)  # fmt: skip
def test_curves_of_every_kind_are_drawn(data):
    png = figures.curves(data, r"$ \alpha & <title> 100%")
    height, width, _ = decode(png).shape
    assert 300 < height < 900 and 400 < width < 2000
    assert len(png) < 250_000


def test_no_finite_values_are_refused():
    with pytest.raises(ValueError, match="none of the 1 rows"):
        figures.curves([{**rows()[0], "psnr_mean": None}], "t")
    with pytest.raises(ValueError, match="no record has a step"):
        figures.training_curve([])


@pytest.mark.slow
def test_training_curve_is_drawn_with_and_without_validation():
    records = [
        {"step": s, "seconds": 2.0 * s, "loss": 1 / s, **({"validation_psnr": 20.0} if s % 10 == 0
         else {})} for s in range(1, 101)
    ]  # fmt: skip
    both = decode(figures.training_curve(records))
    loss_only = decode(figures.training_curve(records[:5]))
    assert both.shape[0] > loss_only.shape[0]
    lost = [{"step": 1, "loss": None}, {"step": 2, "loss": float("nan")}, {"step": 3}]
    assert decode(figures.training_curve(lost)).shape[1] > 400


def test_labels_are_spread_within_their_limits():
    places = series.spread([50.0, 50.0, 51.0, 0.0, 99.0], gap=10, low=0, high=100)
    order = np.argsort(places)
    assert np.diff(np.array(places)[order]).min() >= 10 - 1e-9
    assert 0 <= min(places) and max(places) <= 100
    assert places[3] == 0.0 and places[0] < places[2] < places[4]
    assert series.spread([10.0, 60.0], gap=5, low=0, high=100) == [10.0, 60.0]  # room enough
    assert series.spread([51.0, 49.0], gap=10, low=0, high=100) == [55.0, 45.0]  # symmetric


def test_step_axis_includes_zero_and_is_logarithmic_beyond_one():
    assert series.position(0) == 0 and series.position(1) == 1
    gaps = np.diff([series.position(s) for s in (0, 1, 10, 100, 1000)])
    np.testing.assert_allclose(gaps[1:], 1.5)
    assert series.ticks(200) == [0, 1, 2, 5, 10, 20, 50, 100, 200]
    assert series.ticks(5000) == [0, 1, 10, 100, 1000]
    assert series.ticks(0) == [0]


@pytest.mark.parametrize(
    ("use", "absent"),
    [
        ("", "jax matplotlib rich PIL"),
        ("theta0.report.curves([ROW], '')", "jax matplotlib.pyplot"),
    ],
)
def test_import_is_light(use, absent):
    use = use.replace("ROW", repr(rows()[0]))
    code = f"import sys, theta0.report; {use}\nprint(set({absent.split()}) & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "set()\n"
