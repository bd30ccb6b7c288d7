"""The page is a single file: well formed, escaped, and without network requests."""

import base64
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from theta0.report import html, series, strip, svg
from theta0.report.tables import steps_table

HOSTILE = "<script>alert('1')</script>\"><img src=x onerror=alert(2)>&amp;"
VOID = {"meta", "img", "br", "link", "input", "hr"}
PICTURE = strip([np.zeros((4, 4))], ["a"])


def row(init=HOSTILE, rule="sgd", steps=0, psnr=10.0, **more):
    return {"init": init, "rule": rule, "lr": 0.01, "steps": steps, "psnr_mean": psnr,
            "n": 2, "seconds": 1.0, **more}  # fmt: skip


class Page(HTMLParser):
    """Checks that elements are closed in order; collects elements and text."""

    def __init__(self, source):
        super().__init__()
        self.stack, self.elements, self.text, self.declaration = [], [], [], ""
        self.feed(source)
        self.close()
        assert self.stack == []

    def handle_decl(self, decl):
        self.declaration = decl

    def handle_starttag(self, tag, attrs):
        names = [name for name, _ in attrs]
        assert len(set(names)) == len(names)
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.stack.append(tag)

    def handle_startendtag(self, tag, attrs):
        assert "svg" in self.stack  # only foreign elements are self-closing in HTML5
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.stack and self.stack.pop() == tag

    def handle_data(self, data):
        if not self.stack or self.stack[-1] not in ("script", "style"):
            self.text.append(data)

    def find(self, tag):
        return [attrs for name, attrs in self.elements if name == tag]


def example():
    rows = [
        row(init, rule, steps, 10.0 + steps, psnr_std=1.0)
        for init in ("learned", HOSTILE)
        for rule in ("sgd", HOSTILE)
        for steps in (0, 1, 10)
    ]
    return html.page(
        HOSTILE,
        HOSTILE + "\n\nsecond",
        [
            html.Section(
                HOSTILE,
                [
                    HOSTILE,
                    steps_table(rows, title=HOSTILE),
                    html.Image(PICTURE, HOSTILE, HOSTILE),
                    html.Curves(rows, HOSTILE),
                ],
            ),
            html.Section("Facts", [html.Facts({"command": HOSTILE, HOSTILE: None, "n": 3}),
                                   html.Code(HOSTILE)]),
        ],
    )  # fmt: skip


def test_page_is_well_formed_and_hostile_text_stays_text():
    page = Page(example())
    assert page.declaration == "DOCTYPE html"
    assert page.find("html") == [{"lang": "en"}]
    assert page.find("meta")[0] == {"charset": "utf-8"}
    assert len(page.find("script")) == 1 and page.find("script")[0] == {}
    assert len(page.find("img")) == 1
    assert not any(name.startswith("on") for _, attrs in page.elements for name in attrs)
    # Title, heading, intro, section (heading and link), text, table title, caption, command,
    # name of a fact, code, and more in cells and charts.
    assert "".join(page.text).count(HOSTILE) >= 11
    assert page.find("img")[0]["alt"] == HOSTILE


def test_page_makes_no_network_requests():
    source = example()
    assert not re.search(r"(?:https?:)?//[a-z]", source.replace("data:image", ""), re.I)
    assert not re.search(r"@import|url\(|fetch\(|XMLHttp|import\(", source)
    for tag, attrs in Page(source).elements:
        assert tag not in ("link", "iframe", "object", "embed", "base", "form")
        for name in ("src", "href", "srcset", "poster", "action", "xlink:href"):
            value = attrs.get(name)
            assert value is None or value.startswith(("data:image/png;base64,", "#"))
    (policy,) = [m for m in Page(source).find("meta") if "http-equiv" in m]
    assert policy["content"].startswith("default-src 'none'; img-src data:;")


def test_picture_is_embedded_with_its_size():
    # 192 pixels, margins of 6, and a label of 18 with 3 below it.
    (image,) = Page(example()).find("img")
    assert base64.b64decode(image["src"].partition(",")[2]) == PICTURE
    assert (image["width"], image["height"]) == ("204", "225")
    with pytest.raises(ValueError, match="not a PNG"):
        html.page("t", "", [html.Section("s", [html.Image(b"GIF89a", "", "")])])


def test_links_lead_to_sections():
    page = Page(example())
    targets = {attrs["id"] for _, attrs in page.elements if "id" in attrs}
    assert [link["href"][1:] in targets for link in page.find("a")] == [True, True]


def test_only_pages_with_curves_have_a_script():
    source = html.page("t", "", [html.Section("s", ["text"])])
    assert Page(source).find("script") == []


def test_unknown_part_is_refused():
    with pytest.raises(TypeError, match=r"got int|Type-check"):
        html.page("t", "", [html.Section("s", [3])])  # type: ignore[list-item]


def test_write_writes_the_page(tmp_path):
    path = html.write(tmp_path / "out" / "report.html", example())
    assert path.read_text(encoding="utf-8") == example()


def test_chart_has_every_value_as_a_tooltip():
    rows = [row("learned", "sgd", s, 10.123 + s, psnr_std=0.5) for s in (0, 1, 10)]
    page = Page(svg.curves_svg(rows))
    values = [attrs["data-value"] for _, attrs in page.elements if "data-value" in attrs]
    assert values == [
        "learned, 0 steps: 10.12 ± 0.50 dB",
        "learned, 1 step: 11.12 ± 0.50 dB",
        "learned, 10 steps: 20.12 ± 0.50 dB",
    ]
    assert [text for text in page.text if text in values] == values  # tooltips
    assert "learned 20.1" in page.text  # label at the end of the line


def test_points_are_placed_to_scale():
    rows = [row("matched", "sgd", s, p) for s, p in ((0, 10.0), (1, 20.0), (10, 30.0))]
    page = Page(svg.curves_svg(rows))
    (line,) = [attrs for _, attrs in page.elements if attrs.get("class") == "line"]
    points = np.array([p.split() for p in line["d"].removeprefix("M").split("L")], float)
    assert points[0, 1] - points[1, 1] == pytest.approx(points[1, 1] - points[2, 1], abs=0.11)
    share = (points[1, 0] - points[0, 0]) / (points[2, 0] - points[0, 0])
    assert share == pytest.approx(1 / 2.5, abs=1e-3)  # as `series.position` says
    group = next(attrs for name, attrs in page.elements if name == "g")
    assert group["stroke"] == series.style("matched").colour


@pytest.mark.parametrize("init", [*series.INITS, "fbp", "learned+flip", "another", "yet another"])
def test_every_marker_is_a_closed_outline_around_its_point(init):
    outline = svg._marker(series.style(init).marker, 100.0, 50.0)
    assert outline.startswith("M") and outline.endswith("Z")
    if "a" not in outline:
        corners = np.array([p.split() for p in outline[1:-1].split("L")], float)
        assert np.abs(corners - (100, 50)).max() < 5


def test_markers_have_different_outlines():
    styles = [*series._STYLES.values(), *series._SPARE]
    markers = {style.marker for style in styles} | {marker for marker, _ in series._ADDED.values()}
    outlines = {svg._marker(marker, 0.0, 0.0) for marker in markers}
    assert len(outlines) == len(markers)
    assert [marker for marker in markers if "a" in svg._marker(marker, 0.0, 0.0)] == ["o"]


def test_chart_of_a_single_point_and_of_none():
    Page(svg.curves_svg([row("learned", steps=0, psnr=10.0)]))
    with pytest.raises(ValueError, match="finite"):
        svg.curves_svg([row(psnr=None)])
