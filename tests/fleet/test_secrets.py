"""A job that fails over a secret leaves it in no log and no error."""

from __future__ import annotations

from atb.fleet.job import Job
from atb.fleet.policy import Limits, Policy
from atb.fleet.scheduler import run

CANARY = "c4n4ry-5e3d9f+A"


def test_what_a_failed_job_leaves_holds_no_secret(jobs, tmp_path, monkeypatch):
    monkeypatch.setenv("BINANCE_API_KEY", CANARY)
    texts = {"url": "no answer from https://anna:c4n4ry@example.org", "value": f"refused {CANARY}"}
    asked = [Job(name, jobs.fail_telling, {"text": text}) for name, text in texts.items()]
    outcomes = run(asked, Limits(2), tmp_path, policy=Policy(attempts=1))
    for outcome in outcomes:
        log = (tmp_path / f"{outcome.name}.log").read_text()
        assert "Traceback" in log
        assert log.count("***") == 3  # printed, logged, raised
        assert "***" in str(outcome.error)
        assert "c4n4ry" not in log + repr(vars(outcome.error))
