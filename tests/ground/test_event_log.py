from __future__ import annotations

import json
from pathlib import Path

import pytest

from atb import event_log, events
from atb.clock import now_ms
from atb.errors import IntegrityError, StorageError
from atb.event_log import EventLog


def _records(path: Path) -> list[dict[str, object]]:
    found = list(event_log.read(path))
    for record in found:
        assert 0 <= now_ms() - int(str(record.pop("time"))) < 60_000
    return found


def test_what_is_run_comes_first_then_each_event_with_its_fields(tmp_path: Path) -> None:
    heard: list[events.Event] = []
    log, path = EventLog(heard.append), tmp_path / "events.jsonl"
    story = [
        events.StageStarted("data"),
        events.Warned("a gap"),
        events.EpochEnded(1, 3, 0.5, 0.75, True, 30.0, {"macro_f1": 0.25}),
        events.Within("a", events.StageEnded("data", 1.25)),
    ]
    for event in story[:2]:
        log(event)
    log.begin(path, run="x", config={"window": 60}, environment={"libraries": {"numpy": "2.4"}})
    for event in story[2:]:
        log(event)
    assert heard == story
    assert _records(path) == [
        {
            "event": "Began",
            "run": "x",
            "config": {"window": 60},
            "environment": {"libraries": {"numpy": "2.4"}},
        },
        {"event": "StageStarted", "stage": "data"},
        {"event": "Warned", "message": "a gap"},
        {
            "event": "EpochEnded",
            "epoch": 1,
            "epochs": 3,
            "loss": 0.5,
            "validation_loss": 0.75,
            "best": True,
            "seconds": 30.0,
            "scores": {"macro_f1": 0.25},
        },
        {
            "event": "Within",
            "job": "a",
            "inner": {"event": "StageEnded", "stage": "data", "seconds": 1.25},
        },
    ]


def test_what_only_shows_how_far_it_is_goes_to_listeners_alone(tmp_path: Path) -> None:
    heard: list[events.Event] = []
    log = EventLog(heard.append)
    log.begin(tmp_path / "events.jsonl")
    story = [events.Progress("rows", 1, 2), events.Within("a", events.Memory(1 << 30))]
    for event in story:
        log(event)
    assert heard == story
    assert _records(tmp_path / "events.jsonl") == [{"event": "Began"}]


def test_no_secret_and_no_number_that_json_has_no_name_for(tmp_path: Path) -> None:
    log, path = EventLog(), tmp_path / "events.jsonl"
    log.begin(path, config={"data": {"path": "https:/a:hunter2@b"}, "limits": [float("inf"), 1]})
    log(events.EpochEnded(1, 1, float("nan"), 0.5, False, 1.0, {}))
    log(events.Within("a", events.Within("b", events.Warned("api_key=hunter2"))))
    began, epoch, within = _records(path)
    assert began["config"] == {"data": {"path": "https:/***@b"}, "limits": [None, 1]}
    assert epoch["loss"] is None
    assert within["inner"]["inner"]["message"] == "api_key=***"  # type: ignore[index]


def test_a_run_taken_up_again_goes_on_where_a_kill_cut_a_line(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    first = EventLog()
    first.begin(path, run="x")
    first(events.StageStarted("training"))
    with path.open("ab") as stream:
        stream.write(b'{"time": 17, "eve')
    assert [record["event"] for record in event_log.read(path)] == ["Began", "StageStarted"]
    second = EventLog()
    second.begin(path, run="x")
    second(events.StageEnded("training", 1.0))
    kinds = [record["event"] for record in event_log.read(path)]
    assert kinds == ["Began", "StageStarted", "Began", "StageEnded"]


@pytest.mark.parametrize("line", ["{", "[]", '{"time": 1}', '{"event": "Warned"}', "[" * 10_000])
def test_a_line_that_is_no_record_is_named(line: str, tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text(json.dumps({"time": 1, "event": "Began"}) + "\n" + line + "\n")
    with pytest.raises(IntegrityError, match=r"events\.jsonl:2: "):
        list(event_log.read(path))


def test_no_file_and_no_folder_are_answers(tmp_path: Path) -> None:
    with pytest.raises(IntegrityError, match="No such file"):
        list(event_log.read(tmp_path / "events.jsonl"))
    with pytest.raises(StorageError, match="No such file"):
        EventLog().begin(tmp_path / "absent" / "events.jsonl")
