"""What the user gives and cannot be used: one line on stderr, exit code 2, nothing left behind."""

import pytest


@pytest.mark.parametrize(
    "options, words",
    [
        (["--steps", "0"], "steps is 0"),
        (["--steps", "-3"], "steps is -3"),
        (["--steps", "many"], "--steps.*many"),
        (["--steps", "1.5"], "--steps.*1.5"),
        (["--views", "0"], "views=0"),
        (["--views", "-1"], "views=-1"),
        (["--index", "1"], "index"),
        (["--index", "-1"], "index"),
        (["--lr", "0"], "lr is 0"),
        (["--lr", "-1"], "lr is -1"),
        (["--lr", "nan"], "--lr: 'nan' is not a finite number"),
        (["--lr", "inf"], "--lr: 'inf' is not a finite number"),
        (["--lr", "fast"], "--lr.*fast"),
        (["--batch", "0"], "batch is 0"),
        (["--seconds", "0"], "--seconds"),
        (["--seconds", "9", "--validation-fraction", "10%"], "--seconds.*--validation-fraction"),
        (["--size", "1"], "--size 1"),
        (["--size", "100000"], "--size 100000"),
        (["--keep", "10%"], "rays.*number of views"),
        (["--mask", "mask.png"], "rays.*number of views"),
        (["--keep", "0"], "--keep 0: give a fraction"),
        (["--keep", "-10%"], "--keep -10%: give a fraction|--keep"),
        (["--keep", "0%"], "--keep 0%: give a fraction"),
        (["--keep", "101%"], "--keep 101%: give a fraction"),
        (["--keep", "1600"], "--keep 1600: give a fraction.*10% or 0.1"),
        (["--keep", "nan"], "--keep nan: give a fraction"),
        (["--keep", "%"], "--keep %: give a fraction"),
        (["--keep", "some"], "--keep some: give a fraction"),
        (["--region", "0", "0", "1"], "--region"),
        (["--region", "0", "0", "1", "x"], "--region.*x"),
        (["--region", "0", "0", "0", "1"], "region 0 0 0 1: give TOP LEFT BOTTOM RIGHT"),
        (["--region", "0", "0", "1", "nan"], "--region: 'nan' is not a finite number"),
        (["--region", "-2", "0", "1", "1"], "beyond -1 to 2"),
        (["--region", "0", "0", "1", "1", "--size", "100000"], "--size 100000"),
        (["--views", "1000000"], "memory.*fewer views"),
        (["--inits", "best"], "--inits best: choose from all, learned, standard"),
        (["--inits"], "--inits: name at least one"),
        (["--data", "photos"], "--data photos: only --inits mean"),
        (["--seed", "-1"], "--seed -1: give 0"),
        (["--seed", "4294967296"], "--seed 4294967296: give 0"),
        (["--rule", "magic"], "no update rule is registered as 'magic'; choose from adam, guarded"),
        (["--rule", "adm"], "did you mean adam"),
        (["--rule", "adam:fast"], "adam:fast: expected float, found 'fast'"),
        (["--rule", "adam:0"], "lr is 0"),
        (["--rule", "adam:beta=3"], "adam has no setting 'beta=3'; it has lr=VALUE"),
        (["--rule", "sgd:0.1,0.2"], "lr is given twice"),
        (["--rule", "then:first=sgd"], "required field missing .at steps"),
        (["--rule", "step-sizes:per=row"], "expected one of layer, weight, found 'row'"),
        (["--rule", "step-sizes", "--lr", "1"], "does not have one step size"),
        (["--rule", "sgd+adam"], "only learned can be followed"),
        (["--rule", "learned"], "learned for sgd.* and has no learned rule"),
        (["--rule", "learned+adam"], "learned for sgd.* and has no learned rule"),
        (["--colour", "red"], "unknown option --colour;"),
        (["--view", "3"], "unknown option --view .did you mean --views"),
        (["--tv"], "--tv: give a value"),
        (["one-too-many"], "unexpected argument one-too-many"),
    ],
)
def test_options_that_cannot_be_used(refused, ct_run, slice_file, options, words):
    refused(words, "fit", ct_run, slice_file, *options)


def test_a_region_too_large_at_the_scale_of_the_file(refused, images_run, photo, monkeypatch):
    monkeypatch.setattr("theta0.signals._render.LARGEST_SIZE", 50)
    region = ["--region", -1, -1, 2, 2]
    refused("60 pixels.*choose a size of at most 50", "fit", images_run, photo, *region)


def test_results_below_a_file(refused, ct_run, slice_file, tmp_path):
    before = slice_file.read_bytes()
    for out in (slice_file, slice_file / "below"):
        refused("is a file", "fit", ct_run, slice_file, "--out", out)
        refused("is a file", "train", "ct-phantoms", "--scale", "smoke", "--out", out)
        refused("is a file", "demo", "--out", out)
    assert slice_file.read_bytes() == before


@pytest.mark.parametrize(
    "argv, words",
    [
        (["trian"], "did you mean train"),
        (["frobnicate"], "choose from demo, train, fit, render, export, eval, reproduce, data"),
        (["train"], "name a preset: theta0 train ct"),
        (["train", "image"], "did you mean images"),
        (["train", "zzz"], "choose from ct-phantoms, ct-scans, images"),
        (["train", "ct-scans", "--scale", "smoke"], "slices from: give --data PATH"),
        (["train", "ct-phantoms", "--scale", "huge"], "choose from smoke, cpu, paper"),
        (["train", "ct-phantoms", "--outer.step", "3"], "--outer.step"),
        (["train", "ct-phantoms", "--meta", "magic"], "choose from fomaml, maml, metasgd, reptile"),
        (["train", "ct-phantoms", "--outer.steps", "0"], "outer.steps is 0"),
        (["train", "ct-phantoms", "--outer.steps", "-2"], "outer.steps is -2"),
        (["train", "ct-phantoms", "--outer.lr", "-1"], "outer.lr is -1"),
        (["train", "ct-phantoms", "--meta.steps", "0"], "meta.steps is 0"),
        (["train", "ct-phantoms", "--meta.rule", "sgd:NaN"], "--meta.rule.*number, found nan"),
        (
            ["train", "ct-phantoms", "--meta.rule", "magic"],
            "--meta.rule.*choose from adam, guarded",
        ),
        (
            ["train", "ct-phantoms", "--meta.objective", "magic=1"],
            "choose from tv, proximal, huber",
        ),
        (["train", "ct-phantoms", "--meta.objective", "tv"], "'tv' has no weight; give tv=NUMBER"),
        (
            ["train", "ct-phantoms", "--field", "sirn"],
            "did you mean siren.*fourier, gaussian, grid, hybrid, positional",
        ),
        (["train", "ct-phantoms", "--field", "flip-average"], "--field flip-average: field of"),
        (["train", "ct-phantoms", "--field"], "--field: give a value"),
        (["train", "ct-phantoms", "--forward", "lens"], "choose from lines, points, volume"),
        (["train", "ct-phantoms", "--signals", "sounds"], "choose from ct, images, photos"),
        (["train", "ct-phantoms", "--baseline.steps", "0"], "baseline.steps is 0"),
        (["train", "ct-phantoms", "--seed", "-1"], "seed is -1"),
        (["train", "ct-phantoms", "--seed", "x"], "--seed.*'x'"),
        (["train", "ct-phantoms", "--data.training-views", "0"], "--data.training-views is 0"),
        (["train", "ct-phantoms", "--data.rays", "0"], "rays is 0"),
        (["train", "ct-phantoms", "--data.size", "0"], "size is 0"),
        (
            ["train", "ct-phantoms", "--data.size", "4", "--data.query-pixels", "17"],
            "only 16 pixels",
        ),
        (["train", "ct-phantoms", "--field.layers", "0"], "layers is 0"),
        (["train", "ct-phantoms", "--field.width", "-8"], "width is -8"),
        (
            ["train", "ct-phantoms", "--field", "siren", "--field.layer-w0", "30", "10"],
            r"--field.layer-w0 is \(30.0, 10.0\), but 4 layers have 3 hidden ones",
        ),
        (["train", "ct-phantoms", "--forward.samples", "0"], "error: --forward.samples is 0"),
        (
            ["train", "ct-phantoms", "--init-from", "sdf"],
            "--init-from sdf: it was learned with .*width 256 instead of 64",
        ),
        (["train", "ct-phantoms", "--protocol.steps", "0"], "at least one above 0"),
        (["train", "images"], "give --data FOLDER"),
        (["train", "images", "--data", "nowhere"], "no such folder"),
        (["train", "images", "--data.source.limit", "0"], "limit is 0"),
        (["train", "image-celeba"], "give --data FOLDER"),
        (["train", "image-celeba", "--data", "."], "holds no folder img_align_celeba"),
        (["train", "image-celeba", "--data.source.group", "x"], "--data.source.group"),
        (["train", "image-imagenette", "--data", "."], "holds no folder 'train'"),
        (["train", "image-arrays"], "give --data FILE.npz"),
        (["fit"], "INIT.*SIGNAL"),
        (["inits", "extra"], "extra"),
    ],
)
def test_command_lines_that_cannot_be_used(refused, argv, words):
    refused(words, *argv)
