"""The promoted model of a symbol, looked at between two bars.

A pointer that has not moved costs one `stat`. One that has is followed: the model it names is
verified and opened before it takes the place of the other, whether it was promoted or taken back.
Where that cannot be done there is no model, and it is tried again at the next look.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from atb.clock import now_ms, parse_time
from atb.config.data import Market
from atb.config.targets import AnyTarget
from atb.config.trading import TradingSpec
from atb.errors import AtbError, DataError, UsageError
from atb.monitor.profile import Profile
from atb.registry import document, promotion
from atb.registry.version import Version
from atb.runtime.drift import PROFILE, read_profile
from atb.runtime.predictor import Predictor
from atb.runtime.replay import recipe
from atb.workspace import Workspace

Clock: TypeAlias = Callable[[], int]


@dataclass(frozen=True)
class Serving:
    """A verified model of candles, open, with all that a live loop asks of it.

    Attributes:
        predictor: its window is empty until it is warmed.
        trading: the rules it was judged by.
        target: what it predicts.
        max_gap: missing bars that a window, or a label, may contain.
        profile: what drift is measured against; None for a model that has none.
        synthetic: whether a simulator made any of what it learned from.
        learned_until: close of the last bar it learned from, ms UTC.
    """

    predictor: Predictor
    trading: TradingSpec
    target: AnyTarget
    max_gap: int
    profile: Profile | None
    synthetic: bool
    learned_until: int

    @property
    def version(self) -> Version:
        """The model."""
        return self.predictor.version


def no_candles(version: Version, market: Market) -> UsageError:
    """What is said of a model that knows another market than bars."""
    return UsageError(
        f"{version.reference} is of market {market}, not of candles",
        remedy="promote a model of candles",
    )


def opened(version: Version, clock: Clock = now_ms, max_delay_ms: int | None = None) -> Serving:
    """Verify and open a model, with a window that begins anew after a gap.

    Args:
        version: the model.
        clock: the present by the market's clock, ms UTC.
        max_delay_ms: how long after its close a bar may come.

    Raises:
        IntegrityError: when the folder is not what its manifest says.
        UsageError: when it is no model of candles.
    """
    predictor = Predictor.of(version, clock=clock, max_delay_ms=max_delay_ms)
    config, metadata = recipe(version.path), document.read(version.path / "metadata.json")
    if not isinstance(config.trading, TradingSpec) or config.trading.market != "candles":
        raise no_candles(version, config.data.kind)
    profile = version.path / PROFILE
    return Serving(
        predictor,
        config.trading.over(config.target.horizons[0]),
        config.target,
        config.dataset.max_gap,
        read_profile(profile) if profile.exists() else None,
        bool(metadata["synthetic"]),
        parse_time(metadata["learned_until"]),
    )


class Promoted:
    """The model that runs, as of the last look.

    Attributes:
        serving: the model; None where none can be had.
        trouble: why not; None where one can.
    """

    def __init__(
        self, workspace: Workspace, symbol: str, timeframe: str, clock: Clock, max_delay_ms: int
    ) -> None:
        self.serving: Serving | None = None
        self.trouble: str | None = None
        self._workspace, self._symbol, self._timeframe = workspace, symbol, timeframe
        self._clock, self._max_delay_ms = clock, max_delay_ms
        self._seen: tuple[int, ...] | None = None

    def look(self) -> Serving | None:
        """The model that runs now: the same object until another one does, or none."""
        try:
            self.serving = self._current()
            self.trouble = None
        except (AtbError, OSError) as error:  # a disk that refuses may give in
            self.serving, self.trouble, self._seen = None, str(error), None
        return self.serving

    def require(self) -> Serving:
        """The same.

        Raises:
            AtbError: for whatever it is that keeps it from being had.
        """
        self.serving = self._current()
        return self.serving

    def drop(self, trouble: str) -> None:
        """Let go of the model, which is opened anew at the next look."""
        self.serving, self.trouble, self._seen = None, trouble, None

    def _current(self) -> Serving:
        seen = _stamp(self._workspace, self._symbol)
        if self.serving is not None and seen == self._seen:
            return self.serving
        version = promotion.promoted(self._workspace, self._symbol)
        serving = self.serving
        if serving is None or serving.version != version:
            serving = opened(version, self._clock, self._max_delay_ms)
            self._require_bars(serving)
        self._seen = seen
        return serving

    def _require_bars(self, serving: Serving) -> None:
        """Refuse a model of other bars than those that come."""
        predictor = serving.predictor
        known = f"{predictor.symbol} in bars of {predictor.timeframe}"
        comes = f"{self._symbol} in bars of {self._timeframe}"
        if known != comes:
            raise DataError(
                f"{serving.version.reference} is a model of {known}, what comes is {comes}",
                remedy=f"roll back with: atb models rollback {self._symbol}; or start again",
            )


def _stamp(workspace: Workspace, symbol: str) -> tuple[int, ...]:
    """What changes whenever the pointer does; nothing where there is none."""
    try:
        found = (workspace.model_root / symbol / promotion.POINTER).stat()
    except FileNotFoundError:
        return ()
    return found.st_mtime_ns, found.st_size, found.st_ino
