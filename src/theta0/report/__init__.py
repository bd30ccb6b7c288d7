"""Reports: tables, figures and one self-contained HTML page from rows of results.

Knows nothing of networks or JAX: it takes plain rows, NumPy pictures and text.
"""

from theta0.report.ct import comparison_grid, views_curve, views_table
from theta0.report.depth import depth_picture
from theta0.report.evaluation import evaluation_report, gallery_grid
from theta0.report.figures import curves, minutes_curve, training_curve
from theta0.report.html import Code, Curves, Facts, Image, Section, page, write
from theta0.report.images import classes_table, match_table, minutes_table, transfer_table
from theta0.report.objects import novel_views, objects_table
from theta0.report.paper import paper_report
from theta0.report.pictures import difference, picture_grid, strip
from theta0.report.svg import curves_svg
from theta0.report.tables import Table, steps_table
from theta0.report.tourism import looks_grid, scenes_table
from theta0.report.video import check_film, write_film

__all__ = [
    "Code",
    "Curves",
    "Facts",
    "Image",
    "Section",
    "Table",
    "check_film",
    "classes_table",
    "comparison_grid",
    "curves",
    "curves_svg",
    "depth_picture",
    "difference",
    "evaluation_report",
    "gallery_grid",
    "looks_grid",
    "match_table",
    "minutes_curve",
    "minutes_table",
    "novel_views",
    "objects_table",
    "page",
    "paper_report",
    "picture_grid",
    "scenes_table",
    "steps_table",
    "strip",
    "training_curve",
    "transfer_table",
    "views_curve",
    "views_table",
    "write",
    "write_film",
]
