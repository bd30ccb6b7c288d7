"""Sizes that no memory holds: one line that names the option, before anything is allocated."""

import resource
import sys

import pytest

import theta0 as front
from theta0.errors import InputError

HUGE = str(10**9)
TOO_LONG = str(10**20)
TRAIN = [
    ("--data.rays", HUGE, "data.rays each: needs"),
    ("--data.training-views", HUGE, "--data.training-views is 1000000000, with"),
    ("--data.size", "100000", "100000 pixels: needs"),
    ("--data.source.train", TOO_LONG, "--data.source.train is 1000"),
    ("--data.source.seed", "-1", "--data.source.seed is -1"),
    ("--data.source.seed", TOO_LONG, "--data.source.seed is 1000"),
    ("--data.noise-seed", TOO_LONG, "--data.noise-seed is 1000"),
    ("--field.width", HUGE, "--field.width is 1000000000, layers .*: needs"),
    ("--field.features", HUGE, "--field.width is .*, features 1000000000.*: needs"),
    ("--field.layers", "1000000", "--field.layers is 1000000"),
    ("--field.bandwidth", "inf", "--field.bandwidth: 'inf' is not a finite number"),
    ("--forward.samples", HUGE, "samples is 1000000000: needs"),
    ("--meta.steps", HUGE, "--meta.steps is 1000000000: needs"),
    ("--meta.steps", TOO_LONG, "--meta.steps is 1000"),
    ("--meta.batch", HUGE, "batch is 1000000000: needs"),
    ("--meta.batch", "1000000000000", "--meta.batch is 1000000000000"),
    ("--outer.tasks", HUGE, "--outer.tasks is 1000000000: needs"),
    ("--outer.steps", TOO_LONG, "--outer.steps is 1000"),
    ("--outer.lr", "inf", "--outer.lr: 'inf' is not a finite number"),
    ("--outer.clip", "nan", "--outer.clip: 'nan' is not a finite number"),
    ("--protocol.steps", TOO_LONG, "protocol.steps is 1000"),
    ("--seed", str(2**64), "--seed is 18446744073709551616; give at most 4294967295"),
    ("--seed", str(2**32), "--seed is 4294967296"),
]


@pytest.fixture
def frugal():
    """No gigabytes are taken on the way to the answer."""
    peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    before = peak()
    yield
    per_gigabyte = 2**30 if sys.platform == "darwin" else 2**20
    assert peak() - before < per_gigabyte


@pytest.mark.parametrize("option, value, words", TRAIN)
def test_training(refused, frugal, option, value, words):
    refused(words, "train", "ct-phantoms", "--scale", "smoke", option, value)


def test_a_network_that_could_be_made_but_not_kept(refused, frugal):
    wide = ["--field.width", "9000", "--field.layers", "4"]
    words = "field and meta.rule: needs .*more than the limit of 1 GiB; .*field.width"
    refused(words, "train", "ct-phantoms", "--scale", "smoke", *wide)


def test_validation_signals(refused, frugal):
    many = ["--outer.validation-signals", HUGE, "--data.source.validation", HUGE]
    words = "--outer.validation-signals is 1000000000: needs"
    refused(words, "train", "ct-phantoms", "--scale", "smoke", *many)


@pytest.mark.parametrize(
    "option, value, words",
    [
        ("--data.rays", HUGE, "data.rays is 1000000000: needs"),
        ("--data.first-held-out", HUGE, "views=1000000003: needs"),
        ("--data.held-out-views", HUGE, "views=1000000004: needs"),
        ("--data.source.samples", HUGE, "1000000002 objects: needs"),
        ("--data.size", HUGE, "size=1000000000"),
        ("--forward.samples", HUGE, "samples is 1000000000: needs"),
    ],
)
def test_training_on_objects(refused, frugal, option, value, words):
    refused(words, "train", "view-chair", "--scale", "smoke", option, value)


@pytest.mark.parametrize(
    "option, value, words",
    [
        ("--views", "10000000", "--views is 10000000, with"),
        ("--samples", HUGE, "--samples is 1000000000: needs"),
        ("--samples", "-1", "--samples is -1|samples is -1"),
        ("--batch", HUGE, "--batch is 1000000000: needs"),
        ("--batch", "1000000000000", "--batch is 1000000000000"),
        ("--steps", TOO_LONG, "--steps is 1000"),
        ("--seed", str(2**64), "--seed 18446744073709551616"),
        ("--seconds", "inf", "--seconds: 'inf' is not a finite number"),
        ("--seconds", "nan", "--seconds: 'nan' is not a finite number"),
    ],
)
def test_fits(refused, frugal, ct_run, slice_file, option, value, words):
    refused(words, "fit", ct_run, slice_file, option, value)


@pytest.mark.parametrize(
    "option, value, words",
    [
        ("--views", "10000000", "--views is 10000000, with"),
        ("--signals", "1000000000000", "--signals is 1000000000000"),
        ("--signals", HUGE, "there are only 3"),
        ("--steps", TOO_LONG, "--steps is 1000"),
    ],
)
def test_evaluations(refused, frugal, ct_run, option, value, words):
    refused(words, "eval", ct_run, "--out", "report", option, value)


@pytest.mark.slow
@pytest.mark.parametrize(
    "options, words",
    [
        (["--frames", HUGE], "--frames is 1000000000; give at most 100000"),
        (["--frames", "1000000"], "--frames is 1000000; give at most 100000"),
        (
            ["--frames", "100000", "--size", "512"],
            "--frames is 100000, with 262144 .*: needs",
        ),
        (["--frames", "-1"], "--frames is -1"),
        (["--size", "8192"], "--frames is 60, with 67108864 pixels each: needs"),
        (["--size", "8192", "--frames", "1"], "--size is 8192: needs"),
        (["--fps", "inf"], "--fps: 'inf' is not a finite number"),
        (["--azimuth", "nan"], "--azimuth: 'nan' is not a finite number"),
        (["--fov", "0"], "field of view: 0.0 degrees"),
    ],
)
def test_videos(refused, frugal, chair_fit, options, words):
    refused(words, "render", chair_fit, "--out", "a.gif", *options)


@pytest.mark.slow
@pytest.mark.parametrize("value", ["0", "-1", HUGE, TOO_LONG])
def test_meshes(refused, frugal, chair_fit, value):
    refused(
        f"--resolution is {value}", "export", chair_fit, "--mesh", "a.ply", "--resolution", value
    )


@pytest.mark.parametrize(
    "options, words",
    [
        (["--size", "100000"], "size=100000: needs"),
        (["--size", "16", "--samples", "10000000000"], "--samples is 10000000000"),
        (["--size", "16", "--samples", HUGE], "pictures.*: needs"),
    ],
)
def test_pictures(refused, frugal, options, words):
    refused(words, "data", "image-text", "--out", "a.npz", *options)


@pytest.mark.parametrize(
    "given, words",
    [
        ({"steps": 10**20}, "steps is 1000"),
        ({"steps": -1}, "steps is -1"),
        ({"batch": 10**9}, "batch is 1000000000: needs"),
        ({"samples": 10**9}, "samples is 1000000000: needs"),
        ({"views": 10**7}, "views is 10000000, with"),
        ({"seed": 2**64}, "seed is 18446744073709551616"),
        ({"seed": -1}, "seed is -1"),
    ],
)
def test_fits_in_python(frugal, ct_run, slice_file, given, words):
    with pytest.raises(InputError, match=words):
        front.load(str(ct_run)).fit(str(slice_file), **given)


@pytest.mark.parametrize(
    "given, words",
    [
        ({"outer": front.OuterConfig(tasks=10**9)}, "outer.tasks is 1000000000: needs"),
        ({"steps": 10**20}, "outer.steps is 1000"),
        ({"seed": 2**32}, "seed is 4294967296"),
        ({"seed": -1}, "seed is -1"),
    ],
)
def test_learning_in_python(frugal, given, words):
    with pytest.raises(InputError, match=words):
        front.learn(front.CTConfig(size=12, rays=8, training_views=2), **given)
