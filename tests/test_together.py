"""Straight lines that are fitted together: each model's event log tells of itself alone."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from atb import event_log, pipeline
from atb.config.book_architectures import Linear
from atb.events import Event, Measured, Noted, Stopwatch
from atb.market.lob import files
from atb.market.lob.sample import simulate
from atb.studies import suite_recipes
from atb.tabular import linear


def test_what_happens_to_one_is_told_of_it_alone(
    tensorflow_ready: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    from atb import walk

    def concluded(run: Any, recipe: Any, learned: Any, hook: Any, watch: Stopwatch) -> str:
        with watch.stage("evaluation"):
            watch.listen(Noted(run.name))
        return str(run.name)

    def nothing(*_: Any) -> None:
        """In place of rows and what is calibrated with them."""

    runs: list[Any] = [SimpleNamespace(name=name, workspace=None) for name in "ab"]
    recipe: Any = SimpleNamespace(config=SimpleNamespace(target=None, model=Linear()))
    monkeypatch.setattr(walk, "prepare", nothing)
    monkeypatch.setattr(walk, "calibrated", nothing)
    monkeypatch.setattr(linear, "fit_all", lambda specs, *_: dict.fromkeys(specs))
    monkeypatch.setattr(walk, "_conclude", concluded)
    of_all: list[Event] = []
    own: list[list[Event]] = [[], []]
    listeners = [one.append for one in own]
    labels, hook = SimpleNamespace(), SimpleNamespace()
    walk.walk_together(runs, [recipe] * 2, labels, hook, Stopwatch(of_all.append), listeners)  # type: ignore[arg-type]
    assert [one.stage for one in of_all if hasattr(one, "stage")] == ["training", "training"]
    assert [[e.message for e in one if isinstance(e, Noted)] for one in own] == [["a"], ["b"]]


@pytest.mark.slow
def test_the_log_of_a_line_tells_of_no_other(tmp_path: Path) -> None:
    files.write(simulate("TEST", 1200, seed=3), tmp_path / "book.parquet")
    small: dict[str, Any] = {"features": "of", "sequence_length": 5, "horizon": 10}
    book = tmp_path / "book.parquet"
    configs = suite_recipes.recipes(("ols", "ridge"), "TEST", book=book, **small).values()
    heard: list[Event] = []
    made = pipeline.train_models([*configs], artifacts=tmp_path / "out", listen=heard.append)
    for result in made:
        records = list(event_log.read(result.path / event_log.NAME))
        (measured,) = (record for record in records if record["event"] == "Measured")
        assert measured["metrics"] == result.summary["metrics"]
        began, *others = records
        assert began["config"] == json.loads((result.path / "config.json").read_text())
        stages = [record["stage"] for record in others if record["event"] == "StageEnded"]
        assert stages == [
            "data",
            "startup",
            "features",
            "dataset",
            "training",
            "evaluation",
            "export",
        ]
        assert set(stages) < set(result.summary["stages"])
    assert sum(isinstance(event, Measured) for event in heard) == 2
