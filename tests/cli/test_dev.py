"""The quality command runs every step, says how each ended, and fails when one fails."""

from __future__ import annotations

import pytest

from atb_cli.commands import dev
from atb_cli.main import main

GOOD, BAD = ["-c", "pass"], ["-c", "import sys; print('a finding'); sys.exit(3)"]


def quality(monkeypatch, capfd, steps, *words):
    monkeypatch.setattr(dev, "STEPS", steps)
    code = main(["dev", "quality", *words])
    out, err = capfd.readouterr()
    return code, [line.split()[:2] for line in out.splitlines()], err


def test_all_is_well(monkeypatch, capfd):
    code, lines, _ = quality(monkeypatch, capfd, {"format": GOOD, "tests": GOOD})
    assert code == 0
    assert lines == [["ok", "format"], ["ok", "tests"], ["2", "of"]]


def test_one_failure_fails_the_whole_and_the_rest_still_runs(monkeypatch, capfd):
    code, lines, err = quality(monkeypatch, capfd, {"lint": BAD, "tests": GOOD})
    assert code == 1
    assert lines == [["FAILED", "lint"], ["ok", "tests"], ["1", "of"]]
    assert "a finding" in err


def test_fix_mends_before_it_checks(monkeypatch, capfd):
    monkeypatch.setattr(dev, "FIXES", {"lint": GOOD})
    code, lines, _ = quality(monkeypatch, capfd, {"lint": BAD, "tests": GOOD}, "--fix")
    assert code == 0
    assert lines == [["ok", "lint"], ["ok", "tests"], ["2", "of"]]


@pytest.mark.parametrize("step", ["format", "lint", "imports"])
def test_the_real_steps_start(step, monkeypatch, capfd):
    code, _, err = quality(monkeypatch, capfd, {step: dev.STEPS[step]})
    assert code in (0, 1)
    assert "No module named" not in err
    assert "Traceback" not in err


def test_without_a_checkout_it_says_so(monkeypatch, tmp_path, capfd):
    monkeypatch.setattr("atb.__file__", str(tmp_path / "site-packages" / "atb" / "__init__.py"))
    code, lines, err = quality(monkeypatch, capfd, {"lint": GOOD})
    assert (code, lines) == (2, [])
    assert "without its source checkout" in err
