"""Trials survive crashes, are claimed once, depend on the seed, and are given up when poor."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from atb.config.search import parse
from atb.errors import IntegrityError
from atb.studies.journal import JOURNAL, Journal, PrunedError

SEARCH = parse(
    {
        "window": {"choice": [30, 60]},
        "model": {"choice": [{"filters": [8]}, {"filters": [8, 16]}]},
        "training.batch": {"range": [16, 64]},
        "training.learning_rate": {"log_range": [1e-4, 1e-2]},
    },
    str,
)
FIRST = {"window": 60, "model": {"filters": [8, 16]}, "training.learning_rate": 0.002}


def opened(folder, seed=7):
    folder.mkdir(exist_ok=True)
    return Journal(folder, SEARCH, seed, unpruned=2)


def all_of(folder, count, seed=7, again=False):
    """What so many trials in a row try, their loss being their batch."""
    journal = opened(folder, seed)
    journal.plan(count, FIRST)
    for number in range(count):
        if again and number == 11:
            journal = opened(folder, seed)
        attempt = journal.claim()
        attempt.complete(attempt.values["training.batch"])
    return [trial.values for trial in journal.trials()]


def test_the_first_trial_is_given_and_the_others_follow_the_seed(tmp_path):
    found = all_of(tmp_path / "a", 13)
    assert {name: found[0][name] for name in FIRST} == FIRST
    assert all_of(tmp_path / "b", 13, again=True) == found
    assert all_of(tmp_path / "c", 3, seed=8)[1:] != found[1:3]
    for one in found:
        assert all(SEARCH[name].held(value) == value for name, value in one.items())
    assert all(float(f"{one['training.learning_rate']:.4g}") in one.values() for one in found)
    assert len({str(one) for one in found}) == 13


def test_a_trial_left_half_done_goes_on_with_the_same_values_and_reports(tmp_path):
    journal = opened(tmp_path)
    journal.plan(2, {})
    begun = journal.claim()
    begun.report(1, 3.0)
    again = opened(tmp_path).begin(1)
    assert (again.number, again.values) == (1, begun.values)
    again.report(1, 5.0)  # was said before
    again.report(2, 2.0)
    again.note(sharpe=0.5)
    assert opened(tmp_path).claim().number == 2
    again.complete(2.0)
    first, second = opened(tmp_path).trials()
    assert (first.state, first.loss, first.steps, first.notes["sharpe"]) == (
        "complete",
        2.0,
        2,
        0.5,
    )
    assert (second.state, second.loss, second.over) == ("running", None, False)


def test_a_line_half_written_is_cut_off(tmp_path):
    journal = opened(tmp_path)
    journal.plan(1, FIRST)
    path = tmp_path / JOURNAL
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"op_code":5,"worker_id":"x')
    attempt = opened(tmp_path).claim()
    assert path.read_bytes().startswith(whole)
    attempt.complete(1.0)
    assert [trial.loss for trial in opened(tmp_path).trials()] == [1.0]


def test_what_is_worse_than_most_is_given_up_once_enough_are_complete(tmp_path):
    journal = opened(tmp_path)
    journal.plan(7, {})
    for loss in range(5):
        attempt = journal.claim()
        for step in (1, 2, 3):
            attempt.report(step, loss)
        attempt.complete(loss)
    poor = journal.claim()
    poor.report(1, 9.0)
    with pytest.raises(PrunedError):
        poor.report(2, 8.0)
    poor.prune()
    good = journal.claim()
    for step in (1, 2, 3):
        good.report(step, 1.9)
    good.fail("its process died")
    pruned, failed = journal.trials()[5:]
    assert (pruned.state, pruned.loss, pruned.steps) == ("pruned", 8.0, 2)
    assert (failed.state, failed.loss, failed.notes["problem"]) == (
        "failed",
        None,
        "its process died",
    )
    assert journal.claim() is None


def test_no_trial_is_claimed_twice(tmp_path):
    opened(tmp_path).plan(12, {})

    def claimed(_):
        journal, mine = opened(tmp_path), []
        while (attempt := journal.claim()) is not None:
            mine.append(attempt.number)
            attempt.complete(1.0)
        return mine

    with ThreadPoolExecutor(3) as pool:
        found = [number for mine in pool.map(claimed, range(3)) for number in mine]
    assert sorted(found) == list(range(1, 13))


def test_planning_again_adds_what_is_missing(tmp_path):
    opened(tmp_path).plan(2, {})
    opened(tmp_path).plan(3, {})
    assert [trial.state for trial in opened(tmp_path).trials()] == ["waiting"] * 3


@pytest.mark.parametrize(
    "line", [b"garbage", b"[]", b"\xff", b'{"op_code": 0}', b'{"op_code": 99}']
)
def test_a_line_that_nobody_wrote_is_refused_by_its_place(tmp_path, line):
    opened(tmp_path).plan(3, FIRST)
    path = tmp_path / JOURNAL
    first, *others = path.read_bytes().splitlines()
    path.write_bytes(b"\n".join([first, line, *others, b""]))
    with pytest.raises(IntegrityError, match=r"journal\.log: the journal cannot be read \("):
        opened(tmp_path)
