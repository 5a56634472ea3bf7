"""A training that is interrupted anywhere ends in the same bits as one that is not."""

from __future__ import annotations

import math
import os
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from atb.config.architectures import ConvRecurrent, Mlp
from atb.config.optimisation import AdamW, Cosine, Plateau, Regularisation
from atb.config.targets import DirectionTarget, TernaryTarget
from atb.errors import IntegrityError, StoppedError
from atb.events import EpochEnded, Event

Fit = Callable[..., Any]

TARGET = DirectionTarget()
RECIPES = {
    "plateau": {
        "schedule": Plateau(patience=1, factor=0.1),
        "min_delta": 1e9,  # the rate falls in every epoch, and the first one stays the best
        "optimizer": AdamW(clip_norm=1.0),
        "regularisation": Regularisation(jitter=0.1, scaling=0.1, label_smoothing=0.1),
    },
    "cosine": {"schedule": Cosine(warmup=1)},
}
DROPOUT = ConvRecurrent(filters=(4,), pool=(2,), units=(4,), dense=(), dropout=0.3)
PLAIN = Mlp(dense=(4,), dropout=0.0)


@pytest.fixture(autouse=True)
def always_together(monkeypatch: pytest.MonkeyPatch, tensorflow_ready: None) -> None:
    """Returns to Python are counted here, so they must not depend on how fast a step is."""
    from atb.training import loop

    monkeypatch.setattr(loop, "SLOW_STEP_SECONDS", math.inf)


def same(one: Any, other: Any) -> bool:
    """Whether two fitted networks have equal bits and equal histories."""
    pairs = zip(one.model.get_weights(), other.model.get_weights(), strict=True)
    histories = ([replace(e, seconds=0.0) for e in fitted.history] for fitted in (one, other))
    first, second = histories
    return all(a.tobytes() == b.tobytes() for a, b in pairs) and first == second


def stop_every(steps: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask for a stop by a signal after every so many returns to Python."""
    from atb.training.loop import Loop

    advance, count = Loop._advance, iter(range(1, 10**6))

    def stopping(loop: Any, batches: Any) -> None:
        advance(loop, batches)
        if next(count) % steps == 0:
            os.kill(os.getpid(), signal.SIGTERM if steps % 2 else signal.SIGINT)

    monkeypatch.setattr(Loop, "_advance", stopping)


def fit_in_pieces(fit: Fit, folder: Path, **options: Any) -> tuple[Any, int]:
    stops = 0
    while True:
        try:
            return fit(TARGET, folder=folder, **options), stops
        except StoppedError as stop:
            assert stop.exit_code == 130
            stops += 1


@pytest.mark.parametrize("steps", [3, 4])
@pytest.mark.parametrize("recipe", RECIPES)
def test_stopped_again_and_again_it_ends_in_the_same_bits(
    fit: Fit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recipe: str, steps: int
) -> None:
    """Every 3 calls: in the middle of epochs; every 4: at their ends. An epoch has 4 calls."""
    options = {"epochs": 3, "architecture": DROPOUT, **RECIPES[recipe]}
    whole = fit(TARGET, **options)
    stop_every(steps, monkeypatch)
    pieces, stops = fit_in_pieces(fit, tmp_path / "run", **options)
    assert stops >= 3
    assert same(whole, pieces)


def test_early_stopping_goes_on_counting(
    fit: Fit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = {"epochs": 60, "patience": 3, "learning_rate": 0.05, "architecture": PLAIN}
    whole = fit(TARGET, **options)
    assert whole.reason.startswith("no better") and whole.best_epoch > 1
    stop_every(5, monkeypatch)
    pieces, _ = fit_in_pieces(fit, tmp_path / "run", **options)
    assert same(whole, pieces) and pieces.best_epoch == whole.best_epoch


@pytest.mark.parametrize("epoch", [1, 2])
def test_a_signal_at_the_very_end_of_an_epoch_stops_also_after_the_last(
    fit: Fit, tmp_path: Path, epoch: int
) -> None:
    def ask(event: Event) -> None:
        if isinstance(event, EpochEnded) and event.epoch == epoch:
            os.kill(os.getpid(), signal.SIGTERM)

    folder = tmp_path / "run"
    with pytest.raises(StoppedError, match=f"after epoch {epoch} and 0 of 26 steps"):
        fit(TARGET, folder=folder, epochs=2, architecture=PLAIN, listen=ask)
    events: list[Event] = []
    taken_up = fit(TARGET, folder=folder, epochs=2, architecture=PLAIN, listen=events.append)
    assert same(taken_up, fit(TARGET, epochs=2, architecture=PLAIN))
    assert sum(isinstance(event, EpochEnded) for event in events) == 2 - epoch


def test_the_best_epoch_is_taken_up_though_it_is_not_the_last(fit: Fit, tmp_path: Path) -> None:
    """Nothing is better than the first epoch; the stop comes after the second."""
    options = {"epochs": 3, "min_delta": 1e9, "architecture": PLAIN}

    def ask(event: Event) -> None:
        if isinstance(event, EpochEnded) and event.epoch == 2:
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(StoppedError):
        fit(TARGET, folder=tmp_path / "run", listen=ask, **options)
    taken_up = fit(TARGET, folder=tmp_path / "run", **options)
    whole, first = fit(TARGET, **options), fit(TARGET, **{**options, "epochs": 1})
    assert taken_up.best_epoch == 1
    assert same(taken_up, whole)
    for a, b in zip(taken_up.model.get_weights(), first.model.get_weights(), strict=True):
        assert a.tobytes() == b.tobytes()


def test_steps_are_numbered_from_the_start_of_the_training(
    fit: Fit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else each epoch, or each piece of one, would have the noise of the one before."""
    import tensorflow as tf

    from atb.training import augment

    numbers: list[int] = []

    def recording(step: Any, windows: Any) -> Any:
        tf.py_function(lambda number: numbers.append(int(number)), [step], [])
        return windows

    monkeypatch.setattr(augment, "augment", lambda spec, seed: recording)
    stop_every(3, monkeypatch)
    _, stops = fit_in_pieces(fit, tmp_path / "run", epochs=2, architecture=PLAIN)
    assert stops == 2
    assert numbers == list(range(2 * 26))


@pytest.mark.parametrize("target", [DirectionTarget(horizon=(1, 5)), TernaryTarget(horizon=(1, 5))])
def test_the_score_of_an_epoch_is_the_mean_over_horizons(planted: Any, target: Any) -> None:
    """The first horizon is predicted rightly, the second always as class 0."""
    from sklearn.metrics import f1_score

    from atb.training.loop import _scores

    data = planted(target)
    ends = data.split.validation
    actual = data.labels.value[ends].astype(int)
    said = np.stack([actual[:, 0], np.zeros(len(ends), int)], axis=1)
    served = np.eye(3)[said] if target.classes == 3 else said.astype(float)
    second = f1_score(actual[:, 1], said[:, 1], average="macro", zero_division=0)
    assert 0.1 < second < 0.5
    assert _scores(data, ends, served) == {"macro_f1": pytest.approx((1 + second) / 2)}
    swapped = _scores(data, ends, served[:, ::-1])["macro_f1"]
    assert swapped < (1 + second) / 2


def test_a_checkpoint_in_the_middle_of_an_epoch_is_taken_up(
    fit: Fit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after kill -9: the last regular checkpoint is all there is."""
    from atb.training import loop

    whole = fit(TARGET, epochs=3, architecture=DROPOUT)
    monkeypatch.setattr(loop, "CHECKPOINT_SECONDS", 0.0)
    advance, count = loop.Loop._advance, iter(range(1, 100))

    class KilledError(Exception):
        pass

    def dying(self: Any, batches: Any) -> None:
        advance(self, batches)
        if next(count) == 7:
            raise KilledError

    monkeypatch.setattr(loop.Loop, "_advance", dying)
    with pytest.raises(KilledError):
        fit(TARGET, folder=tmp_path / "run", epochs=3, architecture=DROPOUT)
    names = sorted(path.name for path in (tmp_path / "run").iterdir())
    assert names[-1] == "000001-000000016"
    again = fit(TARGET, folder=tmp_path / "run", epochs=3, architecture=DROPOUT)
    assert same(whole, again)


@pytest.mark.parametrize(
    ("name", "value", "returns"), [("STEPS_TOGETHER", 5, 6), ("SLOW_STEP_SECONDS", 0.0, 26)]
)
def test_how_often_it_returns_to_python_changes_nothing(
    fit: Fit, monkeypatch: pytest.MonkeyPatch, name: str, value: float, returns: int
) -> None:
    """Slow steps return one by one, so that a signal is heard after each."""
    from atb.training import loop

    eight = fit(TARGET, epochs=2, architecture=DROPOUT)
    advance, calls = loop.Loop._advance, []

    def counting(self: Any, batches: Any) -> None:
        calls.append(self.state.epoch)
        advance(self, batches)

    monkeypatch.setattr(loop, name, value)
    monkeypatch.setattr(loop.Loop, "_advance", counting)
    assert same(eight, fit(TARGET, epochs=2, architecture=DROPOUT))
    assert calls == [0] * returns + [1] * returns


def test_a_signal_in_validation_stops_at_its_next_part(
    fit: Fit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from atb.training.loop import Loop

    predicted, parts = Loop._predicted, []

    def asking(self: Any, ends: Any) -> Any:
        for part in predicted(self, ends):
            os.kill(os.getpid(), signal.SIGTERM)
            parts.append(part)
            yield part

    options = {"folder": tmp_path / "run", "epochs": 2, "architecture": DROPOUT}
    with monkeypatch.context() as patch, pytest.raises(StoppedError, match="epoch 0 and 26 of 26"):
        patch.setattr(Loop, "_predicted", asking)
        fit(TARGET, **options)
    assert len(parts) == 1
    assert same(fit(TARGET, **options), fit(TARGET, epochs=2, architecture=DROPOUT))


def test_a_training_that_is_done_is_not_trained_again(fit: Fit, tmp_path: Path) -> None:
    options = {"folder": tmp_path / "run", "epochs": 2, "architecture": PLAIN}
    first = fit(TARGET, **options)
    events: list[Event] = []
    again = fit(TARGET, listen=events.append, **options)
    assert same(first, again)
    assert not any(isinstance(event, EpochEnded) for event in events)


def test_a_checkpoint_of_another_recipe_is_refused(fit: Fit, tmp_path: Path) -> None:
    fit(TARGET, folder=tmp_path / "run", epochs=1, architecture=PLAIN)
    with pytest.raises(IntegrityError, match="variables of other shapes"):
        fit(TARGET, folder=tmp_path / "run", epochs=2, architecture=DROPOUT)
    with pytest.raises(IntegrityError, match="it has seed 7, the recipe 8"):
        fit(TARGET, folder=tmp_path / "run", epochs=2, seed=8, architecture=PLAIN)


def test_a_second_signal_acts_at_once(interruptible: None) -> None:
    from atb.interrupt import Interruption

    before = signal.getsignal(signal.SIGINT)
    with Interruption() as stop:
        assert not stop.requested
        os.kill(os.getpid(), signal.SIGINT)
        assert stop.requested
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before
