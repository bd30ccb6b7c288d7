"""Total variation: the adjoint, the duality gap, closed forms, and what may not matter."""

from dataclasses import replace

import numpy as np
import pytest

from theta0.classic import TV, Scan, system_matrix
from theta0.classic.tv import _Problem
from theta0.data.ct import phantom
from theta0.metrics import psnr


@pytest.fixture(scope="module")
def noisy(scanned):
    """A 32 x 32 phantom from 12 views, 1 % of noise on its largest integral."""
    scan = scanned(phantom(0, 0), 12, 32)
    noise = np.random.default_rng(0).normal(size=scan.integrals.shape)
    return replace(scan, integrals=scan.integrals + 0.01 * scan.integrals.max() * noise)


def test_adjoint_of_rays_and_differences():
    rng = np.random.default_rng(0)
    start, end = rng.random((2, 30, 2))
    problem = _Problem(system_matrix(start, end, 9), rng.random(30), 1.0, 9)
    x, p, q = rng.normal(size=81), rng.normal(size=30), rng.normal(size=(2, 9, 9))
    forward = (problem.matrix @ x) @ p + (problem.differences(x) * q).sum()
    assert forward == pytest.approx(x @ problem.adjoint(p, q), rel=1e-12)


def test_the_gap_bounds_how_far_the_objective_is_from_its_minimum(noisy):
    reference = TV(tolerance=1e-7, iterations=20_000).solve(noisy)
    assert reference.gap <= 1e-7 * reference.objective
    for iterations in (25, 50, 100):
        early = TV(tolerance=1e-12, iterations=iterations).solve(noisy)
        assert early.iterations == iterations
        # Above the minimum, which lies at most 1e-7 of it below the reference, and within the gap.
        above = early.objective - reference.objective
        assert -1e-7 * reference.objective <= above <= early.gap


def test_the_objective_is_that_of_the_docstring(noisy):
    tv = TV(2e-5, tolerance=0.1)
    solution = tv.solve(noisy)
    x = solution.image
    residual = system_matrix(noisy.start, noisy.end, 32) @ x.ravel() - noisy.integrals.ravel()
    down = np.diff(x, axis=0, append=x[-1:])
    right = np.diff(x, axis=1, append=x[:, -1:])
    expected = np.mean(residual**2) / 2 + tv.weight * np.hypot(down, right).sum() / 32
    assert solution.objective == pytest.approx(expected, rel=1e-10)
    assert x.min() >= 0 and x.max() <= 1


def test_step_sizes_do_not_matter(noisy):
    found = [TV(tolerance=1e-6, iterations=20_000, step=s).solve(noisy) for s in (0.2, 1.0, 5.0)]
    assert len({solution.iterations for solution in found}) == 3
    for solution in found[1:]:
        assert solution.objective == pytest.approx(found[0].objective, rel=1e-6)
        # The objective is flat about its minimum: right to 1e-6 of it, the slice to its root.
        np.testing.assert_allclose(solution.image, found[0].image, atol=5e-3)


def test_a_large_weight_gives_the_constant_of_least_squares(noisy):
    ones = system_matrix(noisy.start, noisy.end, 32).sum(axis=1)
    y = noisy.integrals.ravel()
    # Below 0.01 the slice is not constant yet.
    found = TV(0.01, tolerance=1e-5, step=0.1)(noisy)
    # Where the slice is constant the objective is quadratic: right to the root of 1e-5 at worst.
    np.testing.assert_allclose(found, ones @ y / (ones @ ones), rtol=3e-3)


def test_a_piecewise_constant_slice_is_recovered_from_many_views(scanned):
    pixels = phantom(0, 0).rasterize(64).astype(np.float64)
    assert psnr(TV(1e-7, tolerance=1e-2)(scanned(pixels, 64, 64)), pixels) > 35


def test_any_straight_rays_will_do():
    pixels = phantom(0, 0).rasterize(32).astype(np.float64)
    # 16 sources on a circle about the slice, 64 rays from each.
    turn = np.arange(16) * 2 * np.pi / 16
    inward = turn[:, None] + np.pi + np.linspace(-0.4, 0.4, 64)
    start = 0.5 + 1.4 * np.stack([np.cos(turn), np.sin(turn)], axis=-1)[:, None]
    end = start + 2.8 * np.stack([np.cos(inward), np.sin(inward)], axis=-1)
    start = np.broadcast_to(start, end.shape)
    y = (system_matrix(start, end, 32) @ pixels.ravel()).reshape(16, 64)
    assert psnr(TV(1e-6)(Scan(start, end, y, 32)), pixels) > 30


@pytest.mark.parametrize("fineness, middle", [(1, [0]), (2, [0, 1]), (3, [1]), (4, [1, 2])])
def test_a_finer_reconstruction_is_seen_at_pixel_centres(noisy, fineness, middle):
    tv = TV(fineness=fineness, iterations=25)
    fine = tv.solve(noisy).image
    assert fine.shape == (32 * fineness, 32 * fineness)
    at = lambda i, j: fine[i::fineness, j::fineness]
    expected = np.mean([at(i, j) for i in middle for j in middle], axis=0)
    np.testing.assert_allclose(tv(noisy), expected, rtol=1e-12)
