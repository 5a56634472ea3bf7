"""What happens to the jobs of a study is written into its folder, and what failed is told."""

from __future__ import annotations

import pytest

from atb import event_log
from atb.errors import ResourceError, StoppedError
from atb.events import JobEnded, Progress, StageEnded, Within
from atb.fleet.job import Job, Outcome
from atb.studies.side_by_side import carry_out
from atb.studies.study import Study

JOBS = [Job("a", print), Job("b", print)]


class Scripted:
    """An engine that ends jobs as it is told to."""

    name = "scripted"

    def __init__(self, **errors):
        self.errors = errors

    def run(self, jobs, logs, listen):
        for job in jobs:
            listen(Within(job.name, StageEnded("data", 0.5)))
            listen(JobEnded(job.name, 1.0, str(self.errors.get(job.name) or "")))
            listen(Progress("jobs", 1, 2))
        return [Outcome(job.name, None, self.errors.get(job.name), 1.0) for job in jobs]


@pytest.fixture
def study(recipes, tmp_path):
    return Study("cv", "20240101T000000Z-cv-1", tmp_path, recipes)


def test_the_log_of_a_study_holds_recipes_environment_and_events(study):
    heard, error = [], ResourceError("no memory")
    for _ in range(2):
        assert carry_out(study, JOBS, None, heard.append, Scripted(b=error)) == {"b": error}
    began, *records = event_log.read(study.path / event_log.NAME)
    assert began["study"] == study.name
    assert list(began["recipes"]) == list(study.members)
    assert began["recipes"]["ols"] == study.members["ols"].model_dump(mode="json")
    assert len(began["environment"]["code_sha256"]) == 64
    kinds = ["Within", "JobEnded", "Within", "JobEnded"]
    assert [record["event"] for record in records] == [*kinds, "Began", *kinds]
    assert records[3]["problem"] == "no memory"
    assert len(heard) == 12


def test_where_there_is_nothing_to_do_nothing_is_written(study):
    assert carry_out(study, [], None, print, Scripted()) == {}
    assert not (study.path / event_log.NAME).exists()


def test_a_stop_is_said_of_the_study(study):
    with pytest.raises(StoppedError, match=r"cv-1: stopped: 0 of 3 are done; the same command"):
        carry_out(study, JOBS, None, print, Scripted(a=StoppedError("stopped")))
