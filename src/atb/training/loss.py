"""What a training minimises: squared error of quantities, cross-entropy of classes.

Knows labels and raw outputs; it knows neither networks nor what a label means.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import keras
import numpy as np
import numpy.typing as npt
from keras import ops

from atb.config.optimisation import Regularisation
from atb.errors import DataError

Float64 = npt.NDArray[np.float64]
Tensor: TypeAlias = keras.KerasTensor
Loss = Callable[[Tensor, Tensor], Tensor]


def build(classes: int, spec: Regularisation, train: Float64) -> Loss:
    """The loss of each window, the mean over its horizons, in float32.

    Args:
        classes: how many a label can be, 1 for a quantity.
        spec: label smoothing and class weights.
        train: `[T, K]` labels of train rows; class weights are counted in each column.

    Returns:
        From targets `[B, K]` (standardised values, or indices of classes) and raw outputs
        `[B, K * L]`, horizon by horizon, to losses `[B]`. L is 3 for three classes, else 1.

    Raises:
        DataError: when class weights are asked for and a class is absent from `train`.
    """
    if classes == 1:
        return squared_error
    balanced = spec.class_weights == "balanced"
    weights = balanced_weights(train, classes) if balanced else np.ones((train.shape[1], classes))
    return _cross_entropy(weights.astype(np.float32), spec.label_smoothing)


def squared_error(targets: Tensor, raw: Tensor) -> Tensor:
    """Mean over horizons of the squared difference: `[B, K]` and `[B, K]` to `[B]`."""
    difference = ops.cast(raw, "float32") - ops.cast(targets, "float32")
    return ops.mean(ops.square(difference), axis=-1)


def balanced_weights(train: Float64, classes: int) -> Float64:
    """Weights `[K, classes]` by inverse frequency, n / (classes * count): 1 on average.

    After King and Zeng 2001, "Logistic Regression in Rare Events Data".

    Raises:
        DataError: when a class is absent.
    """
    counts = np.stack([(train == label).sum(axis=0) for label in range(classes)], axis=1)
    absent = np.argwhere(counts == 0)
    if len(absent):
        column, label = absent[0]
        raise DataError(
            f"class {label} is absent from all {len(train):,} train labels, so it has no weight",
            where=f"target, horizon {column + 1} of {train.shape[1]}",
            remedy="take more candles or another threshold, or set class_weights to none",
        )
    return len(train) / (classes * counts)


def _cross_entropy(weights: npt.NDArray[np.float32], smoothing: float) -> Loss:
    """Softmax cross-entropy from logits, times the weight of the window's class.

    A label keeps 1 - smoothing of itself and gives smoothing / classes to each class (Szegedy et
    al. 2016, section 7). One logit z of two classes is the pair (0, z), whose softmax is sigmoid.
    """
    horizons, classes = weights.shape

    def loss(targets: Tensor, raw: Tensor) -> Tensor:
        logits = ops.reshape(ops.cast(raw, "float32"), (-1, horizons, 3 if classes == 3 else 1))
        if classes == 2:
            logits = ops.concatenate([ops.zeros_like(logits), logits], axis=-1)
        labels = ops.one_hot(ops.cast(targets, "int32"), classes, dtype="float32")
        smooth = labels * (1.0 - smoothing) + smoothing / classes
        entropy = -ops.sum(smooth * ops.log_softmax(logits, axis=-1), axis=-1)
        return ops.mean(entropy * ops.sum(labels * weights, axis=-1), axis=-1)

    return loss
