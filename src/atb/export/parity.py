"""Whether an ONNX file says what its Keras model says, on real windows, at several batch sizes.

Knows two functions of the same rows, not how either was made.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeAlias

import keras
import numpy as np
import numpy.typing as npt
import onnxruntime

from atb.errors import IntegrityError
from atb.export import splits
from atb.export.graph import output_scale
from atb.export.outputs import by_name
from atb.export.session import opened
from atb.export.splits import SCALING, Seen
from atb.registry import onnx_file
from atb.registry.served import FEATURES

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]
Answers: TypeAlias = dict[str, Float64]

BATCHES = (1, 7, 256)
TOLERANCE = 1e-5
MOST_TURNED = 0.05  # of the answers
REMEDY = "do not use this model; export it again"


@dataclass(frozen=True)
class Parity:
    """How far an ONNX file is from its Keras model.

    Attributes:
        windows: windows compared, at each batch size.
        batches: the batch sizes.
        max_difference: largest difference of the served output: log return or probability.
        max_standardised_difference: the same in units of the target's standard deviation, in which
            the network is fitted. Hourly returns are of the order of 1e-3, so that a tolerance in
            their own unit would let an error of a percent of a deviation pass; equal to
            `max_difference` for a probability.
        max_feature_difference: largest difference of the features, scaled as the network sees them,
            as a share of their size where that is above 1; 0 where the model computes none.
        tolerance: no difference is larger.
        turned: share of windows that a tree answers otherwise in Keras, as one of their numbers
            lies on the other side of a split by rounding. Otherwise trees are compared from the
            windows on that ONNX computed, see `splits.py`, and the windows like features.
    """

    windows: int
    batches: tuple[int, ...]
    max_difference: float
    max_standardised_difference: float
    max_feature_difference: float
    tolerance: float
    turned: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """The fields, ready for JSON."""
        return {**asdict(self), "batches": list(self.batches)}


def check(serving: keras.Model, path: Path, windows: Float32) -> Parity:
    """Compare an ONNX file, on one thread, with the model it was exported from.

    Args:
        serving: the model, from `atb.export.graph.serving_model`.
        path: the ONNX file.
        windows: `[n, window + lookback, C]` float32 raw rows.

    Raises:
        IntegrityError: when a difference exceeds `TOLERANCE`, the shapes differ, one is a finite
            number where the other is not, or none of the numbers is finite.
    """
    content = onnx_file.read(path)
    cut = splits.seen(serving, content)
    expected = _said(by_name(serving), windows)
    if cut is not None:
        expected |= _said(cut.front, windows)
    session = opened(content if cut is None else cut.content)
    found = [
        _differences(serving, cut, expected, actual, windows, f"{path}, batch {batch}")
        for batch in BATCHES
        if (actual := _outputs(session, list(expected), windows, batch))
    ]
    signal, standardised, of_features, turned = np.max(found, axis=0).tolist()
    parity = Parity(len(windows), BATCHES, signal, standardised, of_features, TOLERANCE, turned)
    _require_close(parity, str(path))
    return parity


def _require_close(parity: Parity, where: str) -> None:
    signal, standardised = parity.max_difference, parity.max_standardised_difference
    if max(signal, standardised) > TOLERANCE:
        raise IntegrityError(
            f"ONNX and Keras differ by {signal:.1e}, which is {standardised:.1e} of the target's "
            f"standard deviation; {TOLERANCE:.0e} is allowed",
            where=where,
            remedy=REMEDY,
        )
    if parity.max_feature_difference > TOLERANCE:
        raise IntegrityError(
            f"ONNX and Keras differ by {parity.max_feature_difference:.1e} in a scaled feature; "
            f"{TOLERANCE:.0e} is allowed",
            where=where,
            remedy=REMEDY,
        )
    if parity.turned > MOST_TURNED:
        raise IntegrityError(
            f"rounding of features turns {parity.turned:.1%} of the answers, {MOST_TURNED:.0%} is "
            "allowed",
            where=where,
            remedy="take fewer trees, or larger leaves",
        )


def _said(model: keras.Model, rows: Any) -> Answers:
    """What Keras says, by name."""
    said = model.predict(rows, batch_size=max(BATCHES), verbose=0)
    return {name: answer.astype(np.float64) for name, answer in said.items()}


def _differences(
    serving: keras.Model,
    cut: Seen | None,
    expected: Answers,
    actual: Answers,
    rows: Float32,
    where: str,
) -> tuple[float, float, float, float]:
    """Largest differences of what is served, of the same standardised and of scaled features.

    And the share of answers that rounding of features turned.
    """
    scales, turned, of_windows = _scales(serving), 0.0, 0.0
    if cut is not None:
        given = actual[cut.windows]
        size = np.maximum(1.0, np.abs(expected[cut.windows]))
        of_windows = float(_difference(expected[cut.windows] / size, given / size, where).max())
        told = _said(cut.rest, [given.astype(np.float32), rows])
        moved = np.zeros(len(rows), bool)
        for name, scale in scales.items():
            far = np.abs(told[name] - expected[name]) / scale > TOLERANCE
            moved |= far.reshape(len(rows), -1).any(axis=1)
        turned, expected = float(moved.mean()), expected | told
    signals = {name: _difference(expected[name], actual[name], where) for name in scales}
    of_signal = (
        max(float(signal.max()) for signal in signals.values()),
        max(float((signals[name] / scale).max()) for name, scale in scales.items()),
    )
    if FEATURES not in expected:
        return *of_signal, of_windows, turned
    unit = np.abs(np.asarray(serving.get_layer(SCALING).scale, np.float64))
    unit = unit / np.maximum(1.0, np.abs(expected[FEATURES] * unit))
    features = _difference(expected[FEATURES] * unit, actual[FEATURES] * unit, where)
    return *of_signal, max(of_windows, float(features.max())), turned


def _scales(serving: keras.Model) -> dict[str, Float64]:
    """By output, what one standard deviation of it is: of each horizon, quantiles of the first."""
    scale = output_scale(serving)
    signal, *others = serving.output_names
    return {signal: scale, **dict.fromkeys(others, np.ravel(scale)[:1])}


def open_session(path: Path) -> onnxruntime.InferenceSession:
    """An ONNX file opened on one thread.

    Raises:
        IntegrityError: when it is no plain graph, and so could not be served either.
    """
    return opened(onnx_file.read(path))


def _outputs(
    session: onnxruntime.InferenceSession, names: list[str], windows: Float32, batch: int
) -> Answers:
    given = [output.name for output in session.get_outputs()]
    if set(given) != set(names):
        raise IntegrityError(f"ONNX gives {given}, Keras {names}", remedy=REMEDY)
    source = session.get_inputs()[0].name
    starts = range(0, len(windows), batch)
    parts = [session.run(names, {source: windows[i : i + batch]}) for i in starts]
    columns = (np.concatenate(part).astype(np.float64) for part in zip(*parts, strict=True))
    return dict(zip(names, columns, strict=True))


def _difference(expected: Float64, actual: Float64, where: str) -> Float64:
    """Largest absolute difference of the finite numbers, for each output of a window."""
    if actual.shape != expected.shape:
        raise IntegrityError(
            f"ONNX answers with shape {actual.shape}, Keras with {expected.shape}",
            where=where,
            remedy="give the network a longer window",
        )
    finite = np.isfinite(expected)
    disagreeing = int((finite != np.isfinite(actual)).sum())
    if disagreeing or not finite.any():
        raise IntegrityError(
            f"{int((~finite).sum())} of {expected.size} Keras outputs are not finite, and "
            f"{disagreeing} differ from ONNX in that",
            where=where,
            remedy="check the data of these windows with: atb data check",
        )
    difference = np.abs(np.where(finite, actual - expected, 0.0))
    largest: Float64 = difference.max(axis=0)
    return largest
