"""Reports: tables, figures and a self-contained HTML page from rows of results.

Independent of networks and JAX: the input is plain rows, NumPy pictures and text.
"""

from theta0.report.ct import reconstructions_grid, sparse_view_curve, sparse_view_table
from theta0.report.depth import depth_picture
from theta0.report.evaluation import evaluation_report, gallery_grid
from theta0.report.figures import curves, minutes_curve, training_curve
from theta0.report.html import Code, Curves, Facts, Image, Section, page, write
from theta0.report.images import classes_table, match_table, minutes_table, transfer_table
from theta0.report.objects import novel_views_grid, objects_table
from theta0.report.paper import paper_report
from theta0.report.pictures import difference, picture_grid, strip
from theta0.report.series import metric_label
from theta0.report.svg import curves_svg
from theta0.report.tables import Table, steps_table
from theta0.report.tourism import appearance_transfer_grid, scenes_table
from theta0.report.video import check_video, write_video

__all__ = [
    "Code",
    "Curves",
    "Facts",
    "Image",
    "Section",
    "Table",
    "appearance_transfer_grid",
    "check_video",
    "classes_table",
    "curves",
    "curves_svg",
    "depth_picture",
    "difference",
    "evaluation_report",
    "gallery_grid",
    "match_table",
    "metric_label",
    "minutes_curve",
    "minutes_table",
    "novel_views_grid",
    "objects_table",
    "page",
    "paper_report",
    "picture_grid",
    "reconstructions_grid",
    "scenes_table",
    "sparse_view_curve",
    "sparse_view_table",
    "steps_table",
    "strip",
    "training_curve",
    "transfer_table",
    "write",
    "write_video",
]
