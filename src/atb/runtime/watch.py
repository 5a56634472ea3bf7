"""Drift of a model at work: what it sees, says and gets wrong, bar after bar.

Knows a monitor, a target and the bars since the model came; nothing of feeds or accounts. Memory
does not grow: bars are kept for as long as an outcome may need them.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from atb.clock import DAY_MS, HOUR_MS, timeframe_ms
from atb.config.targets import AnyTarget
from atb.market.candle import Candle
from atb.market.candles import Candles
from atb.monitor.drift import Drift, Monitor
from atb.monitor.profile import Profile
from atb.targets.build import build

if TYPE_CHECKING:
    from atb.runtime.predictor import Answer

Float64 = npt.NDArray[np.float64]

PERIOD_MS, FEWEST_BARS = 30 * DAY_MS, 720  # what one monitor is over: the longer of the two
PAUSE_MS, PAUSE_BARS = HOUR_MS, 24  # between two reports, likewise: one takes about 2 ms


class Said(NamedTuple):
    """What the model said at the close of the bar that opened at `bar`."""

    bar: int
    value: Float64  # [1] or [1, 3]


class Watch:
    """The drift of one model since it came, or since the last period began.

    Attributes:
        words: the newest verdict that is one; None while there are too few rows for any.
        drifted: whether it says so.
    """

    def __init__(self, profile: Profile, target: AnyTarget, timeframe: str, max_gap: int) -> None:
        self.words: str | None = None
        self.drifted = False
        self._profile, self._target, self._max_gap = profile, target, max_gap
        self._timeframe, bar = timeframe, timeframe_ms(timeframe)
        self._period = max(PERIOD_MS, FEWEST_BARS * bar)
        self._pause = max(PAUSE_MS, PAUSE_BARS * bar)
        self._ahead = target.horizons[0]
        behind = getattr(target, "span", 0)
        self._bars: deque[Candle] = deque(maxlen=behind + 2 * self._ahead + self._pause // bar + 2)
        self._pending: deque[Said] = deque()
        self._monitor, self._seen, self._since, self._reported = Monitor(profile), 0, 0, 0

    def bar(self, candle: Candle, answer: Answer | None) -> None:
        """Take in a bar, and what the model said and saw at its close, if it said anything."""
        self._begin(candle.time)
        self._bars.append(candle)
        if answer is not None and answer.features is not None:
            value = np.asarray([answer.output], np.float64)
            self._monitor.observe(answer.features[np.newaxis], value)
            self._pending.append(Said(candle.time, value))
            self._seen += 1
        if candle.time - self._reported >= self._pause:
            self._reported = candle.time
            self._mature()
            self._judge()

    def _begin(self, time: int) -> None:
        """A monitor of its own for each period; what was said stands until it can tell."""
        if not self._since:
            self._since = self._reported = time
        elif time - self._since >= self._period:
            self._monitor, self._seen, self._since = Monitor(self._profile), 0, time

    def report(self) -> Drift:
        """What the monitor of this period says.

        Raises:
            ValueError: when the model has said nothing in it yet.
        """
        return self._monitor.report()

    def _judge(self) -> None:
        if self._seen:
            drift = self.report()
            if any(column.state != "undecided" for column in drift.columns):
                self.words, self.drifted = drift.words(), drift.drifted

    def _mature(self) -> None:
        """Hand over what came true of predictions whose whole horizon has passed, in order."""
        history = self._history()
        labels = build(self._target, history, self._max_gap).value[:, 0]
        rows = {time: row for row, time in enumerate(history.time.tolist())}
        last = len(history) - 1 - self._ahead
        while self._pending and rows.get(self._pending[0].bar, -1) <= last:
            said = self._pending.popleft()
            row = rows.get(said.bar, -1)
            if row >= 0 and np.isfinite(labels[row]):
                self._monitor.mature(said.value, labels[row : row + 1])

    def _history(self) -> Candles:
        columns = dict(zip(Candle._fields, zip(*self._bars, strict=True), strict=True))
        return Candles.from_columns("", self._timeframe, columns)
