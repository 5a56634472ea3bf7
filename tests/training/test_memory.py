from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from atb.presets import resolve

pytestmark = pytest.mark.usefixtures("tensorflow_ready")

SCRIPT = Path(__file__).with_name("measure_memory.py")
needs_linux = pytest.mark.skipif(
    not Path("/proc/self/clear_refs").exists(), reason="the peak is read from Linux's /proc"
)

CHEAP = [
    ("fast", "conv_recurrent", 2048, "float32"),
]
REST = [
    ("fast", "transformer", 512, "float32"),
    ("balanced", "conv_recurrent", 2048, "float32"),
    ("legacy", "conv_recurrent", 1024, "float32"),
    ("quality", "conv_recurrent", 1024, "float32"),
    ("fast", "lstm", 2048, "float32"),
    ("fast", "gru", 2048, "float32"),
    ("fast", "bilstm", 1024, "float32"),
    ("fast", "tcn", 1024, "float32"),
    ("fast", "cnn", 8192, "float32"),
    ("balanced", "conv_recurrent", 4096, "mixed_bfloat16"),
    ("fast", "lstm", 2048, "mixed_bfloat16"),
]


def config(*assignments: str, preset: str = "fast", architecture: str | None = None) -> Any:
    recipe = resolve(preset, "BTCUSDT", assignments=assignments, model_type=architecture)
    return recipe.config


def estimate(*assignments: str, policy: str = "float32", batch: int = 64, **kind: Any) -> Any:
    from atb.training import memory

    return memory.estimate(config(*assignments, **kind), policy, batch)


def check_against_the_process(preset: str, architecture: str, batch: int, policy: str) -> None:
    words = [preset, architecture, str(batch), policy]
    done = subprocess.run(
        [sys.executable, str(SCRIPT), *words],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    step = found["activations"] + found["gradients"]  # the rest was there before the step
    assert found["measured"] > 100 * 2**20, "too small a step to tell it from noise"
    assert 0.7 < step / found["measured"] < 1.3, found


@needs_linux
@pytest.mark.parametrize("case", CHEAP, ids=lambda case: "-".join(map(str, case)))
def test_the_estimate_is_within_30_percent_of_the_peak(case: tuple[str, str, int, str]) -> None:
    check_against_the_process(*case)


@needs_linux
@pytest.mark.slow
@pytest.mark.parametrize("case", REST, ids=lambda case: "-".join(map(str, case)))
def test_so_it_is_for_every_network(case: tuple[str, str, int, str]) -> None:
    check_against_the_process(*case)


def test_weights_gradients_and_moments_are_counted_exactly() -> None:
    """Dense 15 * 60 -> 8 -> 1: 900 * 8 + 8 + 8 + 1 weights; Adam has two moments, step and rate."""
    found = estimate("model.dense=[8]", "model.dropout=0", architecture="mlp", batch=10)
    weights = 4 * (900 * 8 + 8 + 8 + 1)
    assert found.parameters == found.gradients == weights
    assert found.optimizer == 2 * weights + 8 + 4  # the step is int64, the rate float32
    assert found.windows == 10 * 60 * 15 * 4
    assert found.total == sum(
        (found.parameters, found.gradients, found.optimizer, found.windows, found.activations)
    )


def test_an_optimizer_without_moments_holds_none() -> None:
    sgd = ("training.optimizer.kind=sgd", "training.optimizer.momentum=0.0")
    assert estimate(*sgd).optimizer < 100 < estimate().optimizer


def test_activations_grow_with_the_batch_and_halve_in_half_precision() -> None:
    small, large = estimate(batch=256), estimate(batch=1024)
    assert large.activations == pytest.approx(4 * small.activations, rel=0.05)
    assert large.parameters == small.parameters
    half = estimate(batch=1024, policy="mixed_float16")
    assert 0.45 < half.activations / large.activations < 0.65
    assert half.parameters == large.parameters  # weights stay float32


def test_parts_of_a_batch_need_less_and_one_more_gradient() -> None:
    whole = estimate(batch=1024)
    parts = estimate("training.hardware.accumulation=4", batch=1024)
    assert parts.activations == pytest.approx(whole.activations / 4, rel=0.1)
    assert parts.gradients == 2 * whole.gradients
    shared = estimate("training.hardware.devices=2", batch=1024)
    assert shared.activations == pytest.approx(whole.activations / 2, rel=0.1)
    assert 2 * shared.windows == whole.windows


def test_the_record_is_plain() -> None:
    found = estimate()
    assert json.loads(json.dumps(found.to_json()))["total"] == found.total
