"""`atb train compare`: what is shown of a comparison, what is refused, how it ends."""

from __future__ import annotations

import json
from typing import Any

import pytest

from atb.clock import HOUR_MS, parse_time
from atb.errors import DivergedError
from atb.market import files
from atb.market.sample import simulate
from atb.studies import compare
from atb_cli import compare_view
from atb_cli.main import main


@pytest.fixture(scope="module")
def candles(tmp_path_factory):
    start = parse_time("2024-01-01")
    path = tmp_path_factory.mktemp("candles") / "sample.parquet"
    files.write(simulate("SAMPLE", "1h", start, start + 400 * HOUR_MS, seed=5), path)
    return path


def figure(value: float) -> dict[str, float]:
    return {"value": value, "low": value - 0.0001, "high": value + 0.0001}


def preset(seconds: float, worse: float) -> dict[str, Any]:
    return {
        "seconds": seconds,
        "times_as_fast": 40.0 / seconds,
        "epochs": 12.5,
        "parameters": 12345.0,
        "validation_loss": 0.98765,
        "metrics": {"rmse": figure(0.00512), "macro_f1": figure(0.41)},
        "against": {"percent_worse": worse, "low": worse - 1, "high": worse + 1},
        "sharpe": figure(0.5),
    }


def results(synthetic: bool = False, **presets: Any) -> dict[str, Any]:
    return {
        "path": "artifacts/studies/x",
        "data": {"synthetic": synthetic},
        "yardstick": "legacy",
        "deciding": "rmse",
        "naive": {"persistence": {"rmse": 0.005}, "last_move": {"mae": 1.0}},
        "rival": {"name": "buy_and_hold", "sharpe": 1.25},
        "presets": presets or {"fast": preset(10.0, 2.5), "legacy": preset(40.0, 0.0)},
        "words": ["fast trains 4.0 times as fast as legacy"],
    }


def rows(capsys, made: dict[str, Any]) -> list[str]:
    """What is said on stderr, line by line, in words with one space between them."""
    compare_view.show(made)
    said = capsys.readouterr()
    assert said.out == ""
    return [" ".join(line.split()) for line in said.err.splitlines()]


def test_speed_quality_and_money_of_each_preset_are_shown(capsys):
    shown = rows(capsys, results())
    assert "preset seconds x legacy epochs parameters validation loss" in shown
    assert "fast 10.0 4.00 12.5 12,345 0.9877" in shown
    assert "preset RMSE, basis points macro F1" in shown
    assert "fast 51.200 [50.200, 52.200] 0.410 [0.410, 0.410]" in shown
    assert "(persistence) 50.000" in shown
    assert not any(line.startswith("(last move)") for line in shown)  # it has none of these
    assert "preset RMSE against legacy Sharpe, net of costs" in shown
    assert "fast +2.50 % [+1.50, +3.50] 0.50 [0.50, 0.50]" in shown
    assert "legacy - 0.50 [0.50, 0.50]" in shown  # nothing is worse than itself
    assert "(buy and hold) 1.25" in shown
    assert "fast trains 4.0 times as fast as legacy" in shown
    assert not any("SYNTHETIC" in line for line in shown)


def test_a_simulator_is_not_hidden_and_nothing_is_shown_of_nothing(capsys):
    assert any("SYNTHETIC DATA" in line for line in rows(capsys, results(synthetic=True)))
    assert rows(capsys, results() | {"presets": {}, "data": None}) == []


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--presets", "fast"], 2, "1 preset cannot be compared; name two or more"),
        (["--presets", "fast,fast"], 2, "'fast' is named twice"),
        (["--presets", "fast,legcy"], 2, "did you mean 'legacy'"),
        (["--presets", "fast,deeplob"], 2, "learns from an order book"),
        (["--presets", "fast,legacy", "--against", "balanced"], 2, "one of fast, legacy"),
        (["--seeds", "0"], 2, "--seeds"),
        ([], 3, "rows are too few"),
    ],
)
def test_what_cannot_be_compared_is_refused_before_anything_is_written(
    words, code, said, candles, tmp_path, capsys
):
    artifacts = tmp_path / "out"
    asked = ["train", "compare", "SAMPLE", "--candles", str(candles)]
    assert main([*asked, "--artifacts", str(artifacts), *words]) == code
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("error: ") and said in last
    assert not (artifacts / "studies").exists()


@pytest.mark.parametrize("as_json", [False, True])
def test_it_answers_and_ends_as_what_failed(as_json, candles, monkeypatch, capsys):
    asked: dict[str, Any] = {}

    def compared(members, **settings):
        asked.update(settings, members=list(members))
        return results(), {"fast-2": DivergedError("the loss is not finite")}

    monkeypatch.setattr(compare, "compare", compared)
    words = ["train", "compare", "SAMPLE", "--presets", "fast, legacy,", "--seeds", "2"]
    more = ["--jobs", "1", "--candles", str(candles), *(["--json"] if as_json else [])]
    assert main([*words, *more]) == 5
    said = capsys.readouterr()
    assert asked["members"] == ["fast-1", "fast-2", "legacy-1", "legacy-2"]
    assert (asked["yardstick"], asked["at_once"]) == (None, 1)
    assert "first window ends at bar" in " ".join(said.err.split())
    failure = "1 of 4 models failed; fast-2: the loss is not finite; give a lower"
    assert failure in said.err.splitlines()[-1]
    answer = said.out.splitlines()[-1]
    assert (json.loads(answer) if as_json else answer) == (
        results() if as_json else "artifacts/studies/x"
    )
