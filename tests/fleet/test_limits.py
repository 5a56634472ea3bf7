"""How many jobs a machine bears side by side."""

from __future__ import annotations

import pytest

from atb.fleet import limits
from atb.fleet.job import Outcome
from atb.fleet.policy import Limits

GIB = 1 << 30


@pytest.mark.parametrize(
    ("tool", "gpus", "memory", "processes"),
    [
        (None, 1, None, 5),
        (None, 1, 64 * GIB, 5),
        (None, 1, 5 * GIB, 3),
        (None, 1, 1 * GIB, 1),
        ("nvidia-smi", 2, 64 * GIB, 1),
        ("nvidia-smi", 0, 64 * GIB, 5),
    ],
)
def test_a_process_for_each_core_that_memory_allows_or_one_with_a_gpu(
    monkeypatch, tmp_path, tool, gpus, memory, processes
):
    counted = Outcome("gpus", gpus, None, 1.0)
    monkeypatch.setattr(limits.shutil, "which", lambda _name: tool)
    monkeypatch.setattr(limits.scheduler, "run", lambda *_: [counted])
    in_all = memory and 2 * memory  # half of it is taken
    machine = limits.machine.Machine(5, in_all, memory)
    monkeypatch.setattr(limits.machine, "examine", lambda: machine)
    assert limits.of_machine(None, tmp_path).processes == processes


def test_who_says_how_many_gets_them(tmp_path):
    assert limits.of_machine(7, tmp_path) == Limits(cores=7, memory=None)


def test_gpus_are_counted_once(monkeypatch, tmp_path):
    asked = []

    def count(*given):
        asked.append(given)
        return [Outcome("gpus", 0, None, 1.0)]

    monkeypatch.setattr(limits.shutil, "which", lambda _name: "nvidia-smi")
    monkeypatch.setattr(limits.scheduler, "run", count)
    assert limits.of_machine(None, tmp_path) == limits.of_machine(None, tmp_path)
    assert len(asked) == 1
