"""A registered model that answers bar by bar, or for a whole history at once.

Knows one model's folder and the order of bars; nothing of where bars come from, nor of what is done
with an answer. One thread at a time uses a predictor; many predictors share one session.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from atb.backtest.predictions import Predictions
from atb.clock import iso, now_ms, timeframe_ms
from atb.errors import GapError, IntegrityError, LateBarError, UnclosedBarError, UsageError
from atb.market.candle import Candle
from atb.market.candles import Candles
from atb.registry import promotion
from atb.registry.version import Version
from atb.runtime import scoring
from atb.runtime.session import Session
from atb.runtime.window import Window, require_possible, require_sound
from atb.workspace import Workspace

Float32 = npt.NDArray[np.float32]

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Answer:
    """What a model says at the close of one bar.

    Attributes:
        bar: open of the bar, ms UTC.
        output: in `unit`, of the horizon that is traded: a number, or probabilities of down, flat
            and up.
        unit: see `atb.config.targets`.
        version: `SYMBOL/NAME/VERSION` of the model.
        inputs: SHA-256 of the window's float32 bytes.
        features: `[F]` float32, unscaled, of the bar; None where the graph does not give them.
    """

    bar: int
    output: float | tuple[float, ...]
    unit: str
    version: str
    inputs: str
    features: Float32 | None


class Predictor:
    """One model at work on the bars of one market.

    Attributes:
        version: the model.
        session: its graph, shared with other predictors of the same graph.
        symbol: the market it was trained on.
        timeframe: length of a bar.
        rows: bars of a whole window.
    """

    def __init__(
        self,
        version: Version,
        session: Session,
        gap: Literal["reset", "raise"],
        clock: Callable[[], int],
        max_delay_ms: int | None,
    ) -> None:
        self.version, self.session = version, session
        self.symbol, self.timeframe = session.symbol, session.says["timeframe"]
        self.rows = session.rows
        self._step = timeframe_ms(self.timeframe)
        self._window = Window(self.rows, self._step)
        self._gap, self._clock, self._max_delay_ms = gap, clock, max_delay_ms

    @classmethod
    def load(cls, artifacts: str | Path, symbol: str, **how: Any) -> Predictor:
        """The promoted model of a symbol.

        Args:
            artifacts: the root under which models lie.
            symbol: the market, for example `BTCUSDT`.
            how: as in `of`.

        Raises:
            UsageError: when none is promoted.
            IntegrityError: when it is not as it was promoted, or as `of` does.
        """
        predictor = cls.of(promotion.promoted(Workspace(Path(artifacts)), symbol), **how)
        if predictor.symbol != symbol:
            raise IntegrityError(
                f"it was promoted for {symbol}, its graph says {predictor.symbol}",
                where=str(predictor.version.path),
                remedy=f"atb models rollback {symbol}",
            )
        return predictor

    @classmethod
    def of(
        cls,
        version: Version,
        *,
        graph: str | None = None,
        gap: Literal["reset", "raise"] = "reset",
        clock: Callable[[], int] = now_ms,
        max_delay_ms: int | None = None,
    ) -> Predictor:
        """Any registered model of candles.

        Args:
            version: the model; every checksum is verified before anything is parsed.
            graph: name of the graph's file in its folder; by default the one that the model serves.
            gap: what a gap longer than a window may have does: the window begins anew (`reset`),
                and a `GapError` says so (`raise`).
            clock: the present by the market's clock, ms UTC.
            max_delay_ms: a bar that comes later than this after its close is a `LateBarError`;
                None takes any.

        Raises:
            IntegrityError: when the folder is not what its manifest says, or the graph is unsafe,
                or not what it, the metadata or the profile say.
            UsageError: when it is no model of candles.
        """
        session = Session.open(version.path, graph)
        if session.market != Candles.kind:
            raise UsageError(
                f"the model takes rows of a {session.market}, bars are {Candles.kind}",
                where=version.reference,
                remedy="name a model of candles",
            )
        return cls(version, session, gap, clock, max_delay_ms)

    @property
    def newest(self) -> int | None:
        """Open of the newest bar taken, ms UTC; None before the first."""
        return self._window.newest

    @property
    def missing(self) -> int:
        """Bars until the window is whole."""
        return self._window.missing

    def predict(self, candles: Candles) -> Predictions:
        """What the model says at each bar that ends a whole window; the stream is left alone.

        Raises:
            DataError: when these are other rows than the model knows, damaged or in disorder, or
                no window is whole.
            IntegrityError: when the graph does not answer with finite numbers.
        """
        require_sound(candles)
        return scoring.predictions(self.session, candles)

    def warm(self, candles: Candles) -> None:
        """Take history into the window, without answers.

        Gaps longer than a window may have begin it anew; bars not newer than `newest` are skipped.

        Raises:
            DataError: when these are other rows than the model knows, damaged or in disorder, or
                lie between the bars taken before; none is taken.
            UnclosedBarError: when the last one is not closed; none is taken.
        """
        scoring.require_known(self.session, candles)
        require_sound(candles)
        if not len(candles):
            return
        self._require_closed(int(candles.time[-1]))
        newer = 0 if self.newest is None else int(np.searchsorted(candles.time, self.newest + 1))
        for row in range(max(newer, len(candles) - self.rows), len(candles)):
            self._take(candles.bar(row))

    def update(self, candle: Candle) -> Answer | None:
        """Take a bar that just closed, and answer from the window it ends.

        Returns:
            None while the window is not whole.

        Raises:
            DamagedBarError, DuplicateBarError, OutOfOrderBarError, UnclosedBarError: the bar is
                not taken.
            GapError: the window begins anew with it.
            LateBarError: it is taken.
            IntegrityError: it is taken, and the graph does not answer with finite numbers.
        """
        require_possible(candle)
        delay = self._require_closed(candle.time)
        gap = self._take(candle)
        if gap > self.session.max_gap:
            self._begun_anew(gap, candle.time)
        if self._max_delay_ms is not None and delay > self._max_delay_ms:
            raise LateBarError(
                f"the bar of {iso(candle.time)} came {delay} ms after its close, "
                f"not within {self._max_delay_ms} ms",
                where=self.symbol,
                remedy="wait for the next bar",
            )
        return None if self.missing else self._answer(candle.time)

    def _take(self, candle: Candle) -> int:
        """Let a bar be the newest; how many are missing before it."""
        gap = self._window.missing_before(candle.time)
        if gap > self.session.max_gap:
            self._window.clear()
        self._window.push(candle)
        return gap

    def _begun_anew(self, gap: int, time: int) -> None:
        """Say so, in the way that was asked for."""
        what = f"{gap} bars are missing before {iso(time)}, a window may lack "
        what += f"{self.session.max_gap}: it begins anew"
        if self._gap == "raise":
            raise GapError(what, where=self.symbol, remedy=f"give {self.missing} bars more")
        _LOG.warning("%s: %s", self.symbol, what)

    def _require_closed(self, time: int) -> int:
        """How long ago the bar that opened at `time` closed, in ms."""
        delay = self._clock() - time - self._step
        if delay < 0:
            raise UnclosedBarError(
                f"the bar of {iso(time)} closes in {-delay} ms",
                where=self.symbol,
                remedy="wait until it is closed",
            )
        return delay

    def _answer(self, bar: int) -> Answer:
        window, features = self._window.view, None
        if self.session.width is None:
            signals = self.session.run(window)
        else:
            signals, (features,) = self.session.observe(window)
        said = signals[0].tolist()
        return Answer(
            bar=bar,
            output=tuple(said) if isinstance(said, list) else said,
            unit=self.session.unit,
            version=self.version.reference,
            inputs=hashlib.sha256(window.data).hexdigest(),
            features=features,
        )
