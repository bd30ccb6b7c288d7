"""Examples in docstrings give what they say."""

import doctest
import importlib
import pkgutil

import pytest

import theta0

MODULES = [
    found.name
    for found in pkgutil.walk_packages(theta0.__path__, "theta0.")
    if found.name != "theta0.__main__"
]


@pytest.mark.parametrize("name", ["theta0", *MODULES])
def test_examples_of_docstrings(name):
    module = importlib.import_module(name)
    finder = doctest.DocTestFinder(exclude_empty=True)
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    for test in finder.find(module, name):
        runner.run(test)
    assert not runner.failures
