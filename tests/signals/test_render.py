"""Rendering has every pixel at its position, for any size and region."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from theta0.errors import InputError
from theta0.fields import Field, Siren
from theta0.signals import _render, check_region, native_size, render, render_values

pytestmark = pytest.mark.usefixtures("quick_compilation")


class Ramp(Field):
    """Row and column as colours, scaled from [-1, 2] to [0, 1]."""

    def __call__(self, x):
        return (jnp.stack([x[0], x[1], x[0] * 0]) + 1) / 3


@pytest.fixture(scope="module")
def siren():
    return Siren(width=16, layers=3, w0=30.0).build(jax.random.PRNGKey(0))


def close(found, expected):
    """Equal up to one grey level, as positions that differ by 1e-7 may be rounded differently."""
    assert found.shape == expected.shape and found.dtype == expected.dtype == np.uint8
    assert np.abs(found.astype(int) - expected).max() <= 1
    assert (found == expected).mean() > 0.98


@pytest.mark.parametrize("offset", [0.0, 0.5])
@pytest.mark.parametrize("region", [(0.0, 0.0, 1.0, 1.0), (-1.0, -0.5, 2.0, 1.0)])
def test_a_known_field_is_rendered_at_the_right_position(region, offset):
    top, left, bottom, right = region
    size = 30
    shown = render(Ramp(), size, region, offset)
    pitch = max(bottom - top, right - left) / size
    height, width = round((bottom - top) / pitch), round((right - left) / pitch)
    assert shown.shape == (height, width, 3)
    rows, columns = np.mgrid[:height, :width] + offset
    expected = (np.stack([top + rows * pitch, left + columns * pitch, 0 * rows], -1) + 1) / 3 * 255
    assert np.abs(shown - expected).max() <= 0.5 + 1e-3


@pytest.mark.parametrize("offset", [0.0, 0.5])
def test_a_region_is_a_crop_of_the_whole(siren, offset):
    whole = render(siren, 64, pixel_offset=offset)
    close(render(siren, 32, (0.25, 0.125, 0.5, 0.625), offset), whole[16:32, 8:40])
    close(render(siren, 48, (0.125, 0.5, 0.875, 0.75), offset), whole[8:56, 32:48])


def test_twice_the_size_agrees_where_samples_coincide(siren):
    close(render(siren, 128, pixel_offset=0.0)[::2, ::2], render(siren, 64, pixel_offset=0.0))
    # Pixel centres coincide with every third one at three times the size.
    close(render(siren, 192)[1::3, 1::3], render(siren, 64))


def test_the_whole_is_a_crop_of_a_larger_region(siren):
    around = render(siren, 90, (-1.0, -1.0, 2.0, 2.0))
    close(around[30:60, 30:60], render(siren, 30))


def test_blocks_of_rows_make_one_picture(siren, monkeypatch):
    at_once = render(siren, 40)
    monkeypatch.setattr(_render, "_POINTS", 40 * 7)  # the last block is smaller
    close(render(siren, 40), at_once)
    monkeypatch.setattr(_render, "_POINTS", 1)
    assert render(siren, 5).shape == (5, 5, 3)


def test_pixels_are_square_and_a_thin_region_is_one_pixel_wide(siren):
    assert render(siren, 50, (0.0, 0.0, 0.333, 1.0)).shape == (17, 50, 3)
    assert render(siren, 50, (0.0, 0.0, 1.0, 0.001)).shape == (50, 1, 3)


def test_a_grey_field_has_one_channel():
    field = Siren(out_size=1, width=4, layers=2).build(jax.random.PRNGKey(0))
    assert render(field, 3).shape == (3, 3, 1)


def test_disc_only_sets_pixels_outside_the_disc_to_zero(siren):
    whole, disc = render(siren, 64), render(siren, 64, disc_only=True)
    y, x = np.mgrid[-31.5:32, -31.5:32]
    inside = np.hypot(y, x) <= 32
    np.testing.assert_array_equal(disc, np.where(inside[..., None], whole, 0))
    assert whole[~inside].max() > 0
    values = render_values(siren, 64, disc_only=True)
    np.testing.assert_array_equal(np.round(values * 255), disc)


@pytest.mark.parametrize(
    "region, words",
    [
        ((0.5, 0.0, 0.5, 1.0), "TOP LEFT BOTTOM RIGHT"),
        ((0.0, 0.9, 1.0, 0.1), "TOP LEFT BOTTOM RIGHT"),
        ((0.0, 0.0, 1.0, 1e-4), "0.001 larger"),
        ((0.0, 0.0, float("nan"), 1.0), "TOP LEFT BOTTOM RIGHT"),
        ((float("nan"), 0.0, 1.0, 1.0), "TOP LEFT BOTTOM RIGHT"),
        ((-1.1, 0.0, 1.0, 1.0), "beyond -1 to 2"),
        ((0.0, 0.0, 1.0, 2.1), "beyond -1 to 2"),
        ((0.0, 0.0, float("inf"), 1.0), "beyond -1 to 2"),
    ],
)
def test_invalid_regions_are_refused(region, words):
    with pytest.raises(InputError, match=words):
        check_region(region)


def test_native_size_has_the_resolution_of_the_picture():
    check_region((-1.0, -1.0, 2.0, 2.0))
    assert native_size((-1.0, 0.0, 2.0, 1.0), 100) == 300
    assert native_size((0.5, 0.5, 0.501, 0.501), 100) == 1
    with pytest.raises(InputError, match=r"9000 pixels.*at most 8192"):
        native_size((-1.0, -1.0, 2.0, 2.0), 3000)
