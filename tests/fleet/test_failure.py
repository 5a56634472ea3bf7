"""What a failed attempt is called, and whether another one is worth it."""

from __future__ import annotations

import pytest

from atb.errors import AtbError, DataError, ResourceError, SourceUnavailableError, StoppedError
from atb.fleet import failure
from atb.fleet.failure import Again


@pytest.fixture
def log(tmp_path):
    path = tmp_path / "job.log"
    path.write_text("Traceback\n  somewhere\nKeyError: 'x'\n\n")
    return path


@pytest.mark.parametrize(
    ("code", "kind", "again", "words"),
    [
        (-9, ResourceError, Again.ALONE, "its process was killed (SIGKILL), as the system does"),
        (-11, AtbError, Again.YES, "job.log: its process crashed (SIGSEGV)"),
        (-6, AtbError, Again.YES, "job.log: its process crashed (SIGABRT)"),
        (-15, StoppedError, Again.NO, "stopped"),
        (1, AtbError, Again.NO, "job.log: its process died (exit code 1): KeyError: 'x'"),
        (0, AtbError, Again.NO, "job.log: its process died (exit code 0): KeyError: 'x'"),
    ],
)
def test_a_process_that_died(log, code, kind, again, words):
    found = failure.died(code, log, asked=False)
    assert (type(found.error), found.again) == (kind, again)
    assert words in str(found.error)


def test_one_that_was_asked_to_stop_was_stopped_whatever_it_died_of(log):
    found = failure.died(-9, log, asked=True)
    assert (type(found.error), found.again) == (StoppedError, Again.NO)


def test_one_that_said_nothing_has_no_log_to_look_at(tmp_path):
    found = failure.died(3, tmp_path / "none.log", asked=False)
    assert str(found.error) == "its process died (exit code 3)"


def test_what_a_job_raised_is_final_unless_a_source_may_come_back():
    final, passing = DataError("3 rows"), SourceUnavailableError("no network")
    assert failure.raised(final) == failure.Failure(final, Again.NO)
    assert failure.raised(passing) == failure.Failure(passing, Again.YES)


def test_want_of_memory_is_tried_again_alone():
    for found in (failure.starved("9 GiB"), failure.greedy(3 << 30, 1.5 * (1 << 30))):
        assert (type(found.error), found.again) == (ResourceError, Again.ALONE)
    assert failure.starved("9 GiB").error.what == "memory ran out: 9 GiB"
    held = failure.greedy(3 << 30, 1.5 * (1 << 30)).error.what
    assert held == "it held 3.00 GiB of memory where 1.50 GiB were allowed, and was killed"


def test_what_hangs_is_tried_again():
    found = failure.hung(301.4)
    assert found.again is Again.YES
    assert found.error.what == (
        "it said nothing and took no processor time for 301 s, and was killed"
    )
