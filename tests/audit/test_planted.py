"""Every planted leak is found, nothing honest is called one; without a check some are missed."""

from __future__ import annotations

from functools import cache

import pytest

from atb.audit import lookahead, planted
from atb.audit.planted import Trial


@cache
def trials() -> tuple[Trial, ...]:
    return planted.run()


def test_every_planted_leak_is_found() -> None:
    leaks = [trial for trial in trials() if trial.leak]
    assert len(leaks) >= 40
    assert [trial.name for trial in leaks if not trial.found] == []


def test_nothing_honest_is_called_a_leak() -> None:
    fair = [trial for trial in trials() if not trial.leak]
    assert len(fair) >= 16
    assert [trial.name for trial in fair if trial.found] == []


def test_the_conditional_leak_strikes_one_bar() -> None:
    (glance,) = (trial for trial in trials() if trial.name == "one_glance")
    assert glance.rows == 1


@pytest.mark.parametrize(
    ("kept", "missed"),
    [
        (lookahead.CHANGED, {"faint_whisper"}),
        (lookahead.CHANGED[1:], {"one_glance"}),  # twenty cuts instead of every bar
    ],
)
def test_without_a_check_some_are_missed(kept, missed) -> None:
    from atb.audit import planted_features

    candles = planted._candles(planted.FEW)
    found = set()
    for name in missed | {"centred_mean"}:
        subject = planted._subject(name, planted_features.LEAKS[name])
        (finding,) = lookahead.examine(subject, candles, checks=kept)
        found |= {name} if finding.verdict == "leak" else set()
    assert found == {"centred_mean"}


def test_what_it_says_is_ready_for_json() -> None:
    assert trials()[0].to_json() == {
        "kind": "feature",
        "name": "next_close",
        "what": "`shift(-1)`.",
        "leak": True,
        "found": True,
        "check": "prefix",
        "rows": 300,
        "right": True,
    }
