from __future__ import annotations

import pytest

from atb.events import Event, StageEnded, StageStarted, Stopwatch


def test_a_stage_is_announced_timed_and_summed() -> None:
    heard: list[Event] = []
    watch = Stopwatch(heard.append)
    with watch.stage("data"):
        pass
    assert heard == [StageStarted("data"), StageEnded("data", watch.seconds["data"])]
    assert watch.total().keys() == {"data", "total"}
    assert watch.total()["total"] >= watch.seconds["data"]


def test_a_stage_that_raises_is_not_recorded() -> None:
    watch = Stopwatch()
    with pytest.raises(RuntimeError), watch.stage("data"):
        raise RuntimeError
    assert watch.seconds == {}
