"""Text: the same picture at every size, whole and separate words, and checks of fonts."""

import json
import shutil
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from string import ascii_lowercase

import matplotlib
import numpy as np
import pytest
from PIL import Image, ImageDraw

from theta0.data.images import Pictures, PictureSource, Text
from theta0.data.images import _fonts as _fonts
from theta0.data.images import _text as text
from theta0.data.images._fonts import find_fonts, open_font
from theta0.data.images._words import WORDS
from theta0.errors import InputError

FONTS = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
FAMILIES = ("DejaVuSans", "DejaVuSerif", "STIXGeneral", "cm")


@pytest.fixture(scope="module")
def fonts():
    return find_fonts(None)[0]


def folder_of(tmp_path, *names: str) -> str:
    for name in names:
        shutil.copy(FONTS / name, tmp_path)
    return str(tmp_path)


def layouts(fonts, count: int):
    return [text._layout(np.random.default_rng(seed), fonts) for seed in range(count)]


def pooled(picture: np.ndarray, factor: int) -> np.ndarray:
    size = len(picture) // factor
    return picture.reshape(size, factor, size, factor, -1).mean((1, 3))


def test_source_keeps_the_protocol():
    source = Text(samples=2, validation=1, test=1)
    pictures = source.read(48)
    assert isinstance(source, PictureSource) and isinstance(pictures, Pictures)
    names = [field.name for field in fields(Text)]
    assert names == ["samples", "validation", "test", "seed", "fonts"]
    assert pictures.skipped == ()
    for number in range(4):
        picture = pictures.load(number)
        assert picture.shape == (48, 48, 3) and picture.dtype == np.float32
        assert picture.min() >= 0 and picture.max() <= 1
        assert np.all(picture == picture[..., :1])


@pytest.mark.parametrize(("size", "factor"), [(32, 4), (64, 2), (89, 2), (128, 3)])
def test_fine_picture_averages_to_the_coarse_one(size, factor):
    """Exactly, but for float32: pixels are means of one sheet."""
    coarse, fine = Text(seed=5).read(size), Text(seed=5).read(size * factor)
    for number in range(6):
        np.testing.assert_allclose(
            pooled(fine.load(number), factor), coarse.load(number), atol=2e-6
        )


def test_at_the_size_of_the_sheet_a_picture_is_what_pillow_draws(fonts):
    (word,) = text._layout(np.random.default_rng(8), fonts)[:1]
    picture = text._picture([word], False, text.SHEET)[..., 0]
    sheet = Image.new("L", (text.SHEET, text.SHEET))
    corner = (word.left + word.origin[0], word.top + word.origin[1])
    ImageDraw.Draw(sheet).text(corner, word.text, 255, open_font(word.font, word.em), anchor="ls")
    np.testing.assert_allclose(picture, np.asarray(sheet) / 255, atol=1e-6)
    assert picture.sum() > 500


def test_shares_of_pixels_are_a_partition():
    """At every size, each sheet pixel is used completely, and each pixel is covered once."""
    for size in (2, 31, 178, 512, 700):
        rows, shares = text._coverage(size, 0, text.SHEET)
        assert rows == slice(0, size)
        np.testing.assert_allclose(shares.sum(1), 1, rtol=1e-6)
        np.testing.assert_allclose(shares.sum(0), size / text.SHEET, rtol=1e-5)
        part, inner = text._coverage(size, 100, 57)
        np.testing.assert_array_equal(inner, shares[part, 100:157])
        assert shares[:, 100:157].sum() == pytest.approx(inner.sum())


def test_words_are_whole_and_apart(fonts):
    for words in layouts(fonts, 60):
        assert 1 <= len(words) <= 8
        for i, word in enumerate(words):
            assert word.left >= 0 and word.left + word.width <= text.SHEET
            assert word.top >= 0 and word.top + word.height <= text.SHEET
            assert not any(word.overlaps(other) for other in words[:i])
            # The box loses nothing: drawn with room around it, the word has as much ink.
            roomy = text._Word(
                word.text,
                word.font,
                word.em,
                (word.origin[0] + 40, word.origin[1] + 40),
                0,
                0,
                word.width + 80,
                word.height + 80,
            )
            assert text._mask(word).sum() == pytest.approx(text._mask(roomy).sum(), rel=1e-5)


def test_words_cases_fonts_sizes_and_numbers_vary(fonts):
    every = layouts(fonts, 200)
    words = [word for layout in every for word in layout]
    assert {len(layout) for layout in every} >= {1, 2, 3, 4, 5, 6}
    assert {word.font for word in words} == set(fonts)
    assert len({word.text.lower() for word in words}) > 0.5 * len(WORDS)
    cases = [sum(map(test, (word.text for word in words))) for test in (str.islower, str.isupper)]
    assert min(cases) > 0.25 * len(words) and sum(cases) < 0.75 * len(words)
    em = np.array([word.em for word in words]) / text.SHEET
    assert em.min() < 0.1 and em.max() > 0.35


def test_both_polarities_come_equally_often():
    pictures = Text().read(16)
    means = np.array([pictures.load(number).mean() for number in range(100)])
    # Ink covers less than half, so the mean tells; 4 standard deviations of 100 coins are 20.
    assert 30 <= np.sum(means > 0.5) <= 70
    assert np.all(np.abs(means - 0.5) > 0.02)


def test_words_are_common_letters_of_many_lengths():
    assert len(WORDS) == len(set(WORDS)) >= 200
    assert set("".join(WORDS)) == set(ascii_lowercase)
    assert {len(word) for word in WORDS} >= set(range(2, 12))


def test_own_fonts_are_those_of_text_in_order_of_name(fonts):
    assert [path.name for path in fonts] == sorted(path.name for path in fonts)
    names = [path.stem for path in fonts]
    assert len(names) >= 15
    assert all(name.startswith(FAMILIES) for name in names)
    assert {"DejaVuSans", "DejaVuSerif-Bold", "STIXGeneral", "cmr10", "cmtt10"} <= set(names)
    assert not {"cmsy10", "cmex10", "DejaVuSansDisplay", "LastResortHE-Regular"} & set(names)
    assert not [name for name in names if "Siz" in name or "NonUni" in name]


def test_finding_fonts_does_not_import_matplotlib():
    code = (
        "import sys, json; from theta0.data.images._fonts import find_fonts; "
        "print(json.dumps([len(find_fonts(None)[0]), 'matplotlib' in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    count, imported = json.loads(done.stdout)
    assert count >= 15 and not imported


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("STIXSizOneSymReg.ttf", "lacks letters, such as 'a'"),
        ("STIXNonUni.ttf", "lacks letters"),
        ("DejaVuSansDisplay.ttf", "lacks letters"),
        ("LastResortHE-Regular.ttf", "shows several letters alike"),
        ("cmsy10.ttf", "symbols in place of letters"),
        ("cmex10.ttf", "symbols in place of letters"),
    ],
)
def test_fonts_of_symbols_are_skipped_with_the_reason(tmp_path, name, reason):
    folder = folder_of(tmp_path, "cmr10.ttf", name)
    pictures = Text(samples=1, fonts=folder).read(16)
    ((skipped, why),) = pictures.skipped
    assert skipped == name and reason in why


def subset(source: Path, target: Path, drop: str) -> None:
    from fontTools.ttLib import TTFont

    font = TTFont(source)
    for table in font["cmap"].tables:
        for letter in drop:
            table.cmap.pop(ord(letter), None)
    font.save(target)


@pytest.mark.parametrize(("drop", "first"), [("q", "q"), ("Z", "Z"), ("xA", "x")])
def test_a_font_that_lacks_one_letter_is_skipped(tmp_path, drop, first):
    """fontTools is a dependency of matplotlib."""
    folder_of(tmp_path, "cmr10.ttf")
    subset(FONTS / "DejaVuSans.ttf", tmp_path / "lacking.ttf", drop)
    good, skipped = find_fonts(tmp_path)
    assert [path.name for path in good] == ["cmr10.ttf"]
    assert skipped == (("lacking.ttf", f"lacks letters, such as {first!r}"),)


def test_a_font_without_a_box_for_what_it_lacks_is_skipped_too(tmp_path):
    """Its missing letters are blank, like its .notdef."""
    from fontTools.ttLib import TTFont

    font = TTFont(FONTS / "DejaVuSans.ttf")
    empty = type(font["glyf"][".notdef"])()
    font["glyf"][".notdef"] = empty
    for table in font["cmap"].tables:
        table.cmap.pop(ord("e"), None)
    font.save(tmp_path / "blank.ttf")
    with pytest.raises(InputError, match=r"blank.ttf: lacks letters, such as 'e'"):
        find_fonts(tmp_path)


def test_damaged_files_are_skipped_and_folders_below_are_searched(tmp_path):
    folder_of(tmp_path, "cmr10.ttf")
    (tmp_path / "below").mkdir()
    shutil.copy(FONTS / "cmtt10.ttf", tmp_path / "below" / "A.TTF")
    whole = (FONTS / "DejaVuSans.ttf").read_bytes()
    (tmp_path / "cut.ttf").write_bytes(whole[: len(whole) // 3])
    (tmp_path / "empty.otf").touch()
    (tmp_path / "text.ttf").write_text("no font")
    (tmp_path / "note.txt").write_text("not looked at")
    good, skipped = find_fonts(tmp_path)
    names = [path.relative_to(tmp_path).as_posix() for path in good]
    assert names == ["below/A.TTF", "cmr10.ttf"]
    assert [name for name, _ in skipped] == ["cut.ttf", "empty.otf", "text.ttf"]
    assert all("damaged" in reason or "lacks" in reason for _, reason in skipped)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ((), "holds no font"),
        (("cmsy10.ttf",), r"none of its 1 fonts can be used \(the first, cmsy10.ttf: has symbols"),
        (("cmex10.ttf", "STIXNonUni.ttf"), r"none of its 2 .*STIXNonUni.ttf: lacks letters"),
    ],
)
def test_a_folder_without_a_usable_font_is_an_error(tmp_path, names, message):
    folder = folder_of(tmp_path, *names)
    with pytest.raises(InputError, match=message) as caught:
        Text(fonts=folder).read(16)
    assert str(caught.value).startswith(folder) and "give a folder of .ttf" in str(caught.value)


def test_a_missing_folder_and_missing_matplotlib_are_named(tmp_path, monkeypatch):
    with pytest.raises(InputError, match="no such folder"):
        Text(fonts=str(tmp_path / "absent")).read(16)
    monkeypatch.setattr(_fonts.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(InputError, match="give a folder of fonts"):
        Text().read(16)


def test_a_font_taken_away_meanwhile_is_an_input_error(tmp_path):
    pictures = Text(fonts=folder_of(tmp_path, "cmr10.ttf")).read(16)
    (tmp_path / "cmr10.ttf").unlink()
    with pytest.raises(InputError, match=r"cmr10.ttf: cannot be read as a font"):
        pictures.load(0)


def test_words_of_a_very_wide_font_are_made_to_fit(monkeypatch, fonts):
    monkeypatch.setattr(text, "WORDS", ("incomprehensibilities" * 3,))
    for words in layouts(fonts, 20):
        assert all(word.left >= 0 and word.left + word.width <= text.SHEET for word in words)
        assert words[0].width > 0.8 * text.SHEET
