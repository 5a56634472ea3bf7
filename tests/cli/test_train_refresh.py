"""What a refresh came to is one line, or one object, and an exit code."""

from __future__ import annotations

import json

import pytest

from atb.plans import refresh
from atb.plans.refresh import Refreshed
from atb_cli.main import main

OLD, NEW = "BTCUSDT/fast/20240101T120000Z-1a", "BTCUSDT/fast/20240201T120000Z-2b"
NEWEST = {"metric": "rmse", "worse": -0.0123, "rows": 3246}

UNCHANGED = Refreshed("BTCUSDT", "unchanged", OLD, 0)
PROMOTED = Refreshed("BTCUSDT", "promoted", NEW, 3887, NEW, "warm", "stable", NEWEST)
REFUSED = Refreshed(
    *("BTCUSDT", "refused", OLD, 3887, NEW, "anew", "drifted: rsi_14"),
    refused=("newest", "skill"),
)


@pytest.mark.parametrize(
    ("found", "code", "line"),
    [
        (UNCHANGED, 0, f"BTCUSDT: nothing is new; {OLD} runs"),
        (
            Refreshed("BTCUSDT", "unchanged", OLD, 7),
            0,
            f"BTCUSDT: 7 newer rows are too few; {OLD} runs",
        ),
        (
            Refreshed("BTCUSDT", "unchanged", OLD, 70, NEW),
            0,
            f"BTCUSDT: nothing is new since {NEW} was made; {OLD} runs",
        ),
        (
            PROMOTED,
            0,
            f"BTCUSDT: 3,887 newer rows; stable; {NEW} trained from its weights; "
            f"rmse 1.23% better on 3,246 newest rows; {NEW} runs",
        ),
        (
            REFUSED,
            8,
            f"BTCUSDT: 3,887 newer rows; drifted: rsi_14; {NEW} trained anew; "
            f"refused by newest, skill; {OLD} runs",
        ),
    ],
)
def test_one_line_and_an_exit_code(monkeypatch, capsys, found, code, line):
    monkeypatch.setattr(refresh, "refresh", lambda *_, **__: found)
    assert main(["train", "refresh", "BTCUSDT"]) == code
    assert capsys.readouterr().out == line + "\n"


def test_yields_are_given_as_candles_are(monkeypatch):
    given = {}
    monkeypatch.setattr(refresh, "refresh", lambda *_, **all_: given.update(all_) or UNCHANGED)
    assert main(["train", "refresh", "UST2Y", "--bonds", "yields.csv"]) == 0
    assert str(given["candles"]) == "yields.csv"


def test_one_object(monkeypatch, capsys):
    monkeypatch.setattr(refresh, "refresh", lambda *_, **__: REFUSED)
    assert main(["train", "refresh", "BTCUSDT", "--json"]) == 8
    said = json.loads(capsys.readouterr().out)
    assert (said["state"], said["running"], said["refused"]) == (
        "refused",
        OLD,
        ["newest", "skill"],
    )


def test_nobody_is_promoted(capsys, tmp_path):
    words = ["train", "refresh", "BTCUSDT", "--artifacts", str(tmp_path)]
    assert main(words) == 2
    assert "no model of BTCUSDT is promoted" in capsys.readouterr().err
