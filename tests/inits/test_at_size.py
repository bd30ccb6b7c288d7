"""An initialization for pictures of another size than it was learned with."""

import jax
import numpy as np
import pytest

from theta0.errors import InputError
from theta0.fields import FlipAverage, Grid, Siren
from theta0.forward import Lines, Points
from theta0.inits import Description, Initialization, load
from theta0.inner import InnerConfig, InnerLoop, StepSizes, fit
from theta0.signals import CTConfig, ImageConfig

PICTURES = ImageConfig(size=8)


def initialization(network, per="layer", data=PICTURES, forward=None):
    inner = InnerConfig(StepSizes(0.1, per, 2), 2)
    field = network.build(jax.random.PRNGKey(0))
    described = Description("own", "images", network, forward or Points(), inner, data)
    return Initialization(field, inner.rule_of(field), described)


def test_a_grid_is_refined_and_its_step_sizes_by_layer_carry_over(tmp_path):
    init = initialization(Grid(levels=(3, 8), width=4))
    larger = init.at_size(16)
    assert larger.description.data.size == 16
    assert larger.description.field.levels == larger.field.config.levels == (3, 16)
    assert jax.tree.leaves(larger.rule) == jax.tree.leaves(init.rule)
    larger.save(tmp_path / "larger.safetensors")
    again = load(tmp_path / "larger.safetensors")
    picture = np.random.default_rng(0).random((16, 16, 3), np.float32)
    task = again.description.data.take(picture).task
    done = fit(Points(), again.field, again.rule, task.support, InnerLoop(3), jax.random.PRNGKey(0))
    assert done.losses[2] < done.losses[1] < done.losses[0]


def test_a_network_without_samples_stays_what_it_is():
    init = initialization(Siren(width=8, layers=2), "weight")
    larger = init.at_size(16)
    assert larger.field is init.field and larger.description.data.size == 16


def test_a_flipped_fit_of_a_grid_is_refined():
    network = FlipAverage(Grid(levels=(3, 8), width=4))
    assert network.build(jax.random.PRNGKey(0)).for_size(9).config.field.levels == (3, 9)


def test_step_sizes_by_weight_are_of_one_size():
    init = initialization(Grid(levels=(3, 8), width=4), "weight")
    with pytest.raises(InputError, match=r"16, but the update rule \(learned step sizes\) was"):
        init.at_size(16)
    assert init.at_size(8).field is init.field


@pytest.mark.parametrize("size", [0, 1, 100_000])
def test_sizes_that_cannot_be(size):
    with pytest.raises(InputError, match=f"fit size is {size}; give 2 to 8192"):
        initialization(Siren(width=8, layers=2)).at_size(size)


def test_other_kinds_have_one_size():
    scans = initialization(
        Siren(out_size=1, width=8, layers=2), data=CTConfig(size=8), forward=Lines(samples=4)
    )
    with pytest.raises(InputError, match=r"chosen for pictures, but .* is for CT slices"):
        scans.at_size(16)


def test_the_size_of_a_picture_is_that_of_its_shorter_side():
    data = ImageConfig(size=8)
    assert data.own_size(np.zeros((5, 7, 3))) == 5
