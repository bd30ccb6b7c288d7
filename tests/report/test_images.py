"""Tables on images contain the numbers of their rows, and compare only comparable rows."""

import csv
import io
import json

import pytest

from theta0.report import (
    classes_table,
    match_table,
    minutes_curve,
    minutes_table,
    paper_report,
    transfer_table,
)


def row(init, rule, psnr, **more):
    return {
        "train_class": "text", "test_class": "text", "init": init, "rule": rule,
        "lr": 0.01, "steps": 2, "psnr_mean": psnr, "psnr_std": 1.0, "n": 100, "seconds": 0.5,
        "psnr": [psnr], **more,
    }  # fmt: skip


def test_table1_compares_initializations_within_a_class():
    rows = [
        row("standard", "adam", 9.5, protocol="psnr", match="60"),
        row("learned", "sgd", 30.0, protocol="psnr", match="2"),
        row("standard", "sgd", 9.0, protocol="psnr", match="> 40"),
        row("learned", "sgd", 20.0, protocol="psnr", match="2", test_class="sdf"),
        row("standard", "sgd", 21.0, protocol="psnr", match="0", test_class="sdf"),
        row("standard", "sgd", 99.0, protocol="match", n=4, steps=40),
    ]
    table = match_table(rows)
    assert [(line[0], line[1], line[2], line[4], line[6]) for line in table.rows] == [
        ("text", "learned", "sgd", 30.0, "2"),
        ("text", "standard", "sgd", 9.0, "> 40"),
        ("text", "standard", "adam", 9.5, "60"),
        ("sdf", "learned", "sgd", 20.0, "2"),
        ("sdf", "standard", "sgd", 21.0, "0"),
    ]
    markdown = table.to_markdown()
    assert "**30.00**" in markdown and "**21.00**" in markdown and markdown.count("**") == 4
    assert "over 100 test signals" in markdown and "first 4 test signals" in markdown


def test_table2_has_rows_by_training_class_and_columns_by_test_class():
    rows = [
        row("learned", rule, psnr, train_class=train, test_class=test)
        for rule, train, test, psnr in (
            ("learned", "text", "text", 31.0), ("learned", "text", "sdf", 20.0),
            ("sgd", "text", "text", 30.0), ("sgd", "text", "sdf", 25.0),
            ("sgd", "sdf", "text", 15.0), ("sgd", "sdf", "sdf", 35.0),
        )
    ] + [row("standard", rule, 9.0, train_class=None) for rule in ("newton", "adam")]  # fmt: skip
    table = transfer_table(rows)
    assert table.columns == ("trained on", "rule", "text", "sdf")
    assert [tuple(line) for line in table.rows] == [
        ("text", "learned", 31.0, 20.0),
        ("text", "sgd", 30.0, 25.0),
        ("sdf", "sgd", 15.0, 35.0),
        ("nothing (standard)", "adam", 9.0, None),
        ("nothing (standard)", "newton", 9.0, None),
    ]
    best = {line["best"] for line in csv.DictReader(io.StringIO(table.to_csv()))}
    assert best == {"text", "sdf", ""} and "**35.00**" in table.to_markdown()


def test_initializations_are_compared_only_within_a_class():
    rows = [row("learned", "sgd", 30.0), row("standard", "sgd", 9.0)]
    rows += [{**line, "test_class": "sdf", "psnr_mean": 5 * line["psnr_mean"]} for line in rows]
    table = classes_table(rows)
    assert table.columns == ("class", "init", "rule", "lr", "2")
    markdown = table.to_markdown()
    assert "**30.00**" in markdown and "**150.00**" in markdown and markdown.count("**") == 4


def test_psnr_of_each_signal_is_only_in_signals_json(tmp_path):
    rows = [row("learned", "sgd", 30.0), row("standard", "sgd", 9.0)]
    facts = {"command": "theta0 reproduce", "runs": {"text": {"outer steps": 7}}}
    written = paper_report(tmp_path, classes_table(rows), {"a.png": b"png"}, rows, facts)
    assert {path.name for path in written} == {path.name for path in tmp_path.iterdir()}
    assert "- initialization of text: outer steps: 7" in (tmp_path / "table.md").read_text()
    read = lambda name: json.loads((tmp_path / name).read_text())
    assert read("facts.json") == facts and read("signals.json") == rows
    assert all("psnr" not in line for line in read("results.json"))
    assert (tmp_path / "a.png").read_bytes() == b"png"


def test_no_rows_are_refused():
    with pytest.raises(ValueError):
        classes_table([])


def validation(run, minutes, psnr, best):
    return {
        "train_class": run, "test_class": run, "meta": "maml", "steps": 2, "seconds": 60 * minutes,
        "psnr_mean": psnr, "best": best, "n": 8,
    }  # fmt: skip


def test_minutes_table_shows_the_best_psnr_so_far():
    rows = [
        validation("faces", 4, 20.0, 20.0), validation("faces", 9, 19.0, 20.0),
        validation("faces", 31, 25.0, 25.0), validation("text", 12, 15.0, 15.0),
    ]  # fmt: skip
    table = minutes_table(rows)
    assert table.columns == (
        "class", "meta-learner", "inner steps", "1", "2", "5", "10", "20", "30", "end",
        "total min",
    )  # fmt: skip
    assert [tuple(line) for line in table.rows] == [
        ("faces", "maml", 2, None, None, 20.0, 20.0, 20.0, 20.0, 25.0, 31),
        ("text", "maml", 2, None, None, None, None, 15.0, 15.0, 15.0, 12),
    ]
    assert minutes_curve(rows).startswith(b"\x89PNG")
