from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from atb.config.architectures import Mlp
from atb.config.optimisation import (
    Cosine,
    Exponential,
    Hardware,
    Plateau,
    Regularisation,
    Step,
)
from atb.config.targets import DirectionTarget, ReturnTarget, TernaryTarget
from atb.errors import DivergedError, ResourceError
from atb.events import EpochEnded, Event, Warned

Fit = Planted = Callable[..., Any]

PLAIN = Mlp(dense=(4,), dropout=0.0)
BALANCED = Regularisation(class_weights="balanced")
BATCHES, EPOCHS = 26, 4
LAST = BATCHES * EPOCHS - 1  # step of a training


def test_a_planted_relation_is_learned_and_reported(fit: Fit, planted: Planted) -> None:
    events: list[Event] = []
    data = planted()
    fitted = fit(data=data, listen=events.append)
    test = data.split.test
    error = fitted.predict(test) - data.target[test]
    assert np.mean(error**2) < 0.3  # the label's own variance is 1, the noise's 0.01

    epochs = [event for event in events if isinstance(event, EpochEnded)]
    assert [event.epoch for event in epochs] == [record.epoch for record in fitted.history]
    assert all(event.epochs == 12 for event in epochs)
    best = min(fitted.history, key=lambda record: record.validation_loss)
    assert fitted.best_epoch == best.epoch
    assert fitted.means["precision"] == "float32"


def test_the_weights_are_those_of_the_best_epoch(fit: Fit, planted: Planted) -> None:
    data = planted()
    fitted = fit(data=data)
    validation = data.split.validation
    loss = np.mean((fitted.predict(validation) - data.target[validation]) ** 2)
    assert loss == pytest.approx(fitted.history[fitted.best_epoch - 1].validation_loss, rel=1e-5)


@pytest.mark.parametrize("target", [DirectionTarget(), TernaryTarget()])
def test_classes_are_learned_as_logits_and_scored_each_epoch(
    fit: Fit, planted: Planted, target: Any
) -> None:
    data = planted(target)
    events: list[Any] = []
    fitted = fit(target, data, listen=events.append)
    test = data.split.test
    served = data.served(fitted.predict(test))[:, 0]
    decided = served.argmax(axis=1) if target.classes == 3 else served > 0.5
    assert (decided == data.labels.value[test, 0]).mean() > 0.8
    assert served.min() >= 0 and served.max() <= 1
    scores = [event.scores["macro_f1"] for event in events if isinstance(event, EpochEnded)]
    assert scores == [record.scores["macro_f1"] for record in fitted.history]
    assert scores[-1] > max(0.7, scores[0])


def test_several_horizons_are_learned_at_once(fit: Fit, planted: Planted) -> None:
    target = TernaryTarget(horizon=(1, 5))
    data = planted(target)
    fitted = fit(target, data)
    test = data.split.test
    assert fitted.predict(test).shape == (len(test), 6)
    decided = data.served(fitted.predict(test)).argmax(axis=-1)
    assert ((decided == data.labels.value[test]).mean(axis=0) > 0.8).all()


def test_the_same_seed_gives_the_same_weights_and_another_does_not(fit: Fit) -> None:
    first, second = (fit(epochs=2, seed=5) for _ in range(2))
    other = fit(epochs=2, seed=6)
    pairs = zip(first.model.get_weights(), second.model.get_weights(), strict=True)
    assert all(a.tobytes() == b.tobytes() for a, b in pairs)
    assert first.history[-1].loss != other.history[-1].loss


def test_training_stops_when_validation_no_longer_improves(fit: Fit) -> None:
    fitted = fit(epochs=60, patience=2, learning_rate=0.05)
    assert len(fitted.history) == fitted.best_epoch + 2
    assert fitted.reason == "no better validation loss for 2 epochs"
    assert fit(epochs=1).reason == "all 1 epochs done"


def test_better_means_better_by_more_than_min_delta(fit: Fit) -> None:
    fitted = fit(epochs=60, patience=3, min_delta=1e9)
    assert fitted.best_epoch == 1 and len(fitted.history) == 4


def test_a_plateau_lowers_the_learning_rate(fit: Fit) -> None:
    options = {"schedule": Plateau(patience=1, factor=0.5), "min_delta": 1e9}
    rates = [record.learning_rate for record in fit(epochs=4, **options).history]
    assert rates == pytest.approx([0.01, 0.01, 0.005, 0.0025], rel=1e-6)


def test_a_loss_that_is_no_number_stops_at_that_very_step(fit: Fit, planted: Planted) -> None:
    data = planted()
    data.target[data.split.train] = np.nan
    with pytest.raises(DivergedError, match=r"step 1 of 26: the training loss became nan in epoch"):
        fit(data=data)


def test_a_validation_loss_that_is_no_number_stops_the_run(fit: Fit, planted: Planted) -> None:
    data = planted()
    data.target[data.split.validation[5]] = np.inf
    with pytest.raises(DivergedError, match="validation loss became"):
        fit(data=data)


def test_training_never_reads_test_rows(fit: Fit, planted: Planted) -> None:
    data, poisoned = planted(), planted()
    poisoned.matrix[poisoned.split.test[0] :] = np.nan
    poisoned.target[poisoned.split.test[0] :] = np.nan
    for clean, dirty in zip(
        fit(data=data, epochs=2).model.get_weights(),
        fit(data=poisoned, epochs=2).model.get_weights(),
        strict=True,
    ):
        assert clean.tobytes() == dirty.tobytes()


def test_a_batch_in_parts_trains_as_the_whole_batch(fit: Fit) -> None:
    from atb.config.architectures import ConvRecurrent

    plain = ConvRecurrent(filters=(), pool=(), units=(8,), dense=(), dropout=0.0)
    whole = fit(epochs=2, architecture=plain)
    parts = fit(epochs=2, architecture=plain, hardware=Hardware(accumulation=4))
    for a, b in zip(whole.model.get_weights(), parts.model.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-4)
    assert parts.means["accumulation"] == 4


def test_out_of_memory_halves_what_is_computed_at_a_time(
    fit: Fit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A device that holds eight windows: batches of 32 end in four parts."""
    import tensorflow as tf

    from atb.training.loop import Loop

    events: list[Any] = []
    advance = Loop._advance

    def small_device(loop: Any, batches: Any) -> None:
        if loop.spec.batch // loop.spec.hardware.accumulation > 8:
            raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating")
        advance(loop, batches)

    monkeypatch.setattr(Loop, "_advance", small_device)
    fitted = fit(epochs=2, listen=events.append)
    assert fitted.means["accumulation"] == 4 and fitted.means["batch"] == 32
    warnings = [event.message for event in events if isinstance(event, Warned)]
    assert [warning.rsplit("computed in ")[-1] for warning in warnings] == [
        "2 parts of 16",
        "4 parts of 8",
    ]


def test_memory_that_never_suffices_ends_with_advice(
    fit: Fit, monkeypatch: pytest.MonkeyPatch
) -> None:
    import tensorflow as tf

    from atb.training.loop import Loop

    def full(loop: Any, batches: Any) -> None:
        raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating")

    monkeypatch.setattr(Loop, "_advance", full)
    with pytest.raises(ResourceError, match=r"for 4 windows at a time; .*--batch-size") as caught:
        fit(epochs=2)
    assert caught.value.exit_code == 6


def test_fewer_train_windows_than_parts_are_refused(fit: Fit, planted: Planted) -> None:
    data = planted()
    windows = len(data.split.train)
    message = f"a batch of {windows} windows cannot be cut into 1024 parts"
    with pytest.raises(ResourceError, match=message):
        fit(data=data, batch=2048, hardware=Hardware(accumulation=1024))


def test_more_devices_than_there_are_is_refused(fit: Fit) -> None:
    with pytest.raises(ResourceError, match="16 devices are asked for"):
        fit(hardware=Hardware(devices=16))


def test_augmentation_and_class_weights_reach_the_training(fit: Fit) -> None:
    target = DirectionTarget()
    plain = fit(target, epochs=1).history[0]
    jittered = fit(target, epochs=1, regularisation=Regularisation(jitter=0.5)).history[0]
    assert jittered.loss > plain.loss
    smooth = fit(target, epochs=1, regularisation=Regularisation(label_smoothing=0.4)).history[0]
    assert smooth.loss != plain.loss
    weighted = fit(target, epochs=1, regularisation=BALANCED).history[0]
    assert weighted.loss != plain.loss


def test_class_weights_are_counted_on_train_labels_alone(fit: Fit, planted: Planted) -> None:
    """By hand, in one step too small to move a weight of the network."""
    target = TernaryTarget()
    data = planted(target)
    train = data.split.train
    others = np.setdiff1d(np.arange(len(data.matrix)), train)
    data.labels.value[others] = 2.0
    still = {"epochs": 1, "batch": len(train), "learning_rate": 1e-12, "architecture": PLAIN}
    fitted = fit(target, data, regularisation=BALANCED, **still)

    labels = data.labels.value[train, 0].astype(int)
    weights = len(train) / (3 * np.bincount(labels))
    assert abs(weights - 1).max() > 0.1
    probabilities = data.served(fitted.predict(train))[:, 0]
    entropy = -np.log(probabilities[np.arange(len(train)), labels])
    assert fitted.history[0].loss == pytest.approx(np.mean(weights[labels] * entropy), rel=1e-5)


def test_a_batch_holds_no_more_than_all_train_windows(fit: Fit, planted: Planted) -> None:
    """Then each epoch is one step, whose loss is the mean over all of them."""
    data = planted()
    train = data.split.train
    still = {"epochs": 3, "learning_rate": 1e-12, "architecture": PLAIN}
    fitted = fit(data=data, batch=100_000, **still)
    assert fitted.means["batch"] == len(train)
    loss = np.mean((fitted.predict(train) - data.target[train]) ** 2)
    assert [epoch.loss for epoch in fitted.history] == pytest.approx([loss] * 3, rel=1e-5)


@pytest.mark.parametrize(
    ("schedule", "rate"),
    [
        (Step(size=2, gamma=0.1), lambda step: 0.1 ** (step // (2 * BATCHES))),
        (Exponential(gamma=0.5), lambda step: 0.5 ** (step // BATCHES)),
        (Cosine(), lambda step: (1 + np.cos(np.pi * min(step, LAST) / LAST)) / 2),
    ],
)
def test_the_learning_rate_of_a_training_follows_its_schedule(
    fit: Fit, monkeypatch: pytest.MonkeyPatch, schedule: Any, rate: Callable[[int], float]
) -> None:
    """The history has the rate of each epoch's last step; the optimiser is at the step after."""
    from atb.training import optimizer

    made: list[Any] = []
    build = optimizer.build

    def keeping(*given: Any) -> Any:
        made.append(build(*given))
        return made[-1]

    seen: list[float] = []

    def look(event: Event) -> None:
        if isinstance(event, EpochEnded):
            seen.append(float(made[-1].learning_rate))

    monkeypatch.setattr(optimizer, "build", keeping)
    options = {"epochs": EPOCHS, "learning_rate": 1e-2, "architecture": PLAIN}
    history = fit(schedule=schedule, listen=look, **options).history
    ends = [BATCHES * epoch for epoch in range(1, EPOCHS + 1)]
    assert seen == pytest.approx([1e-2 * rate(end) for end in ends], rel=1e-4, abs=1e-8)
    rates = [epoch.learning_rate for epoch in history]
    assert rates == pytest.approx([1e-2 * rate(end - 1) for end in ends], rel=1e-4, abs=1e-8)


def test_no_window_comes_twice_in_an_epoch(
    fit: Fit, planted: Planted, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counted inside the training step itself."""
    import keras
    import tensorflow as tf

    from atb.models import build

    seen: list[list[int]] = [[]]

    class Recorder(keras.layers.Layer):  # type: ignore[misc]
        def call(self, x: Any, training: bool = False) -> Any:
            if training:
                tf.py_function(
                    lambda rows: seen[-1].extend(rows.numpy().tolist()), [x[:, -1, 0]], []
                )
            return x

    def recording(spec: Any, target: Any, shape: Any) -> Any:
        inputs = keras.Input(shape)
        hidden = keras.layers.Flatten()(Recorder()(inputs))
        return keras.Model(inputs, keras.layers.Dense(1, kernel_initializer="zeros")(hidden))

    monkeypatch.setattr(build, "network", recording)
    data = planted()
    data.matrix[:, 0] = np.arange(len(data.matrix)) / 1000  # every window ends in its own value

    def next_epoch(event: Event) -> None:
        if isinstance(event, EpochEnded):
            seen.append([])

    fit(ReturnTarget(), data, listen=next_epoch, epochs=3, batch=5, learning_rate=1e-6)
    epochs = [epoch for epoch in seen if epoch]
    whole = len(data.split.train)
    assert len(epochs) == 3
    assert all(len(set(epoch)) == len(epoch) == whole // 5 * 5 for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 3
