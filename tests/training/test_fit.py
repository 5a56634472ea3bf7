from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from atb.config.optimisation import Hardware, Plateau, Regularisation
from atb.config.targets import DirectionTarget, ReturnTarget, TernaryTarget
from atb.errors import DivergedError, ResourceError
from atb.events import EpochEnded, Event, Warned

Fit = Planted = Callable[..., Any]


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


def test_a_batch_that_cannot_be_cut_is_refused(fit: Fit) -> None:
    with pytest.raises(ResourceError, match="a batch of 4 windows cannot be cut into 8 parts"):
        fit(batch=4, hardware=Hardware(accumulation=8))


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
