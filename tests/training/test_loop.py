"""A training that is interrupted anywhere ends in the same bits as one that is not."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from atb.config.architectures import ConvRecurrent
from atb.config.optimisation import AdamW, Cosine, Plateau, Regularisation
from atb.config.targets import DirectionTarget
from atb.errors import IntegrityError, StoppedError
from atb.events import EpochEnded, Event

Fit = Callable[..., Any]

TARGET = DirectionTarget()
RECIPES = {
    "plateau": {
        "schedule": Plateau(patience=1),
        "optimizer": AdamW(clip_norm=1.0),
        "regularisation": Regularisation(jitter=0.1, scaling=0.1, label_smoothing=0.1),
    },
    "cosine": {"schedule": Cosine(warmup=1)},
}
DROPOUT = ConvRecurrent(filters=(8,), pool=(2,), units=(8, 4), dense=(8,), dropout=0.3)


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
    options = {"epochs": 4, "architecture": DROPOUT, **RECIPES[recipe]}
    whole = fit(TARGET, **options)
    stop_every(steps, monkeypatch)
    pieces, stops = fit_in_pieces(fit, tmp_path / "run", **options)
    assert stops >= 3
    assert same(whole, pieces)


def test_early_stopping_goes_on_counting(
    fit: Fit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = {"epochs": 60, "patience": 3, "learning_rate": 0.05}
    whole = fit(TARGET, **options)
    assert whole.reason.startswith("no better") and whole.best_epoch > 1
    stop_every(5, monkeypatch)
    pieces, _ = fit_in_pieces(fit, tmp_path / "run", **options)
    assert same(whole, pieces) and pieces.best_epoch == whole.best_epoch


def test_a_checkpoint_in_the_middle_of_an_epoch_is_taken_up(
    fit: Fit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after kill -9: the last regular checkpoint is all there is."""
    from atb.training import loop

    whole = fit(TARGET, epochs=3)
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
        fit(TARGET, folder=tmp_path / "run", epochs=3)
    names = sorted(path.name for path in (tmp_path / "run").iterdir())
    assert names[-1] == "000001-000000016"
    assert same(whole, fit(TARGET, folder=tmp_path / "run", epochs=3))


def test_how_often_it_returns_to_python_changes_nothing(
    fit: Fit, monkeypatch: pytest.MonkeyPatch
) -> None:
    from atb.training import loop

    eight = fit(TARGET, epochs=2)
    monkeypatch.setattr(loop, "STEPS_TOGETHER", 5)
    assert same(eight, fit(TARGET, epochs=2))


def test_a_training_that_is_done_is_not_trained_again(fit: Fit, tmp_path: Path) -> None:
    first = fit(TARGET, folder=tmp_path / "run", epochs=2)
    events: list[Event] = []
    again = fit(TARGET, folder=tmp_path / "run", epochs=2, listen=events.append)
    assert same(first, again)
    assert not any(isinstance(event, EpochEnded) for event in events)


def test_a_checkpoint_of_another_recipe_is_refused(fit: Fit, tmp_path: Path) -> None:
    fit(TARGET, folder=tmp_path / "run", epochs=1)
    with pytest.raises(IntegrityError, match="variables of other shapes"):
        fit(TARGET, folder=tmp_path / "run", epochs=2, architecture=DROPOUT)
    with pytest.raises(IntegrityError, match="it has seed 7, the recipe 8"):
        fit(TARGET, folder=tmp_path / "run", epochs=2, seed=8)


def test_a_second_signal_acts_at_once() -> None:
    from atb.training.interrupt import Interruption

    before = signal.getsignal(signal.SIGINT)
    with Interruption() as stop:
        assert not stop.requested
        os.kill(os.getpid(), signal.SIGINT)
        assert stop.requested
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before
