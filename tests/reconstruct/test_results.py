"""A fit is an initialization of its own: it is saved, loaded, and fitted further."""

import io
import json

import equinox as eqx
import jax
import numpy as np
import optax
import pytest
from PIL import Image

from theta0.evaluation import Candidate, Init
from theta0.fields import FlipAverage, Siren
from theta0.forward import ForwardMap, Lines, Observation, Points
from theta0.inits import Description, Initialization, load
from theta0.inner import SGD, Adam, InnerConfig, InnerLoop, Objective, StepSizes
from theta0.reconstruct import (
    fit_signal,
    fitted_of,
    in_words,
    stack_in_words,
    write_fits,
    write_stack,
)
from theta0.signals import CTConfig, ImageConfig, PlanarSignal, Task, pixel_coordinates

pytestmark = pytest.mark.usefixtures("quick_compilation")

SIDE, POINTS = 12, Points()
SIREN = Siren(width=8, layers=2, w0=10.0, out_size=1)
DESCRIPTION = Description(
    "hills", "images", SIREN, Points(), InnerConfig(StepSizes(0.02, "weight", 2), 2),
    ImageConfig(size=SIDE),
)  # fmt: skip
FIELD = SIREN.build(jax.random.PRNGKey(0))
INITIALIZATION = Initialization(FIELD, DESCRIPTION.inner.rule.build(FIELD), DESCRIPTION)


@pytest.fixture(scope="module")
def signal():
    points = pixel_coordinates(SIDE, SIDE)
    everything = Observation(points, np.sin(3 * points[:, :1] + points[:, 1:]).astype(np.float32))
    return PlanarSignal(Task(everything, everything), Points(), SIDE, SIDE, 0.5)


def fitted(signal, candidate, loop, forward: ForwardMap = POINTS):
    init = Init.learned(INITIALIZATION.learned, DESCRIPTION.inner)
    return fit_signal("learned", init, candidate, loop, forward, signal)


@pytest.mark.parametrize(
    "candidate, flip, rule",
    [
        (Candidate(None), False, DESCRIPTION.inner.rule),
        (Candidate(Adam(1e-3)), False, Adam(1e-3)),
        (Candidate(Adam(1e-3), after_own=True), False, DESCRIPTION.inner.rule),
        (Candidate(None), True, DESCRIPTION.inner.rule),
        (Candidate(Adam(1e-3)), True, Adam(1e-3)),
        (Candidate(StepSizes(0.1, "layer", 1)), True, StepSizes(0.1, "layer", 1)),
    ],
)
def test_a_fit_is_saved_loaded_and_fitted_further(tmp_path, signal, candidate, flip, rule):
    loop = InnerLoop(3, 50, Objective(proximal=0.1), flip)
    done = fitted(signal, candidate, loop)
    made = fitted_of(INITIALIZATION, signal, loop, done)
    assert made.description.field == (FlipAverage(SIREN) if flip else SIREN)
    assert made.description.inner == InnerConfig(rule, 3, 50, Objective(proximal=0.1), flip)
    made.save(tmp_path / "fitted.safetensors")
    found = load(tmp_path / "fitted.safetensors")
    assert found.description == made.description
    assert eqx.tree_equal(found.learned, made.learned)
    # From where the fit ended, by the rule that is saved with it.
    init = Init.learned(found.learned, found.description.inner)
    again = fit_signal(
        "fitted", init, Candidate(None if init.rule else rule), found.description.inner.build(),
        Points(), signal,
    )  # fmt: skip
    assert again.rows[0]["psnr"] == pytest.approx(done.rows[-1]["psnr"], abs=2e-3)


@pytest.mark.slow
def test_the_files_of_a_fit(tmp_path, signal):
    done = [fitted(signal, Candidate(rule), InnerLoop(5)) for rule in (SGD(0.02), Adam(1e-3))]
    write_fits(tmp_path, INITIALIZATION, signal, InnerLoop(5), done, size=30)
    names = {"reconstruction.png", "reconstruction-30.png", "strip.png", "fitted.safetensors"}
    assert {path.name for path in tmp_path.iterdir()} == {*names, "results.json"}
    with Image.open(tmp_path / "reconstruction-30.png") as picture:
        assert picture.size == (30, 30)
    results = json.loads((tmp_path / "results.json").read_text())
    assert [(row["rule"], row["steps"]) for row in results["steps"]] == [
        (rule, step) for rule in ("sgd", "adam") for step in (0, 1, 2, 5)
    ]
    np.testing.assert_allclose(results["losses"], done[0].result.losses, rtol=1e-6)
    # Weights and pictures are those of the first.
    kept = load(tmp_path / "fitted.safetensors")
    assert eqx.tree_equal(kept.field, done[0].result.field)
    assert in_words(done[0]).endswith(
        f"after 5 steps of sgd 0.02 in {done[0].result.seconds:.1f} s"
    )
    assert in_words(done[0]).startswith(f"{done[0].rows[-1]['psnr']:.2f} dB, SSIM ")


@pytest.mark.slow
def test_the_files_of_a_stack_are_a_volume_and_a_row_per_slice(tmp_path):
    config = CTConfig(size=SIDE, rays=8, training_views=3)
    rng = np.random.default_rng(0)
    np.save(tmp_path / "stack.npy", rng.random((3, 20, 20), np.float32))
    signals = config.read_all(tmp_path / "stack.npy")
    done = [fitted(signal, Candidate(SGD(0.02)), InnerLoop(2), Lines(8)) for signal in signals]
    rows = write_stack(tmp_path / "out", signals, done)
    assert [row["slice"] for row in rows] == [0, 1, 2]
    assert json.loads((tmp_path / "out" / "results.json").read_text())["slices"] == rows
    volume = np.load(tmp_path / "out" / "volume.npy")
    assert volume.shape == (3, 20, 20)
    for slice, signal, one in zip(volume, signals, done, strict=True):
        np.testing.assert_array_equal(slice, signal.image(one.result.field)[..., 0])
    montage = (tmp_path / "out" / "montage.png").read_bytes()
    assert Image.open(io.BytesIO(montage)).format == "PNG"
    mean = np.mean([row["psnr"] for row in rows])
    assert stack_in_words(done) == f"3 slices, {mean:.2f} dB in the mean"


@pytest.mark.parametrize("rule", [optax.adam(1e-3), SGD(0.1).build(FIELD)])
def test_a_fit_by_what_no_file_describes_keeps_the_learned_rule(signal, rule):
    learned = jax.tree.map(lambda leaf: leaf + 0.5, INITIALIZATION.rule)
    initialization = Initialization(FIELD, learned, DESCRIPTION)
    made = fitted_of(
        initialization, signal, InnerLoop(2), fitted(signal, Candidate(rule), InnerLoop(2))
    )
    assert made.description.inner.rule == DESCRIPTION.inner.rule
    assert eqx.tree_equal(made.rule, learned)
