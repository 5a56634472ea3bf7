"""The engine that needs no other machine."""

from __future__ import annotations

import pytest

from atb.errors import UsageError
from atb.events import silent
from atb.fleet.engines import local
from atb.fleet.job import Job


def repeat(word, listen):
    return word


def test_an_address_cannot_be_meant():
    with pytest.raises(UsageError, match=r"^--address: .*'tcp://10\.0\.0\.1:8786' cannot be meant"):
        local.connect(None, "tcp://10.0.0.1:8786")


def test_it_has_room_for_as_many_as_it_is_told(tmp_path, monkeypatch):
    engine = local.connect(3, None)
    asked = []
    monkeypatch.setattr(local.scheduler, "run", lambda *given: asked.append(given))
    jobs = [Job("a", repeat, {"word": "one"})]
    engine.run(jobs, tmp_path, silent)
    ((given, limits, logs, listen),) = asked
    assert (given, limits.cores, logs, listen) == (jobs, 3, tmp_path, silent)
