"""Rows of results: their statistics, and the best of them."""

import numpy as np
import pytest

from theta0.evaluation import best, best_rows, metric_of, rule_label, statistics
from theta0.metrics import PSNR, Metric


def test_statistics_are_those_of_the_signals():
    values = np.array([[20.0, 0.5], [23.0, 0.7], [29.0, 0.6]])
    row = statistics(values, PSNR)
    assert row["psnr_mean"] == pytest.approx(24) and row["ssim_mean"] == pytest.approx(0.6)
    assert row["psnr_std"] == pytest.approx(np.sqrt((16 + 1 + 25) / 2))
    assert (row["psnr"], row["n"], metric_of(row)) == ([20.0, 23.0, 29.0], 3, "psnr")
    assert "metric" not in row


def test_of_one_signal_there_is_no_deviation_and_of_small_pictures_no_similarity():
    row = statistics(np.array([[20.0, float("nan")]]), PSNR)
    assert row["psnr_std"] is None and "ssim_mean" not in row


def test_another_metric_has_its_own_name():
    row = statistics(np.array([[0.25], [0.75]]), Metric("iou", "IoU"))
    assert (row["iou_mean"], row["iou"], row["metric"]) == (0.5, [0.25, 0.75], "iou")
    assert metric_of(row) == "iou" and not any("psnr" in name for name in row)


def test_the_best_row_is_that_of_validation_signals():
    rows = [
        {"rule": "sgd", "lr": 0.01, "steps": 1, "validation_psnr": 20.0, "psnr_mean": 30.0},
        {"rule": "adam", "steps": 1, "validation_psnr": 21.0, "psnr_mean": 10.0},
        {"rule": "sgd", "lr": 0.1, "steps": 2, "validation_psnr": 19.0, "psnr_mean": 40.0},
    ]
    assert best(rows) is rows[1]
    assert best_rows(rows, ("steps",)) == rows[1:]
    assert [rule_label(row) for row in rows] == ["sgd 0.01", "adam", "sgd 0.1"]


def test_a_rule_with_several_settings_is_told_with_them():
    row = {"rule": "learned+then", "settings": "then:first=sgd,steps=3,second=adam"}
    assert rule_label(row) == "learned+then:first=sgd,steps=3,second=adam"
    assert rule_label({"rule": "mine", "settings": "then:first=sgd,steps=3,second=adam"}) == "mine"
