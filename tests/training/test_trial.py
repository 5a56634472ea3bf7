from __future__ import annotations

from typing import Any

import pytest

from atb.presets import resolve

pytestmark = pytest.mark.usefixtures("tensorflow_ready")

SMALL = ("model.filters=[4]", "model.pool=[2]", "model.units=[4]", "model.dense=[]")


def config(*assignments: str) -> Any:
    return resolve("fast", "BTCUSDT", assignments=[*SMALL, *assignments]).config


@pytest.mark.parametrize(
    "assignments",
    [
        (),
        ("target.kind=direction",),
        ("target.kind=ternary", "target.horizon=[1, 5]"),
        ("target.kind=ternary", "training.regularisation.class_weights=balanced"),
        ("training.regularisation.jitter=0.1", "training.hardware.accumulation=4"),
        ("training.hardware.devices=2",),
        ("training.schedule.kind=cosine", "training.optimizer.kind=adamw"),
    ],
)
def test_a_step_of_any_recipe_can_be_taken(assignments: tuple[str, ...]) -> None:
    from atb.training import trial

    take = trial.runner(config(*assignments), "float32", 16)
    take(1)
    assert 0 < take(3) < 60


def test_the_steps_are_those_of_the_recipe() -> None:
    from atb.training import trial

    made = trial.steps(
        config("training.optimizer.kind=adamw", "training.optimizer.clip_norm=1.5"),
        "mixed_bfloat16",
    )
    assert made.network.input.shape == (None, 60, 15)
    assert made.optimizer.global_clipnorm == 1.5
    assert made.network.get_layer("gru_1").compute_dtype == "bfloat16"


def test_more_windows_take_longer() -> None:
    from atb.training import trial

    few, many = (trial.seconds_per_step(config(), "float32", batch) for batch in (16, 4096))
    assert 0 < 2 * few < many


def test_an_epoch_takes_its_full_batches() -> None:
    from atb.training import trial

    assert trial.seconds_per_epoch(0.5, windows=10_000, batch=48) == 208 * 0.5
    assert trial.seconds_per_epoch(0.5, windows=10, batch=48) == 0.5


def test_half_precision_is_not_timed_without_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    from atb.training import cost, precision

    monkeypatch.setattr(precision, "gpus", list)
    full, *halves = cost.by_precision(config(), windows=1000)
    assert full.seconds_per_step is not None
    assert full.seconds_per_epoch == pytest.approx(full.seconds_per_step * (1000 // 64))
    assert [one.memory.policy for one in halves] == ["mixed_float16", "mixed_bfloat16"]
    assert all(one.seconds_per_step is None for one in halves)
    assert full.to_json()["memory"]["total"] == full.memory.total
