"""How far one serving graph's answers are from another's, on the same windows.

Knows files and float arrays; what is close enough is for others.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from atb.export.session import opened
from atb.registry.served import FEATURES

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]

PROBABILITIES = ("probability", "probabilities")


@dataclass(frozen=True)
class Answers:
    """What a graph says of M windows.

    Attributes:
        unit: what its signal is, see `atb.config.targets`.
        signal: `[M]` float64, or `[M, 3]` probabilities, of the horizon that is traded.
        features: `[M, F]` float32 of the last rows.
    """

    unit: str
    signal: Float64
    features: Float32


@dataclass(frozen=True)
class Closeness:
    """Differences of answers.

    Attributes:
        unit: what they are counted in: the target's standard deviation, or probability.
        largest: of all windows.
        rms: root of the mean square.
        share: `rms` as a share of the standard deviation of the answers themselves, which for
            returns is far below the target's; infinite where they are all the same.
        turned: share of windows whose answer changed side: the sign of a quantity, which half a
            probability is in, the likeliest class.
        features: largest difference of a feature, as a share of its size where that is above 1.
    """

    unit: str
    largest: float
    rms: float
    share: float
    turned: float
    features: float

    def to_json(self) -> dict[str, Any]:
        """The fields, ready for JSON."""
        return asdict(self)


def answers(content: bytes, windows: Iterable[Float32]) -> Answers:
    """What a plain graph says of windows, on one thread.

    Args:
        content: the file.
        windows: batches of `[b, rows, C]` float32 raw rows; a graph that takes one window at a time
            is given them one by one.
    """
    session = opened(content)
    source, signal = session.get_inputs()[0], session.get_outputs()[0].name
    single = source.shape[0] == 1
    batches = (
        part for batch in windows for part in (np.split(batch, len(batch)) if single else [batch])
    )
    parts = [session.run([signal, FEATURES], {source.name: batch}) for batch in batches]
    signals, features = (np.concatenate(column) for column in zip(*parts, strict=True))
    by_horizon = signals.ndim == 3 or signal != "probabilities"
    return Answers(signal, (signals[:, 0] if by_horizon else signals).astype(np.float64), features)


def closeness(exact: Answers, small: Answers, scale: float) -> Closeness:
    """How far two graphs' answers to the same windows are apart.

    Args:
        exact: of the one graph.
        small: of the other.
        scale: standard deviation of the target on train rows, 1 for classes.
    """
    difference = (small.signal - exact.signal) / scale
    spread = float(np.sqrt(exact.signal.var(axis=0).mean())) / scale
    rms = float(np.sqrt((difference**2).mean()))
    moved = np.abs(small.features - exact.features) / np.maximum(1.0, np.abs(exact.features))
    return Closeness(
        "probability" if exact.unit in PROBABILITIES else "deviations",
        float(np.abs(difference).max()),
        rms,
        rms / spread if spread > 0 else float("inf"),
        float((_side(small) != _side(exact)).mean()),
        float(moved.max()),
    )


def _side(said: Answers) -> npt.NDArray[np.int64]:
    """`[M]` which way each answer points."""
    if said.signal.ndim > 1:
        likeliest: npt.NDArray[np.int64] = said.signal.argmax(axis=1)
        return likeliest
    return (said.signal > (0.5 if said.unit == "probability" else 0.0)).astype(np.int64)
