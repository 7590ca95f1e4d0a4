"""The curves of runs, read from the files that the logs of a run, and others, write."""

from __future__ import annotations

import json
import math

import pytest

from lineal.train import curves
from lineal.utils.tensorboard import SummaryWriter
from lineal.utils.tensorboard.records import field, record


def test_lines_of_json(tmp_path):
    entries = [{"step": 1, "loss": 0.5, "lr": 0.1}, {"step": 2, "loss": None, "note": "text", "flag": True}]
    entries.append({"step": 2, "epoch": 1, "loss": 0.25, "accuracy": 1})
    text = "".join(json.dumps(each) + "\n" for each in entries)
    (tmp_path / "steps.jsonl").write_text(f'{text}{{"step": 3, "lo', encoding="utf-8")
    assert curves.curves(tmp_path) == {
        "step/loss": [(1, 0.5), (2, None)],
        "step/lr": [(1, 0.1)],
        "epoch/loss": [(2, 0.25)],
        "epoch/accuracy": [(2, 1)],
    }


@pytest.mark.parametrize("line", ["[1, 2]", '{"loss": 1}', "no JSON", '{"step": null}'])
def test_lines_that_are_none_of_a_run_are_named(tmp_path, line):
    path = tmp_path / "a.jsonl"
    path.write_text(f'{{"step": 1}}\n{line}\n', encoding="utf-8")
    with pytest.raises(ValueError, match=r"a\.jsonl:2: expected an object with a step"):
        curves.curves(path)


def test_tables(tmp_path):
    path = tmp_path / "history.csv"
    path.write_text("epoch,loss,accuracy\n1,0.5,nan\n2,0.25,\n", encoding="utf-8")
    assert curves.curves(path) == {"loss by epoch": [(1, 0.5), (2, 0.25)], "accuracy by epoch": [(1, None)]}
    path.write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(ValueError, match="a column named epoch"):
        curves.curves(path)


def test_events(tmp_path):
    with SummaryWriter(tmp_path / "events") as writer:
        for step, loss in enumerate((1.0, 0.5, math.nan, 0.25)):
            writer.add_scalar("loss", loss, step)
        writer.add_text("note", "words", 1)
        writer.add_histogram("weights", [1.0, 2.0], 1)
    assert curves.curves(tmp_path) == {"loss": [(0, 1.0), (1, 0.5), (2, None), (3, 0.25)]}


def test_a_run_that_went_on_begins_anew_where_it_did(tmp_path, monkeypatch):
    with SummaryWriter(tmp_path) as writer:
        for step in range(5):
            writer.add_scalar("loss", float(step), step)
    with SummaryWriter(tmp_path, purge_step=3) as writer:
        writer.add_scalar("loss", 9.0, 3)
    assert curves.curves(tmp_path) == {"loss": [(0, 0.0), (1, 1.0), (2, 2.0), (3, 9.0)]}


def test_damaged_files_of_events_are_named(tmp_path):
    path = tmp_path / "events.out.tfevents.1"
    event = field(1, 1.0) + field(2, -3) + field(5, field(1, field(1, "loss") + field(2, 0.5, "<f")))
    path.write_bytes(record(event) + record(event)[:-3])
    assert curves.curves(path) == {"loss": [(-3, 0.5)]}
    for place in (0, 9, 20):
        damaged = bytearray(record(event))
        damaged[place] ^= 1
        path.write_bytes(bytes(damaged))
        with pytest.raises(ValueError, match="the record at byte 0 is damaged"):
            curves.curves(path)


def test_runs_are_found_below_a_folder(tmp_path):
    for name in ("b", "a", "empty"):
        (tmp_path / name).mkdir()
    for name, loss in (("a", 1), ("b", 2)):
        (tmp_path / name / "steps.jsonl").write_text(f'{{"step": 1, "loss": {loss}}}\n', encoding="utf-8")
        (tmp_path / name / "history.csv").write_text("epoch,loss\n1,7\n", encoding="utf-8")
    found = curves.runs(tmp_path)
    assert list(found) == [str(tmp_path / "a"), str(tmp_path / "b")]
    assert found[str(tmp_path / "b")] == {"step/loss": [(1, 2)]}
    assert curves.runs(tmp_path / "a" / "history.csv") == {str(tmp_path / "a" / "history.csv"): {"loss by epoch": [(1, 7.0)]}}
    with pytest.raises(ValueError, match="there is no run"):
        curves.runs(tmp_path / "empty")
    with pytest.raises(FileNotFoundError):
        curves.runs(tmp_path / "nowhere")
