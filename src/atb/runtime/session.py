"""A verified serving graph opened in onnxruntime, and what it says about its input."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import onnxruntime

from atb.backtest.predictions import FINITE, LAWS
from atb.clock import TIMEFRAMES
from atb.errors import IntegrityError
from atb.market.bonds.bonds import COLUMNS as DAYS
from atb.market.candles import COLUMNS
from atb.market.lob import book
from atb.registry import manifest
from atb.registry.integrity import verify
from atb.registry.onnx_shapes import BATCH
from atb.registry.served import FEATURES, QUANTILES, graph_of
from atb.runtime import pool
from atb.runtime.distribution import Levels, levels, require_possible
from atb.runtime.schema import require_agreement

if TYPE_CHECKING:  # recipes are not needed to serve
    from atb.config.targets import Output

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]

_WHOLE = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True)
class _Rows:
    """What a graph must say of the rows it takes.

    Attributes:
        columns: from how many there are to their names.
        facts: further properties it must have.
    """

    columns: Callable[[int], tuple[str, ...]]
    facts: tuple[str, ...]


# By market, which also names the input of its graphs.
ROWS: Mapping[str, _Rows] = {
    "candles": _Rows(lambda _count: COLUMNS, ("timeframe",)),
    "book": _Rows(lambda count: book.columns(count // len(book.SIDES)), ("clock", "every", "tick")),
    "bonds": _Rows(lambda _count: DAYS, ("timeframe", "coupon")),
}
UNITS: Mapping[str, Output] = {name: name for name in LAWS}


@dataclass(frozen=True)
class Session:
    """One serving graph, ready to run on one thread.

    Attributes:
        path: the graph's file.
        symbol: the market it was trained on.
        market: what its rows are: `candles`, a `book` or `bonds`.
        columns: names of a raw row's C columns.
        says: all that the graph says of itself, by name.
        rows: raw rows one window needs, lookback included.
        max_gap: missing bars a window may contain.
        unit: what the graph's signal is, and the name of that output, see `atb.config.targets`.
        width: F, the features of the last row that a second output gives; None for no such output.
        levels: of the quantiles that a third output gives; None for no such output.
        single: whether it takes one window at a time, as one must that measures ranges of numbers
            in what it is given: several at once would answer for each other.
    """

    path: Path
    symbol: str
    market: str
    columns: tuple[str, ...]
    says: Mapping[str, str]
    rows: int
    max_gap: int
    unit: Output
    width: int | None
    levels: Levels | None
    single: bool
    _session: onnxruntime.InferenceSession

    @classmethod
    def open(cls, model: Path, graph: str | None = None) -> Session:
        """Verify a model's folder, then open one of its graphs.

        The bytes that are opened are those whose SHA-256 the manifest knows, whatever becomes of
        the file meanwhile.

        Args:
            model: the model's folder.
            graph: name of the graph's file in it; by default the one that the model serves.

        Raises:
            IntegrityError: when a file is not what the manifest says, or the graph is no plain
                one, cannot be read, or is not what it says about itself.
        """
        entries = verify(model)
        name = graph or graph_of(model)
        path = model / name
        session = pool.shared(_content(model, name, entries), str(path))
        says = _Properties(path, session.get_modelmeta().custom_metadata_map)
        rows = says.number("window") + says.number("lookback")
        market, columns = says.rows()
        _require_input(session, (market, "tensor(float)", [rows, len(columns)]), path)
        unit, width, quantiles = _outputs(session, path)
        require_agreement(model, entries, says.values, width)
        return cls(
            path,
            says.text("symbol"),
            market,
            columns,
            says.values,
            rows,
            says.number("max_gap"),
            UNITS[unit],
            width,
            None if quantiles is None else levels(says.values, quantiles, path),
            session.get_inputs()[0].shape[0] == 1,
            session,
        )

    def run(self, windows: Float32) -> Float64:
        """`[B, rows, C]` float32 raw rows to float64 in `unit`, for the horizon that is traded.

        Returns:
            `[B]`, or `[B, 3]` probabilities of down, flat and up.

        Raises:
            IntegrityError: when an answer is not a finite number, or none that the unit knows.
        """
        (signal,) = self._asked([self.unit], windows)
        return self._checked(signal, len(windows))

    def observe(self, windows: Float32) -> tuple[Float64, Float32]:
        """The same, and the features the graph computed of each window's last row.

        Returns:
            What `run` returns, and `[B, F]` float32 unscaled features.

        Raises:
            IntegrityError: when the graph gives no features, or as `run` does.
        """
        if self.width is None:
            raise _error("the graph does not give the features it computes", self.path)
        signal, features = self._asked([self.unit, FEATURES], windows)
        return self._checked(signal, len(windows)), features

    def distribution(self, windows: Float32) -> Float64:
        """`[B, rows, C]` float32 raw rows to quantiles in `unit`, for the horizon that is traded.

        Returns:
            `[B, Q + S]` as `levels` says: quantiles, none below the one before, then means of what
            lies below the first S.

        Raises:
            IntegrityError: when the graph gives none, or such as cannot be.
        """
        if self.levels is None:
            raise _error("the graph does not give quantiles", self.path, "take another model")
        (answered,) = self._asked([QUANTILES], windows)
        answers = answered.astype(np.float64)
        require_possible(answers, self.levels, self.path)
        return answers

    def _asked(self, outputs: list[str], windows: Float32) -> list[Float32]:
        """These outputs for all windows, of which one or `BATCH` are asked at once.

        What a graph takes of memory is known for these two numbers of windows, see `onnx_shapes`.
        """
        size = 1 if self.single or len(windows) == 1 else BATCH
        parts = [self._run(outputs, windows[i : i + size]) for i in range(0, len(windows), size)]
        return [np.concatenate(output) for output in zip(*parts, strict=True)]

    def _run(self, outputs: list[str], windows: Float32) -> list[Float32]:
        """These outputs for one window, or for up to `BATCH`, of which the last is repeated."""
        count = len(windows)
        if count > 1:
            windows = windows[np.minimum(np.arange(BATCH), count - 1)]
        try:
            answered: list[Float32] = self._session.run(outputs, {self.market: windows})
        except pool.REFUSALS as error:
            reason = str(error).splitlines()[0]
            raise _error(f"onnxruntime cannot run the graph: {reason}", self.path) from error
        for name, answers in zip(outputs, answered, strict=True):
            if answers.shape[:1] != windows.shape[:1]:
                shape = list(answers.shape)
                raise _error(f"it answers {len(windows)} windows of {name} with {shape}", self.path)
        return [answers[:count] for answers in answered]

    def _checked(self, signal: Float32, windows: int) -> Float64:
        """The horizon that is traded, if all of it can be an answer."""
        classes = 3 if self.unit == "probabilities" else 1
        if signal.size % (windows * classes):
            shape = list(signal.shape)
            raise _error(f"it answers {windows} windows of {self.unit} with {shape}", self.path)
        rows: Float64 = signal.reshape(windows, -1, classes)[:, 0].astype(np.float64)
        for what, found in (FINITE, *LAWS[self.unit]):
            wrong = int(found(rows).sum())
            if wrong:
                raise _error(
                    f"it answers {wrong} of {windows} windows with what is {what}",
                    self.path,
                    "check the data with: atb data check",
                )
        return rows if classes > 1 else rows[:, 0]


@dataclass(frozen=True)
class _Properties:
    """What a graph says about itself, read strictly."""

    path: Path
    values: Mapping[str, str]

    def text(self, name: str) -> str:
        if name not in self.values:
            raise _error(f"the graph does not say its {name!r}", self.path)
        return self.values[name]

    def number(self, name: str) -> int:
        text = self.text(name)
        if not _WHOLE.fullmatch(text):
            raise _error(f"the graph says {name} {text[:100]!r}, not a whole number", self.path)
        return int(text)

    def rows(self) -> tuple[str, tuple[str, ...]]:
        """The market and the columns of its rows, just as they are in a history."""
        market, columns = self.text("market"), self.text("columns")
        if market not in ROWS:
            raise _error(f"the graph says market {market!r}, not one of {list(ROWS)}", self.path)
        known = ROWS[market]
        for name in known.facts:
            text = self.text(name)
            if name == "timeframe" and text not in TIMEFRAMES:
                what = (
                    f"the graph says timeframe {text[:100]!r}, not one of {', '.join(TIMEFRAMES)}"
                )
                raise _error(what, self.path)
        expected = ",".join(known.columns(columns.count(",") + 1))
        if columns != expected:
            raise _error(f"the graph says columns {columns!r}, not {expected!r}", self.path)
        return market, tuple(columns.split(","))


def _content(model: Path, name: str, entries: Mapping[str, manifest.Entry]) -> bytes:
    """A graph's bytes, which are those that the manifest of its whole folder speaks of."""
    if name not in entries:
        raise _error(f"the model has no {name!r}, only {', '.join(entries)}", model)
    content = (model / name).read_bytes()
    if hashlib.sha256(content).hexdigest() != entries[name].sha256:
        raise _error("the file was changed while it was read", model / name, manifest.REMEDY)
    return content


def _require_input(
    session: onnxruntime.InferenceSession, expected: tuple[str, str, list[int]], path: Path
) -> None:
    """Nothing, if the graph's only input is the one expected."""
    inputs = [(one.name, one.type, one.shape[1:]) for one in session.get_inputs()]
    if inputs != [expected]:
        raise _error(f"the graph takes {inputs}, not {[expected]}", path)


def _outputs(
    session: onnxruntime.InferenceSession, path: Path
) -> tuple[str, int | None, int | None]:
    """What the graph gives: a signal in a known unit, perhaps so many features and quantiles."""
    signal, *others = session.get_outputs()
    names = [signal.name, *(one.name for one in others)]
    if signal.name not in UNITS or names[1:] != [FEATURES, QUANTILES][: len(others)]:
        raise _error(
            f"the graph gives {names}, not one of {list(UNITS)} and {FEATURES}, {QUANTILES}", path
        )
    widths = {one.name: [None, *one.shape][-1] for one in others}
    return signal.name, widths.get(FEATURES), widths.get(QUANTILES)


def _error(what: str, path: Path, remedy: str = "train the model again") -> IntegrityError:
    return IntegrityError(what, where=str(path), remedy=remedy)
