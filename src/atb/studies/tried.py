"""What a trial came to on rows that are not test rows: its loss, that of a constant, its returns.

Needs TensorFlow, for the loss that is minimised; knows nothing of other trials.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from atb.backtest import hooks
from atb.backtest.predictions import Predictions
from atb.dataset.build import Dataset
from atb.learning import Learned
from atb.runs import Recipe
from atb.training import loss

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]


def validation_loss(learned: Learned) -> float:
    """The loss on validation windows of the epoch whose weights the model holds."""
    fitted = learned.fitted
    return fitted.history[fitted.best_epoch - 1].validation_loss


def naive_loss(recipe: Recipe, learned: Learned) -> float:
    """The lowest validation loss of a constant that needs no model.

    Of quantities it is no change, or the mean of train labels; of classes their shares among them.
    """
    dataset = learned.dataset
    split = dataset.split
    actual = dataset.target[split.validation]
    measure = loss.build(
        dataset.labels.classes,
        recipe.config.training.regularisation,
        dataset.labels.value[split.train],
    )
    losses = []
    for constant in _constants(dataset):
        raw = np.broadcast_to(constant, (len(actual), len(constant))).astype(np.float32)
        losses.append(float(np.mean(np.asarray(measure(actual, raw), np.float64))))
    return min(losses)


def _constants(dataset: Dataset) -> tuple[Float64, ...]:
    """Raw outputs `[K * L]` that need no model."""
    known, classes = dataset.target[dataset.split.train], dataset.labels.classes
    if classes == 1:
        unchanged = (0.0 - dataset.target_offset) / dataset.target_scale
        return unchanged, known.mean(axis=0, dtype=np.float64)
    counts = np.stack([(known == label).sum(axis=0) for label in range(classes)], axis=1)
    logits = np.log((counts + 1) / (len(known) + classes))  # one more of each: none is impossible
    return (logits[:, 1] - logits[:, 0] if classes == 2 else logits.ravel(),)


def returns(recipe: Recipe, learned: Learned, rows: Int64) -> Float64:
    """`[B]` net of costs, what predictions of windows with these ends would have earned."""
    config = recipe.config
    served = learned.served(learned.fitted.predict(rows))
    predictions = Predictions(rows, served[:, 0], config.target.output)
    spec = config.trading.over(config.target.horizons[0])
    return hooks.find(spec)(predictions, recipe.history, spec).steps
