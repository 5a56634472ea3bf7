"""Two devices take the steps of one; the devices are two logical CPUs in a process of their own."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

SCRIPT = Path(__file__).with_name("two_devices.py")
ALIKE = ["plain", "clipped", "parts", "weighted"]
Made = dict[str, Any]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """What came of every case of the script."""
    done = subprocess.run(
        [sys.executable, str(SCRIPT), str(tmp_path_factory.mktemp("devices"))],
        env={**os.environ, "PYTHONPATH": str(SCRIPT.parent)},
        capture_output=True,
        text=True,
        check=False,
        timeout=400,
    )
    assert done.returncode == 0, done.stderr
    found: Made = json.loads(done.stdout)
    return found


def losses(one: Made) -> Any:
    return np.array(one["losses"])


@pytest.mark.parametrize("case", [*ALIKE, "half", "random"])
def test_both_devices_hold_equal_weights_and_learn(made: Made, case: str) -> None:
    two = made[f"{case}-2"]
    assert two["devices"] == 2
    assert two["copies"] == [2] and two["equal"]
    train, validation = losses(two).T
    assert train[1] < train[0]
    assert validation[-1] < 0.7  # 1 and ln 3 for a network that knows nothing


@pytest.mark.parametrize("case", ALIKE)
def test_two_devices_take_the_steps_of_one(made: Made, case: str) -> None:
    """Losses and weights after two epochs, without dropout, noise and batch normalisation."""
    one, two = made[f"{case}-1"], made[f"{case}-2"]
    np.testing.assert_allclose(losses(two), losses(one), rtol=1e-5)
    for a, b in zip(one["weights"], two["weights"], strict=True):
        np.testing.assert_allclose(b, a, rtol=1e-5, atol=1e-5)


def test_the_cases_differ_from_each_other(made: Made) -> None:
    """Clipping acts at all, so that it means something that it acts the same."""
    assert made["plain-1"]["copies"] == [1]
    assert not np.allclose(losses(made["clipped-1"]), losses(made["plain-1"]))


def test_half_precision_with_its_loss_scale_comes_near(made: Made) -> None:
    np.testing.assert_allclose(losses(made["half-2"]), losses(made["half-1"]), rtol=1e-2)


def test_no_two_devices_and_steps_draw_the_same_noise(made: Made) -> None:
    """At step n the two are told 2n and 2n + 1."""
    assert made["numbers"] == [0.5, 2.5, 4.5]


def test_a_stopped_training_of_two_devices_goes_on_in_the_same_bits(made: Made) -> None:
    """With dropout, noise and batch normalisation."""
    assert re.search(r"stopped after epoch 0 and \d+ of 26 steps", made["again"]["said"])
    for what in ("losses", "weights", "copies", "equal"):
        assert made["again"][what] == made["random-2"][what]
