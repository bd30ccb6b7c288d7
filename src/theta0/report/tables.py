"""Tables in Markdown, CSV, LaTeX, HTML and the terminal, with the best values marked."""

import csv
import html
import io
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import TYPE_CHECKING

from theta0.report import series

if TYPE_CHECKING:
    import rich.table

Cell = str | int | float | Real | None  # Real: NumPy scalars

MISSING = "–"


@dataclass(frozen=True)
class Table:
    """A table of text and numbers.

    Floats are printed with two decimals, integers without any, None as an en dash. In each column
    named in `higher` or `lower` the best value is bold, and so is every cell that is equal to it
    as printed. A column with fewer than two numbers has no best. With `within`, rows are compared
    only with rows that have the same value in that column, such as the same number of views.

    Attributes:
        title: One line.
        columns: Unique names.
        rows: One cell for each column.
        notes: Lines below the table: number of signals, seeds, what the columns mean.
        higher: Columns in which the greatest number is the best.
        lower: Columns in which the least number is the best.
        within: The column by which rows are grouped for comparison; empty compares all rows.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    notes: Sequence[str] = ()
    higher: Sequence[str] = ()
    lower: Sequence[str] = ()
    within: str = ""

    def __post_init__(self) -> None:
        if len(set(self.columns)) < len(self.columns):
            raise ValueError(f"columns must differ; got {list(self.columns)}")
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(
                    f"a row has {len(row)} cells for {len(self.columns)} columns: {row}"
                )
        unknown = {*self.higher, *self.lower, self.within or self.columns[0]} - set(self.columns)
        if unknown:
            raise ValueError(
                f"higher, lower or within name columns that do not exist: {sorted(unknown)}; "
                f"choose from {list(self.columns)}"
            )

    def to_markdown(self) -> str:
        """Returns a GitHub table below its title, with numbers aligned to the right."""
        rules = ["---:" if self._numeric(j) else "---" for j in range(len(self.columns))]
        lines = [
            [_markdown(name) for name in self.columns],
            rules,
            *([_bold(*cell) for cell in row] for row in self._cells(_markdown)),
        ]
        body = "\n".join("| " + " | ".join(line) + " |" for line in lines)
        notes = "".join(f"\n{_markdown(note)}\n" for note in self.notes)
        return f"{_markdown(self.title)}\n\n{body}\n{notes}"

    def to_csv(self) -> str:
        """Returns comma-separated values for other programs.

        A missing number is an empty cell. The best are not marked in their cells, which stay
        numbers, but in an additional column `best` that names the columns in which a row wins.
        """
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        marks = bool(self.higher or self.lower)
        writer.writerow([*self.columns, *(["best"] if marks else [])])
        for row in self._cells(lambda text: "" if text == MISSING else text):
            wins = ";".join(name for name, (_, best) in zip(self.columns, row, strict=True) if best)
            writer.writerow([*(text for text, _ in row), *([wins] if marks else [])])
        return out.getvalue()

    def to_latex(self) -> str:
        """Returns a `table` environment that uses the booktabs package."""
        kinds = "".join("r" if self._numeric(j) else "l" for j in range(len(self.columns)))
        lines = [
            r"\begin{table}",
            r"  \centering",
            rf"  \caption{{{_latex(self.title)}}}",
            rf"  \begin{{tabular}}{{{kinds}}}",
            r"    \toprule",
            "    " + " & ".join(_latex(name) for name in self.columns) + r" \\",
            r"    \midrule",
        ]
        for row in self._cells(_latex):
            cells = [rf"\textbf{{{text}}}" if best else text for text, best in row]
            lines.append("    " + " & ".join(cells) + r" \\")
        lines += [r"    \bottomrule", r"  \end{tabular}"]
        lines += [rf"  \par\footnotesize {_latex(note)}" for note in self.notes]
        return "\n".join([*lines, r"\end{table}", ""])

    def to_html(self) -> str:
        """Returns a `<table>` in a `<div class="table">`, with all text escaped."""
        kinds = [' class="number"' if self._numeric(j) else "" for j in range(len(self.columns))]
        head = "".join(
            f'<th scope="col"{kind}>{html.escape(name)}</th>'
            for name, kind in zip(self.columns, kinds, strict=True)
        )
        body = "".join(
            "<tr>"
            + "".join(
                f"<td{kind}>{f'<strong>{text}</strong>' if best else text}</td>"
                for (text, best), kind in zip(row, kinds, strict=True)
            )
            + "</tr>\n"
            for row in self._cells(html.escape)
        )
        notes = "".join(f'<p class="note">{html.escape(note)}</p>\n' for note in self.notes)
        return (
            f'<div class="table"><table>\n<caption>{html.escape(self.title)}</caption>\n'
            f"<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody>\n</table></div>\n{notes}"
        )

    def to_rich(self) -> "rich.table.Table":
        """Returns the table for a `rich` console, without interpreting any text as markup."""
        from rich.table import Table as RichTable
        from rich.text import Text

        caption = Text("\n".join(self.notes)) if self.notes else None
        # Without rules between them a dozen columns fit into 80 characters. In a narrower terminal
        # text folds, while numbers are never truncated to "30.…".
        table = RichTable(
            title=Text(self.title),
            caption=caption,
            caption_justify="left",
            box=None,
            header_style="underline",
            title_style="bold",
            padding=(0, 1, 0, 0),
            pad_edge=False,
        )
        for j, name in enumerate(self.columns):
            number = self._numeric(j)
            side = "right" if number else "left"
            table.add_column(Text(name), justify=side, overflow="fold", no_wrap=number)
        for row in self._cells(str):
            table.add_row(*(Text(text, style="bold" if best else "") for text, best in row))
        return table

    def _cells(self, escape: Callable[[str], str]) -> list[list[tuple[str, bool]]]:
        """Returns (escaped text, whether it is the best in its column) for every cell."""
        best = {group: self._best(group) for group in {self._group(row) for row in self.rows}}
        return [
            [
                (escape(cell_text(cell)), cell_text(cell) == best[self._group(row)].get(name))
                for name, cell in zip(self.columns, row, strict=True)
            ]
            for row in self.rows
        ]

    def _group(self, row: Sequence[Cell]) -> str:
        """Returns the group of rows within which a row is compared."""
        return cell_text(row[list(self.columns).index(self.within)]) if self.within else ""

    def _best(self, group: str) -> dict[str, str]:
        """Returns the best number of each compared column, as printed."""
        best = {}
        for name in (*self.higher, *self.lower):
            j = list(self.columns).index(name)
            cells = [row[j] for row in self.rows if self._group(row) == group]
            numbers = [x for x in cells if isinstance(x, Real) and not math.isnan(x)]
            if len(numbers) > 1:
                best[name] = cell_text(max(numbers) if name in self.higher else min(numbers))
        return best

    def _numeric(self, j: int) -> bool:
        """Returns whether column j holds only numbers, apart from missing ones."""
        cells = [row[j] for row in self.rows if row[j] is not None]
        return bool(cells) and not any(isinstance(cell, str) for cell in cells)


def steps_table(rows: Iterable[series.Row], title: str | None = None) -> Table:
    """Tabulates PSNR: a row for each initialization and update rule, a column for each step count.

    Args:
        rows: Results as in `series`; if they have `views`, so has the table.
        title: The table's title; by default the metric after a number of steps.

    Returns:
        The table; the best initialization after each number of steps is bold, separately for each
        number of views.

    Raises:
        ValueError: A row lacks a key, or two rows describe the same point.
    """
    rows = sorted(series.check(rows), key=series.order)
    steps = sorted({int(row["steps"]) for row in rows})
    names = [str(step) for step in steps]
    views = ["views"] if any(row.get("views") is not None for row in rows) else []
    keys = (*views, "init", "rule")
    groups: dict[tuple[Cell, ...], list[series.Row]] = {}
    for row in rows:
        groups.setdefault(tuple(row.get(name) for name in keys), []).append(row)
    return Table(
        title=title or f"{series.metric_label(rows)} after a number of steps",
        columns=(*keys, "lr", *names),
        rows=[(*key, _step_sizes(group), *_means(group, steps)) for key, group in groups.items()],
        notes=_notes(rows),
        higher=names,
        within="views" if views else "",
    )


def _step_sizes(rows: Sequence[series.Row]) -> str:
    """Returns the step sizes that were used; at step 0 there is none."""
    used = sorted((row for row in rows if row["steps"] > 0), key=lambda row: row.get("lr", 0))
    return ", ".join(filter(None, dict.fromkeys(map(series.step_size, used))))


def _means(rows: Sequence[series.Row], steps: Sequence[int]) -> list[float | None]:
    """Returns the mean metric after each number of steps, None where it is missing."""
    found = {int(row["steps"]): series.mean(row) for row in rows}
    return [None if (value := found.get(step)) is None else float(value) for step in steps]


def cell_text(cell: Cell) -> str:
    """Returns a cell as printed: two decimals, an en dash for None, text on one line."""
    if cell is None:
        return MISSING
    if isinstance(cell, Real) and not isinstance(cell, Integral):
        return f"{cell:.2f}"
    return " ".join(str(cell).split())


def _notes(rows: Sequence[series.Row]) -> tuple[str, ...]:
    """Returns a note on the number of signals."""
    counts = sorted({int(row["n"]) for row in rows if row.get("n") is not None})
    if not counts:
        return ()
    number = str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    return (f"Mean over {number} signal{'' if counts == [1] else 's'}; lr: step sizes used.",)


def _bold(text: str, best: bool) -> str:
    """Returns bold text in Markdown if it is the best."""
    return f"**{text}**" if best else text


def _markdown(text: str) -> str:
    """Escapes the special characters of Markdown, and of HTML inside it."""
    text = "".join("\\" + c if c in "\\`*_[]|~#" else c for c in " ".join(text.split()))
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


_LATEX = {
    "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "–": "--", "—": "---", "±": r"$\pm$", "×": r"$\times$", "θ": r"$\theta$", "°": r"$^\circ$",
    "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}",
    **{c: "\\" + c for c in "&%$#_{}"},
}  # fmt: skip


def _latex(text: str) -> str:
    """Escapes LaTeX's special characters."""
    return "".join(_LATEX.get(c, c) for c in " ".join(text.split()))
