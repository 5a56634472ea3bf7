"""Which job begins next: downloads, then in order, after what it needs, where there is room."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atb.errors import ConfigError, DataError, NotBegunError, StoppedError
from atb.fleet.job import Job
from atb.fleet.policy import Limits
from atb.fleet.queue import Queue

TWO = Limits(cores=2)


def nothing(listen):
    pass


def job(name, needs=(), cores=1, memory=1):
    return Job(name, nothing, needs=tuple(needs), cores=cores, memory=memory)


def taken(queue, at_work=(), now=0.0):
    """All that may begin now beside those at work, which then are at work, too."""
    at_work = list(at_work)
    begun = []
    while task := queue.take(at_work, now):
        at_work.append(task)
        begun.append(task)
    return begun


def names(tasks):
    return [task.job.name for task in tasks]


def test_downloads_begin_first_and_take_no_core():
    asked = [job("a"), job("get a", cores=0), job("b"), job("c"), job("get b", cores=0)]
    queue = Queue(asked, Limits(cores=2, waiting=1))
    assert names(taken(queue)) == ["get a", "a", "b"]
    assert names(queue.clear()) == ["get b", "c"]


def test_a_job_begins_when_all_it_needs_are_done():
    queue = Queue([job("last", needs="ab"), job("a"), job("b")], TWO)
    assert names(taken(queue)) == ["a", "b"]
    queue.succeeded("a")
    assert taken(queue) == []
    queue.succeeded("b")
    assert names(taken(queue)) == ["last"]


def test_cores_and_memory_are_shared_and_nobody_overtakes():
    asked = [job("a"), job("big", cores=2), job("b")]
    queue = Queue(asked, TWO)
    (a,) = taken(queue)
    assert a.job.name == "a"
    assert names(taken(queue)) == ["big"]
    assert names(taken(queue)) == ["b"]

    queue = Queue([job("a", memory=6), job("b", memory=5), job("c", memory=1)], Limits(3, 10))
    assert names(taken(queue)) == ["a"]
    assert names(taken(queue)) == ["b", "c"]


def test_one_that_asks_for_more_than_there_is_runs_alone():
    for asked in (job("giant", cores=9), job("giant", memory=99)):
        queue = Queue([asked, job("a"), job("b")], Limits(2, 10))
        (giant,) = taken(queue)
        assert giant.job.name == "giant"
        assert taken(queue, [giant]) == []
        assert names(taken(queue)) == ["a", "b"]


def test_one_that_is_put_back_keeps_its_place_or_runs_alone_last():
    queue = Queue([job("a"), job("b"), job("c")], TWO)
    a, b = taken(queue)
    queue.put_back(a)
    assert names(taken(queue, [b])) == ["a"]

    a.alone = True
    queue.put_back(a)
    (c,) = taken(queue, [b])
    assert c.job.name == "c"
    assert taken(queue, [c]) == []
    assert names(taken(queue)) == ["a"]
    queue.put_back(b)
    assert taken(queue, [a]) == []


def test_one_that_runs_alone_comes_after_one_that_pauses():
    queue = Queue([job("a"), job("b"), job("after", needs="a")], TWO)
    a, b = taken(queue)
    a.alone, b.not_before = True, 5.0
    queue.put_back(a)
    queue.put_back(b)
    assert taken(queue, now=4.9) == []
    assert names(taken(queue, now=5.0)) == ["b"]
    assert names(taken(queue, now=5.0)) == ["a"]


def test_one_that_pauses_keeps_nobody_waiting():
    queue = Queue([job("a"), job("b")], Limits(1))
    (a,) = taken(queue)
    a.not_before = 5.0
    queue.put_back(a)
    assert names(taken(queue, now=4.9)) == ["b"]
    assert names(taken(queue, now=5.0)) == ["a"]


def test_all_that_need_a_failed_job_are_lost_and_end_as_it_did():
    asked = [job("a"), job("b", needs="a"), job("c", needs="b"), job("d")]
    queue = Queue(asked, TWO)
    taken(queue)
    lost = {task.job.name: error for task, error in queue.failed("a", DataError("no rows"))}
    assert list(lost) == ["b", "c"]
    assert {str(error) for error in lost.values()} == {"not begun: a failed; mend what stopped a"}
    assert {type(error) for error in lost.values()} == {NotBegunError}
    assert {error.exit_code for error in lost.values()} == {DataError.exit_code}
    assert len(queue) == 0


def test_all_that_need_a_stopped_job_are_stopped():
    queue = Queue([job("a"), job("b", needs="a")], TWO)
    ((_, error),) = queue.failed("a", StoppedError("stopped"))
    assert (type(error), str(error)) == (StoppedError, "stopped before it began: a was stopped")


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ([job("a"), job("b"), job("a")], "two jobs are called 'a'; give each its own name"),
        (
            [job("fetch"), job("b", needs=["fetsh"])],
            "job b: it needs 'fetsh', which is no job; did you mean 'fetch'?",
        ),
        ([job("a", needs="a")], "jobs need each other: a, which needs a; remove one need"),
    ],
)
def test_what_can_never_end_is_refused(asked, words):
    with pytest.raises(ConfigError) as refusal:
        Queue(asked, TWO)
    assert str(refusal.value) == words


def test_a_circle_is_told_in_the_order_of_needs():
    with pytest.raises(ConfigError, match="which needs") as refusal:
        Queue([job("a", needs="c"), job("b", needs="a"), job("c", needs="b"), job("d")], TWO)
    told = refusal.value.what.removeprefix("jobs need each other: ").split(", which needs ")
    assert set(itertools.pairwise(told)) == {("a", "c"), ("b", "a"), ("c", "b")}


@st.composite
def graphs(draw):
    """Jobs that need only earlier ones, in any order."""
    size = draw(st.integers(1, 12))
    made = []
    for number in range(size):
        needs = draw(st.sets(st.integers(0, number - 1))) if number else set()
        asked = draw(st.tuples(st.integers(0, 4), st.integers(0, 8)))
        made.append(job(str(number), map(str, sorted(needs)), *asked))
    return draw(st.permutations(made))


@given(graphs(), st.integers(1, 3), st.integers(0, 10) | st.none(), st.integers(1, 2), st.data())
def test_every_job_begins_once_within_the_limits_and_after_its_needs(
    asked, cores, memory, waiting, data
):
    limits = Limits(cores, memory, waiting)
    queue, at_work, done = Queue(asked, limits), [], []
    while queue or at_work:
        for task in taken(queue, at_work):
            assert set(task.job.needs) <= set(done)
            at_work.append(task)
        assert at_work
        if len(at_work) > 1:
            assert memory is None or sum(one.job.memory for one in at_work) <= memory
            assert sum(one.job.cores == 0 for one in at_work) <= waiting
            busy = [one.job.cores for one in at_work if one.job.cores]
            assert len(busy) <= 1 or sum(busy) <= cores
        ended = at_work.pop(data.draw(st.integers(0, len(at_work) - 1)))
        done.append(ended.job.name)
        queue.succeeded(ended.job.name)
    assert sorted(done) == sorted(one.name for one in asked)
