"""How long it will still take, from what it took so far."""

from __future__ import annotations

import time

from atb.events import EpochEnded, Progress
from atb_cli.pace import Pace, Standing


def epoch(number, of, seconds=30.0):
    return EpochEnded(number, of, 0.5, 0.75, True, seconds, {})


def test_epochs_to_come_take_as_long_as_those_seen_on_average():
    pace = Pace()
    assert pace.after(epoch(11, 13, 30.0)) == 60.0
    assert pace.after(epoch(12, 13, 60.0)) == 45.0
    assert pace.after(epoch(13, 13, 60.0)) == 0.0


def test_jobs_under_way_count_by_their_epochs():
    standing = Standing(_began=time.monotonic() - 60)
    assert standing.left() is None
    standing.progress(Progress("jobs", 1, 4))
    assert round(standing.left()) == 180
    standing.epoch("a", epoch(5, 10))
    standing.epoch("b", epoch(1, 2))
    assert standing.done == 2
    assert round(standing.left()) == 60
    standing.over("a")
    standing.over("never seen")
    assert round(standing.left()) == 100


def test_the_next_jobs_begin_anew():
    standing = Standing(_began=time.monotonic() - 60)
    standing.progress(Progress("jobs", 2, 2))
    assert standing.left() == 0
    standing.progress(Progress("jobs", 1, 4))
    assert standing.left() < 3  # not the minute of those before


def test_a_task_of_unknown_length_has_no_end_to_be_told():
    standing = Standing()
    standing.progress(Progress("rows", 10, 0))
    assert standing.left() is None
