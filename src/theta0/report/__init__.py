"""Reports: tables, figures and one self-contained HTML page from rows of results.

Knows nothing of networks or JAX: it takes plain rows, NumPy pictures and text.
"""

from theta0.report.chart import curves_svg
from theta0.report.evaluation import evaluation_report, gallery_grid
from theta0.report.figures import curves, difference, picture_grid, strip, training_curve
from theta0.report.html import Code, Curves, Facts, Image, Section, page, write
from theta0.report.tables import Table, steps_table

__all__ = [
    "Code",
    "Curves",
    "Facts",
    "Image",
    "Section",
    "Table",
    "curves",
    "curves_svg",
    "difference",
    "evaluation_report",
    "gallery_grid",
    "page",
    "picture_grid",
    "steps_table",
    "strip",
    "training_curve",
    "write",
]
