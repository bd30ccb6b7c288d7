"""A class of objects as the renderer writes them."""

import pytest

from theta0.data.views import ProceduralObjects, write_views


@pytest.fixture(scope="package")
def folder(tmp_path_factory):
    """Five objects, 8 views of 32 x 32 pixels each."""
    root = tmp_path_factory.mktemp("objects")
    drawn = ProceduralObjects(5, 0, 0, size=32, views=8).read()
    for number in range(5):
        write_views(drawn.load(number), root / f"object{number}")
    return root
