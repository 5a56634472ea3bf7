"""Fits a learner of flattened windows, one part for each horizon, and makes one network of them.

Knows the parts' contract, not how any of them learns: `atb.tabular.<architecture>` does.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path

import keras
import numpy as np
import numpy.typing as npt
import skops.io
from keras import layers
from sklearn.base import clone
from threadpoolctl import threadpool_limits

from atb.config.tabular import AnyTabular
from atb.config.targets import Target
from atb.dataset.build import Dataset
from atb.dataset.learner import Epoch, Fitted, Quantiles
from atb.errors import DataError
from atb.tabular.answers import BATCH, predictor
from atb.tabular.moments import flattened
from atb.tabular.part import Lesson, Part, Sample, Solve
from atb.tabular.scores import scores

Int64 = npt.NDArray[np.int64]


@dataclass(frozen=True)
class TabularLearner:
    """Learns from flattened windows; see `atb.dataset.learner.Learner`.

    Attributes:
        spec: which learner, and how it learns.
        target: what is predicted.
        seed: of everything random.
        embargo: rows left out beyond the purge where train windows are divided again.
    """

    spec: AnyTabular
    target: Target
    seed: int
    embargo: int

    def fit(self, dataset: Dataset) -> Fitted:
        """Fit each horizon on train windows, stop and choose on validation windows.

        Raises:
            DataError: when a class came true after none of the train windows.
        """
        started = time.perf_counter()
        solve: Solve = import_module(f"atb.tabular.{self.spec.architecture}").solve
        with threadpool_limits(1):
            parts = [solve(self.spec, self._lesson(dataset, k)) for k in _horizons(dataset)]
        network = joined(parts, self.target, (dataset.window, dataset.matrix.shape[1]))
        return self._fitted(network, parts, dataset, started)

    def _lesson(self, dataset: Dataset, k: int) -> Lesson:
        """All that is learned from, of one of the horizons."""
        classes = dataset.labels.classes
        train = _sample(dataset, dataset.split.train, k)
        _require_every_class(train, classes)
        validation = _sample(dataset, dataset.split.validation, k)
        return Lesson(train, validation, classes, self.embargo, self.seed)

    def _fitted(
        self, network: keras.Model, parts: Sequence[Part], dataset: Dataset, started: float
    ) -> Fitted:
        split = dataset.split
        predict = predictor(keras.Model(network.input, network.outputs[0]), dataset)
        train, validation = (
            scores(dataset, ends, predict(ends)) for ends in (split.train, split.validation)
        )
        seconds = time.perf_counter() - started
        loss = validation.pop("loss")
        return Fitted(
            model=network,
            predict=predict,
            history=(Epoch(1, train["loss"], loss, 0.0, seconds, True, validation),),
            best_epoch=1,
            reason=_reason(parts, self.target),
            parameters=sum(part.parameters for part in parts),
            means={
                "precision": "float32",
                "precision_reason": "estimators answer in it, whatever they were fitted in",
                "devices": 1,
                "batch": BATCH,
                "accumulation": 1,
            },
            files={"model.skops": partial(_write, parts, self.target)},
            quantiles=_quantiles(network, parts[0], dataset),
        )


def joined(parts: Sequence[Part], target: Target, window: tuple[int, int]) -> keras.Model:
    """One network of all horizons' parts.

    Args:
        parts: of each horizon, in order.
        target: names the output.
        window: rows and features of the input.

    Returns:
        `[B, rows, features]` scaled features to `[B, K * L]` float32 raw output; where the first
        part knows quantiles, to a list of that and of `[B, Q + S]`.
    """
    inputs = keras.Input(window, name="features")
    flat = layers.Flatten(name="flatten")(inputs)
    answers = [part.raw(flat) for part in parts]
    # A layer of a name, though of one part there is nothing to join.
    named = layers.Activation("linear", dtype="float32", name=f"{target.output}_head")
    raw = named(answers[0] if len(answers) == 1 else layers.Concatenate(dtype="float32")(answers))
    known = parts[0].quantiles
    return keras.Model(inputs, raw if known is None else [raw, known.of(flat)], name="tabular")


def _horizons(dataset: Dataset) -> range:
    return range(dataset.target.shape[1])


def _sample(dataset: Dataset, ends: Int64, k: int) -> Sample:
    actual = dataset.target[ends, k].astype(np.float64)
    return Sample(flattened(dataset, ends), actual, ends, dataset.labels.known_at[ends])


def _require_every_class(train: Sample, classes: int) -> None:
    absent = set(range(classes if classes > 1 else 0)) - set(train.actual.astype(int).tolist())
    if absent:
        raise DataError(
            f"class {min(absent)} came true after none of the {len(train.ends):,} train windows",
            remedy="give more data or another threshold",
        )


def _reason(parts: Sequence[Part], target: Target) -> str:
    if len(parts) == 1:
        return parts[0].reason
    told = zip(target.horizons, parts, strict=True)
    return "; ".join(f"horizon {horizon}: {part.reason}" for horizon, part in told)


def _quantiles(network: keras.Model, part: Part, dataset: Dataset) -> Quantiles | None:
    if part.quantiles is None:
        return None
    predict = predictor(keras.Model(network.input, network.outputs[1]), dataset)
    return Quantiles(part.quantiles.levels, part.quantiles.shortfall, predict)


def _write(parts: Sequence[Part], target: Target, path: Path) -> None:
    """The estimators of each horizon, to be fitted again.

    What they learned is in the graph. It stays out of this file: whoever reads one would have to
    trust what it says of the memory of trees.
    """
    kept = {
        str(horizon): {name: clone(one) for name, one in part.estimators.items()}
        for horizon, part in zip(target.horizons, parts, strict=True)
    }
    skops.io.dump(kept, path)
