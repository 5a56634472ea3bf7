"""What raw outputs are worth on given rows: the loss that networks are fitted by, without weights.

Knows labels and raw outputs, no model.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from atb.dataset.build import Dataset
from atb.evaluation.classification import likeliest, macro_f1

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]

LEAST = 1e-12  # of a probability, as in `atb.models.votes`


def scores(dataset: Dataset, ends: Int64, raw: Float64) -> dict[str, float]:
    """The loss of raw outputs `[M, K * L]` on the windows with these ends, mean over horizons.

    Of quantities it is the mean squared error of standardised values; of classes the cross-entropy
    in nats, and beside it are the accuracy and the macro F1 of the likeliest class.
    """
    if dataset.labels.classes == 1:
        return {"loss": float(np.square(errors(dataset, ends, raw)).mean())}
    served, actual = dataset.served(raw), dataset.labels.value[ends]
    loss = -np.log(np.maximum(hits(served, actual), LEAST)).mean()
    decided = [likeliest(served[:, k]) for k in range(actual.shape[1])]
    pairs = list(zip(actual.T, decided, strict=True))
    f1 = [macro_f1(came, said, dataset.labels.classes) for came, said in pairs]
    return {
        "loss": float(loss),
        "accuracy": float(np.mean([came == said for came, said in pairs])),
        "macro_f1": float(np.mean(f1)),
    }


def naive(dataset: Dataset, ends: Int64) -> dict[str, float]:
    """The same of what needs no model: the mean, or the frequency of each class, of train rows."""
    classes, labels = dataset.labels.classes, dataset.labels.value[dataset.split.train]
    if classes == 1:
        row = np.zeros(labels.shape[1])
    else:
        counts = np.stack([(labels == label).sum(axis=0) for label in range(classes)], axis=-1)
        logs = np.log(np.maximum(counts / len(labels), LEAST))
        row = (logs[:, 1] - logs[:, 0] if classes == 2 else logs).reshape(-1)
    return scores(dataset, ends, np.tile(row, (len(ends), 1)))


def errors(dataset: Dataset, ends: Int64, raw: Float64) -> Float64:
    """`[M, K]` raw outputs less what came true, standardised."""
    return raw - (dataset.labels.value[ends] - dataset.target_offset) / dataset.target_scale


def hits(served: Float64, actual: Float64) -> Float64:
    """The probability `[M, K]` that was given to the class `[M, K]` that came true.

    Args:
        served: `[M, K]` probabilities of the second of two classes, or `[M, K, 3]` of three.
        actual: index of the class.
    """
    if served.ndim == 2:
        return np.where(actual == 1, served, 1 - served)
    classes = actual.astype(np.int64)[..., np.newaxis]
    found: Float64 = np.take_along_axis(served, classes, axis=-1)[..., 0]
    return found
