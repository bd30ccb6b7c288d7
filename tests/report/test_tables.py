"""Every format of a table has the same cells, and marks the same ones as best."""

import csv
import html.parser
import io
import re

import numpy as np
import pytest
import rich.console

from theta0.report import tables
from theta0.report.tables import Table

HOSTILE = r"<script>&|*_`[x](y)\$#~{}%^ θ"

TABLE = Table(
    title="Scores",
    columns=("name", "psnr", "seconds", "n"),
    rows=(("first", 20.004, 3.0, 10), ("second", 30.126, 7.5, 10), ("third", None, 1.25, 10)),
    notes=("One note.",),
    higher=("psnr",),
    lower=("seconds",),
)
TEXTS = [
    ["first", "20.00", "3.00", "10"],
    ["second", "30.13", "7.50", "10"],
    ["third", "–", "1.25", "10"],
]
BEST = {(1, 1), (2, 2)}  # (row, column)


def row(init, rule, steps, psnr, **more):
    return {
        "init": init, "rule": rule, "lr": 0.01, "steps": steps, "psnr_mean": psnr,
        "psnr_std": 1.0, "n": 4, "seconds": 0.5, **more,
    }  # fmt: skip


class Cells(html.parser.HTMLParser):
    """Collects the body cells of a table, and which of them contain <strong>."""

    def __init__(self, text):
        super().__init__()
        self.cells, self.best, self.open = [], set(), None
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        if tag == "tr":
            self.cells.append([])
        if tag == "td":
            self.cells[-1].append("")
        if tag == "strong":
            self.best.add((len(self.cells) - 2, len(self.cells[-1]) - 1))  # without the head
        self.open = None if tag in ("th", "tr") else tag

    def handle_endtag(self, tag):
        self.open = None if tag == "td" else self.open

    def handle_data(self, data):
        if self.open in ("td", "strong"):
            self.cells[-1][-1] += data


def markdown_cells(text):
    lines = [line for line in text.splitlines() if line.startswith("|")]
    cells = [
        [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        for line in [lines[0], *lines[2:]]
    ]
    best = {
        (i, j)
        for i, line in enumerate(cells[1:])
        for j, cell in enumerate(line)
        if re.fullmatch(r"\*\*.*\*\*", cell)
    }
    plain = [[re.sub(r"\\(.)", r"\1", cell.removeprefix("**").removesuffix("**"))
              for cell in line] for line in cells]  # fmt: skip
    return plain, best


def latex_cells(text):
    body = text.split(r"\midrule")[1].split(r"\bottomrule")[0]
    cells = [
        [cell.strip() for cell in line.removesuffix("\\\\").split("&")]
        for line in map(str.strip, body.strip().splitlines())
    ]
    best = {
        (i, j)
        for i, line in enumerate(cells)
        for j, cell in enumerate(line)
        if cell.startswith(r"\textbf{")
    }
    return [[re.sub(r"\\textbf\{(.*)\}", r"\1", c) for c in line] for line in cells], best


def test_markdown_parses_back():
    cells, best = markdown_cells(TABLE.to_markdown())
    assert cells == [list(TABLE.columns), *TEXTS]
    assert best == BEST
    assert "| --- | ---: | ---: | ---: |" in TABLE.to_markdown()
    assert TABLE.to_markdown().startswith("Scores\n\n|")
    assert TABLE.to_markdown().endswith("|\n\nOne note.\n")


def test_csv_parses_back_to_numbers():
    head, *rows = csv.reader(io.StringIO(TABLE.to_csv()))
    assert head == [*TABLE.columns, "best"]
    assert [float(line[1]) for line in rows[:2]] == [20.00, 30.13]
    assert rows[2][1] == ""  # a number is missing, not a dash
    assert [line[-1] for line in rows] == ["", "psnr", "seconds"]


def test_latex_parses_back():
    cells, best = latex_cells(TABLE.to_latex())
    assert cells == [[text.replace("–", "--") for text in line] for line in TEXTS]
    assert best == BEST
    text = TABLE.to_latex()
    assert r"\begin{tabular}{lrrr}" in text and r"\caption{Scores}" in text
    assert text.count(r"\begin{") == text.count(r"\end{") == 2


def test_html_parses_back():
    parsed = Cells(TABLE.to_html())
    assert parsed.cells[1:] == TEXTS
    assert parsed.best == BEST


def test_terminal_shows_every_number_and_the_best_in_bold():
    console = rich.console.Console(file=io.StringIO(), width=80, force_terminal=True)
    console.print(TABLE.to_rich())
    text = console.file.getvalue()
    assert re.findall(r"\x1b\[1m *([\d.]+) *\x1b\[0m", text) == ["30.13", "1.25"]
    plain = re.sub(r"\x1b\[[\d;]*m", "", text)
    for line in TEXTS:
        assert re.search(r"\s+".join(map(re.escape, line)), plain)


def test_terminal_of_80_characters_truncates_no_number():
    steps = (0, 1, 2, 5, 10, 20, 50, 100, 200)
    table = tables.steps_table([row("shuffled", "adam", s, 10.0 + s / 100) for s in steps])
    console = rich.console.Console(file=io.StringIO(), width=80)
    console.print(table.to_rich())
    text = console.file.getvalue()
    assert "…" not in text
    for step in steps:
        assert f"{10 + step / 100:.2f}" in text


def test_special_characters_are_escaped_in_every_format():
    table = Table(HOSTILE, ("a|b", "n"), ((HOSTILE, 1),), (HOSTILE, "[red]not markup[/red]"))
    cells, _ = markdown_cells(table.to_markdown())
    assert cells[0][0] == "a|b"
    assert cells[1][0] == HOSTILE.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    assert next(csv.reader(io.StringIO(table.to_csv().split("\n", 1)[1])))[0] == HOSTILE
    assert Cells(table.to_html()).cells[1][0] == HOSTILE
    assert "<script" not in table.to_html() + table.to_markdown()
    console = rich.console.Console(file=io.StringIO(), width=200)
    console.print(table.to_rich())
    assert "[red]not markup[/red]" in console.file.getvalue()
    assert HOSTILE in console.file.getvalue()
    body = table.to_latex().split(r"\midrule")[1].split(r"\bottomrule")[0]
    assert r"\textless{}script\textgreater{}\&\textbar{}" in body
    assert not re.search(r"(?<!\\)[#%_]", body)


def test_line_breaks_in_a_cell_become_spaces():
    table = Table("t", ("a",), (("one\ntwo\r\n| three",),))
    assert markdown_cells(table.to_markdown())[0][1] == ["one two | three"]
    assert latex_cells(table.to_latex())[0] == [[r"one two \textbar{} three"]]


@pytest.mark.parametrize(
    ("cell", "text"),
    [(1.005, "1.00"), (-0.5, "-0.50"), (7, "7"), (None, "–"), ("x", "x"), (float("nan"), "nan"),
     (float("inf"), "inf"), (np.float32(2.5), "2.50"), (np.int64(3), "3")],
)  # fmt: skip
def test_cell_text(cell, text):
    assert tables.cell_text(cell) == text


def test_equal_best_values_are_all_bold_and_nan_is_not():
    values = [30.001, 30.004, 29.0, float("nan"), None]
    table = Table("t", ("v",), [(v,) for v in values], higher=("v",))
    assert Cells(table.to_html()).best == {(0, 0), (1, 0)}


def test_a_single_number_is_not_marked_as_best():
    table = Table("t", ("v",), [(1.0,), (None,)], higher=("v",))
    assert Cells(table.to_html()).best == set()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((("a", "b"), ((1,),)), "1 cells for 2 columns"),
        ((("a", "a"), ()), "must differ"),
        ((("a",), (), (), ("b",)), r"do not exist: \['b'\]"),
    ],
)
def test_malformed_table_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        Table("t", *arguments)


def test_steps_table_sorts_rows_and_marks_missing_cells():
    rows = [
        row("zebra", "sgd", 10, 19.0),
        row("standard", "adam", 10, 21.0),
        row("learned", "adam", 2, 29.0),
        row("standard", "sgd", 0, 9.0),
        row("learned", "sgd", 10, 30.0),
        row("learned", "sgd", 2, 28.0),
        row("learned", "sgd", 0, 11.0),
    ]
    table = tables.steps_table(rows)
    assert list(table.columns) == ["init", "rule", "lr", "0", "2", "10"]
    assert [line[:2] for line in table.rows] == [
        ("learned", "sgd"), ("learned", "adam"), ("standard", "sgd"), ("standard", "adam"),
        ("zebra", "sgd"),
    ]  # fmt: skip
    assert table.rows[1][3:] == (None, 29.0, None)
    assert Cells(table.to_html()).best == {(0, 3), (1, 4), (0, 5)}  # each column exactly once
    assert table.notes == ("Mean over 4 signals; lr: step sizes used.",)


def test_steps_table_lists_all_step_sizes_of_a_line():
    """The step size is chosen for each number of steps, so it does not distinguish lines."""
    rows = [
        row("learned", "sgd", steps, 20.0 + steps, lr=lr)
        for steps, lr in ((0, 7.0), (1, 0.1), (2, 0.1), (10, 0.025), (20, 0.005))
    ]
    (line,) = tables.steps_table(rows).rows
    assert line == ("learned", "sgd", "0.005, 0.025, 0.1", 20.0, 21.0, 22.0, 30.0, 40.0)
    with pytest.raises(ValueError, match="two rows"):
        tables.steps_table([*rows, row("learned", "sgd", 1, 30.0, lr=0.2)])


def test_best_is_chosen_for_each_number_of_views():
    rows = [
        row(init, "sgd", 5, psnr + views, views=views)
        for views in (8, 1)
        for init, psnr in (("learned", 20.0), ("standard", 10.0))
    ]
    table = tables.steps_table(rows)
    assert [line[:2] for line in table.rows] == [
        (1, "learned"), (1, "standard"), (8, "learned"), (8, "standard"),
    ]  # fmt: skip
    assert Cells(table.to_html()).best == {(0, 4), (2, 4)}


def test_duplicate_and_incomplete_rows_are_refused():
    with pytest.raises(ValueError, match="two rows for"):
        tables.steps_table([row("learned", "sgd", 1, 1.0), row("learned", "sgd", 1, 2.0)])
    with pytest.raises(ValueError, match="lacks"):
        tables.steps_table([{"init": "learned"}])


def test_a_rule_without_one_step_size_shows_its_other_settings():
    learned = {key: it for key, it in row("learned", "learned", 2, 20.0).items() if key != "lr"}
    other = {**learned, "rule": "gauss-newton", "settings": "gauss-newton:damping=0.1"}
    table = tables.steps_table([learned, other])
    assert [line[:3] for line in table.rows] == [
        ("learned", "learned", ""),
        ("learned", "gauss-newton", "damping=0.1"),
    ]
