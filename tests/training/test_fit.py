from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from atb.config.architectures import ConvRecurrent
from atb.config.dataset import DatasetSpec
from atb.config.optimisation import Optimisation
from atb.config.targets import DirectionTarget, ReturnTarget, Target
from atb.errors import DivergedError
from atb.events import EpochEnded, Event
from atb.targets.labels import Labels

pytestmark = pytest.mark.usefixtures("tensorflow_ready")

N, WINDOW = 1200, 8
SMALL = ConvRecurrent(filters=(8,), pool=(2,), units=(8,), dense=(8,), dropout=0.1)


def dataset(binary: bool = False, noise: float = 0.1) -> Any:
    """A planted relation: the label is the last row's first feature, plus noise."""
    from atb.dataset.build import build

    rng = np.random.default_rng(0)
    matrix = rng.normal(size=(N, 3)).astype(np.float32)
    value = matrix[:, 0] + rng.normal(size=N) * noise
    known_at = np.arange(N) + 1
    labels = Labels((value > 0).astype(float) if binary else value, known_at, scaled=not binary)
    spec = DatasetSpec(scaler="standard", embargo=2)
    return build(matrix, labels, np.zeros(N, int), WINDOW, 0, spec)


def fit(target: Target, listen: Any = lambda event: None, data: Any = None, **options: Any) -> Any:
    from atb.training.fit import NetworkLearner

    spec = Optimisation(**{"epochs": 12, "batch": 32, "learning_rate": 1e-2, **options})
    learner = NetworkLearner(SMALL, target, spec, listen)
    return learner.fit(dataset(isinstance(target, DirectionTarget)) if data is None else data)


def test_a_planted_relation_is_learned_and_reported() -> None:
    events: list[Event] = []
    fitted = fit(ReturnTarget(), events.append)
    data = dataset()
    test = data.split.test
    error = fitted.predict(test) - data.target[test]
    assert np.mean(error**2) < 0.3  # the label's own variance is 1, the noise's 0.01

    epochs = [event for event in events if isinstance(event, EpochEnded)]
    assert [event.epoch for event in epochs] == [record.epoch for record in fitted.history]
    assert all(event.epochs == 12 for event in epochs)
    best = min(fitted.history, key=lambda record: record.validation_loss)
    assert fitted.best_epoch == best.epoch


def test_the_weights_are_those_of_the_best_epoch() -> None:
    data = dataset()
    fitted = fit(ReturnTarget(), data=data)
    validation = data.split.validation
    loss = np.mean((fitted.predict(validation) - data.target[validation]) ** 2)
    assert loss == pytest.approx(fitted.history[fitted.best_epoch - 1].validation_loss, rel=1e-4)


def test_direction_is_learned_as_a_logit() -> None:
    data = dataset(binary=True)
    fitted = fit(DirectionTarget(), data=data)
    test = data.split.test
    probability = data.served(fitted.predict(test))
    assert ((probability > 0.5) == (data.labels.value[test] > 0.5)).mean() > 0.85
    assert probability.min() >= 0 and probability.max() <= 1


def test_the_same_seed_gives_the_same_weights_and_another_does_not() -> None:
    first, second = (fit(ReturnTarget(), epochs=2, seed=5) for _ in range(2))
    other = fit(ReturnTarget(), epochs=2, seed=6)
    pairs = zip(first.model.get_weights(), second.model.get_weights(), strict=True)
    assert all(a.tobytes() == b.tobytes() for a, b in pairs)
    assert first.history[-1].loss != other.history[-1].loss


def test_training_stops_when_validation_no_longer_improves() -> None:
    fitted = fit(ReturnTarget(), epochs=60, patience=2, learning_rate=0.05)
    assert len(fitted.history) == fitted.best_epoch + 2
    assert fitted.reason == "no better validation loss for 2 epochs"
    assert fit(ReturnTarget(), epochs=1).reason == "all 1 epochs done"


def test_a_loss_that_is_no_number_stops_the_run() -> None:
    data = dataset()
    data.target[data.split.train[5]] = np.nan
    with pytest.raises(DivergedError, match="training loss became nan in epoch 1"):
        fit(ReturnTarget(), data=data)


def test_a_validation_loss_that_is_no_number_stops_the_run() -> None:
    data = dataset()
    data.target[data.split.validation[5]] = np.inf
    with pytest.raises(DivergedError, match="validation loss became"):
        fit(ReturnTarget(), data=data)


def test_training_never_reads_test_rows() -> None:
    data, poisoned = dataset(), dataset()
    poisoned.matrix[poisoned.split.test[0] :] = np.nan
    poisoned.target[poisoned.split.test[0] :] = np.nan
    for clean, dirty in zip(
        fit(ReturnTarget(), data=data, epochs=2).model.get_weights(),
        fit(ReturnTarget(), data=poisoned, epochs=2).model.get_weights(),
        strict=True,
    ):
        assert clean.tobytes() == dirty.tobytes()


def test_no_window_comes_twice_in_an_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted inside Keras's own loop, where several batches run at once and some are left out."""
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
    data = dataset()
    data.matrix[:, 0] = np.arange(N) / 1000  # every window ends in a value of its own

    def next_epoch(event: Event) -> None:
        if isinstance(event, EpochEnded):
            seen.append([])

    fit(ReturnTarget(), next_epoch, data, epochs=3, batch=3, learning_rate=1e-6)
    epochs = [epoch for epoch in seen if epoch]
    whole = len(data.split.train)
    assert len(epochs) == 3
    assert all(0.98 * whole < len(set(epoch)) == len(epoch) < whole for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 3


@pytest.mark.parametrize(
    ("batches", "steps", "together"),
    [(1, 1, 1), (7, 7, 7), (8, 8, 8), (15, 15, 5), (191, 190, 5), (209, 208, 8), (2000, 2000, 8)],
)
def test_an_epoch_leaves_out_at_most_a_hundredth(batches: int, steps: int, together: int) -> None:
    from atb.training.fit import _steps

    assert _steps(batches) == (steps, together)
