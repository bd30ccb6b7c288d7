"""The CT table ranks methods on the slices that all rows share."""

import numpy as np

from theta0.report import sparse_view_table


def row(init, psnr, train_class="scans"):
    psnr = [float(value) for value in psnr]
    return {
        "views": 4,
        "train_class": train_class,
        "init": init,
        "rule": "adam",
        "lr": 1e-3,
        "steps": 5,
        "psnr": psnr,
        "psnr_mean": float(np.mean(psnr)),
        "psnr_std": float(np.std(psnr, ddof=1)),
        "ssim_mean": 0.5,
        "n": len(psnr),
    }


def test_a_baseline_on_fewer_and_easier_slices_does_not_lead():
    table = sparse_view_table([row("learned", [20, 20, 10, 10]), row("mean", [19, 19])])
    common = table.columns.index("common")
    assert [line[common] for line in table.rows] == [20, 19]
    assert [line[table.columns.index("n")] for line in table.rows] == [4, 2]
    text = table.to_markdown()
    assert "**20.00**" in text and "**19.00**" not in text and "**15.00**" not in text
    assert "A learned initialization leads at 4 views." in text


def test_ssim_is_compared_if_all_rows_have_the_same_slices():
    better = {**row("mean", [19, 19]), "ssim_mean": 0.6}
    text = sparse_view_table([row("learned", [20, 20]), better]).to_markdown()
    assert "**0.60**" in text and "**20.00**" in text
