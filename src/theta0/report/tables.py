"""Tables that say the same in Markdown, CSV, LaTeX, HTML and the terminal, best values marked."""

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

    Floats are printed with two decimals, integers whole, None as an en dash. In each column
    named in `higher` or `lower` the best value is bold: all cells that read the same as the best
    one, as no reader could say why one of two equal numbers should win. A column with fewer than
    two numbers compares nothing and has no best. With `within`, rows are compared only with rows
    that have the same value in that column, such as the same number of views.

    Attributes:
        title: One line.
        columns: Names, each different.
        rows: As many cells in each row as there are columns.
        notes: Lines below the table: number of signals, seeds, what the columns mean.
        higher: Columns in which the greatest number is the best.
        lower: Columns in which the least number is the best.
        within: The column that says which rows are compared; empty compares all.
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
            raise ValueError(f"columns must differ, got {list(self.columns)}")
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
        """Returns a GitHub table under its title; numbers stand to the right."""
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

        Numbers stay numbers: a missing one is an empty cell, and the best are marked by one more
        column, `best`, that names the columns in which a row wins.
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
        """Returns a `table` environment in the style of the booktabs package."""
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
        """Returns a `<table>` in a `<div class="table">`, everything escaped."""
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
        """Returns the table for a `rich` console; nothing in it is read as markup."""
        from rich.table import Table as RichTable
        from rich.text import Text

        caption = Text("\n".join(self.notes)) if self.notes else None
        # A dozen columns fit into 80 characters without rules between them; in a narrower terminal
        # text folds before numbers do, and nothing is cut: "30.…" would hide what counts.
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
        """Returns (escaped text, whether it is the best of its column) for every cell."""
        best = {group: self._best(group) for group in {self._group(row) for row in self.rows}}
        return [
            [
                (escape(cell_text(cell)), cell_text(cell) == best[self._group(row)].get(name))
                for name, cell in zip(self.columns, row, strict=True)
            ]
            for row in self.rows
        ]

    def _group(self, row: Sequence[Cell]) -> str:
        """Returns what a row must share with another to be compared with it."""
        return cell_text(row[list(self.columns).index(self.within)]) if self.within else ""

    def _best(self, group: str) -> dict[str, str]:
        """Returns how the best number of each column reads, where numbers are compared."""
        best = {}
        for name in (*self.higher, *self.lower):
            j = list(self.columns).index(name)
            cells = [row[j] for row in self.rows if self._group(row) == group]
            numbers = [x for x in cells if isinstance(x, Real) and not math.isnan(x)]
            if len(numbers) > 1:
                best[name] = cell_text(max(numbers) if name in self.higher else min(numbers))
        return best

    def _numeric(self, j: int) -> bool:
        """Whether column j holds numbers and nothing else, missing ones aside."""
        cells = [row[j] for row in self.rows if row[j] is not None]
        return bool(cells) and not any(isinstance(cell, str) for cell in cells)


def steps_table(
    rows: Iterable[series.Row], title: str = "PSNR in dB after a number of steps"
) -> Table:
    """Tabulates PSNR: initialization x optimizer down, steps across.

    Args:
        rows: Results as in `series`; rows with `views` get a column for it.
        title: The table's title.

    Returns:
        The table; the best start after every number of steps is bold, for each number of views
        apart, because more views help every start.

    Raises:
        ValueError: A row lacks a key, or two rows describe the same point.
    """
    rows = sorted(series.check(rows), key=series.order)
    steps = sorted({int(row["steps"]) for row in rows})
    names = [str(step) for step in steps]
    with_views = any(row.get("views") is not None for row in rows)
    lines: dict[tuple[Cell, ...], dict[int, float | None]] = {}
    rates: dict[tuple[Cell, ...], set[float]] = {}
    for row in rows:
        key = (row["init"], row["optimizer"])
        key = (row.get("views"), *key) if with_views else key
        psnr, lr = row["psnr_mean"], row["lr"]
        lines.setdefault(key, {})[int(row["steps"])] = None if psnr is None else float(psnr)
        # At step 0 nothing has been stepped, so its rate says nothing.
        used = [float(lr)] if lr is not None and row["steps"] > 0 else []
        rates.setdefault(key, set()).update(used)
    return Table(
        title=title,
        columns=(*(["views"] if with_views else []), "init", "optimizer", "lr", *names),
        rows=tuple(
            (
                *key,
                ", ".join(f"{lr:g}" for lr in sorted(rates[key])),
                *(cells.get(s) for s in steps),
            )
            for key, cells in lines.items()
        ),
        notes=_notes(rows),
        higher=names,
        within="views" if with_views else "",
    )


def cell_text(cell: Cell) -> str:
    """Returns how a cell reads: two decimals, an en dash for None, text on one line."""
    if cell is None:
        return MISSING
    if isinstance(cell, Real) and not isinstance(cell, Integral):
        return f"{cell:.2f}"
    return " ".join(str(cell).split())


def _notes(rows: Sequence[series.Row]) -> tuple[str, ...]:
    """States how many signals the means are over."""
    counts = sorted({int(row["n"]) for row in rows if row.get("n") is not None})
    if not counts:
        return ()
    number = str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    return (f"Mean over {number} signal{'' if counts == [1] else 's'}; lr: step sizes used.",)


def _bold(text: str, best: bool) -> str:
    """Marks the best in Markdown."""
    return f"**{text}**" if best else text


def _markdown(text: str) -> str:
    """Escapes what Markdown, or HTML inside it, would read as markup."""
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
