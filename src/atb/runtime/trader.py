"""One bar after another: which model runs, what it says, and the position that asks for.

Knows the promoted model, its window and the paper account; nothing of ledgers, hooks or views.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from atb.clock import iso, timeframe_ms
from atb.errors import AtbError, BarError, IntegrityError, LateBarError
from atb.events import Listener, Noted, Warned
from atb.market.candle import Candle
from atb.market.candles import Candles
from atb.market.feed import Feed
from atb.runtime import wording
from atb.runtime.decision import Action, Decision
from atb.runtime.paper import Paper
from atb.runtime.predictor import Answer
from atb.runtime.promoted import Promoted, Serving
from atb.runtime.watch import Watch
from atb.workspace import Workspace

BUILT_IN = ("vectorised", "event_driven")  # backtests whose rules the account follows
LATE_SHARE, LATE_MS = 10, 30_000  # of a bar, and at least: then the next open is no price any more


@dataclass(frozen=True)
class Word:
    """What is decided of one bar.

    Attributes:
        action, reason, version: as in `Decision`.
        asked: position that is asked for, whatever a stop or a take-profit has closed.
        answer: of the model, if it gave one.
    """

    action: Action
    reason: str
    asked: float
    version: str | None = None
    answer: Answer | None = None


class Trader:
    """The promoted model and the account that follows it.

    Args:
        workspace: where the promoted model lies.
        feed: what came before, and the time.
        last: where an account stood, as `state` says; None begins one.
        listen: told of models that come and go.

    Attributes:
        paper: the account.
        newest: open of the newest bar that was taken, ms UTC; 0 before the first.
        synthetic: whether a simulator made any of what a model learned from that was asked.

    Raises:
        AtbError: for whatever keeps the promoted model, or what came before, from being had.
    """

    def __init__(
        self, workspace: Workspace, feed: Feed, last: Mapping[str, Any] | None, listen: Listener
    ) -> None:
        self._feed, self._listen = feed, listen
        self._step = timeframe_ms(feed.timeframe)
        late = max(self._step // LATE_SHARE, LATE_MS)
        bars = (feed.symbol, feed.timeframe)
        self._promoted = Promoted(workspace, *bars, feed.now, late)
        serving = self._promoted.require()
        self.paper = Paper(feed.timeframe, serving.trading, None if last is None else last["paper"])
        self.newest: int = 0 if last is None else last["bar"]
        self._asked: float = 0.0 if last is None else last["asked"]
        history = self._history(serving, None if last is None else self.newest + self._step)
        serving.predictor.warm(history)
        self.paper.warm(history)
        if last is None:
            self.newest = int(history.time[-1]) if len(history) else 0
        self.synthetic: bool = False if last is None else last["synthetic"]
        self._serving: Serving | None = None
        self._watch: Watch | None = None
        self._told: str | None = None  # why there was no model, as whoever listens knows it
        self._serve(serving)

    @property
    def drift(self) -> str | None:
        """What the monitor of the model last said."""
        return None if self._watch is None else self._watch.words

    @property
    def drifted(self) -> bool:
        """Whether it says so."""
        return self._watch is not None and self._watch.drifted

    @property
    def trouble(self) -> str | None:
        """Why no model can be had; None where one can."""
        return self._promoted.trouble

    def state(self) -> dict[str, Any]:
        """Where it stands, ready for JSON."""
        return {
            "bar": self.newest,
            "asked": self._asked,
            "synthetic": self.synthetic,
            "paper": self.paper.state(),
        }

    def take(self, candle: Candle, behind: int) -> Decision:
        """Let the account live through a bar, then decide upon it.

        Args:
            candle: the next bar, closed.
            behind: how many came together with it that are newer: it was missed if there are any.

        Raises:
            DamagedBarError: when no market can have such a bar; it is not taken, and leaves a gap.
        """
        start = perf_counter()
        self.paper.bar(candle, self._asked)
        self.newest = candle.time
        word = self._missed(candle, behind) if behind else self._decided(candle)
        self._asked = word.asked
        decision = self._decision(candle, word, (perf_counter() - start) * 1000)
        if self._watch is not None:
            self._watch.bar(candle, word.answer)
        return decision

    def _missed(self, candle: Candle, behind: int) -> Word:
        """A bar that came too late to be acted upon: it only enters the window."""
        if self._serving is not None:
            with suppress(BarError, IntegrityError):  # the last bar will say what is wrong
                self._serving.predictor.update(candle)
        return Word("missed", f"newer bars came with it: {behind}", self._asked)

    def _decided(self, candle: Candle) -> Word:
        serving = self._looked(candle)
        if serving is None:
            return self._none()
        name = serving.version.reference
        try:
            answer = serving.predictor.update(candle)
        except BarError as error:
            late = isinstance(error, LateBarError)
            return Word("late" if late else "missed", str(error), self._asked, name)
        except IntegrityError as error:
            self._promoted.drop(str(error))
            return self._none()
        if answer is None:
            missing = serving.predictor.missing
            return Word("warming", f"{missing} more bars until the window is whole", 0.0, name)
        asked = self.paper.size(answer.output, serving.predictor.session.unit)
        return Word("signal", self._reason(answer, asked), asked, name, answer)

    def _reason(self, answer: Answer, asked: float) -> str:
        said = f"{wording.said(answer.output, answer.unit)}: {wording.held(asked)}"
        if self.paper.allowed(asked) == asked:
            return said
        return f"{said}, but a stop or take-profit closed it: nothing until the side changes"

    def _none(self) -> Word:
        """Nothing is held without a model; whoever listens is told once for each reason."""
        if self.trouble != self._told:
            self._listen(Warned(f"nothing is held without a model: {self.trouble}"))
        self._serving, self._watch, self._told = None, None, self.trouble
        return Word("no_model", f"{self.trouble}", 0.0)

    def _looked(self, candle: Candle) -> Serving | None:
        """The model that runs at this bar; its window lacks no more than the bar."""
        serving = self._promoted.look()
        if serving is None or serving is self._serving:
            return serving
        try:
            history = self._history(serving, candle.time + self._step)
            serving.predictor.warm(history.between(None, candle.time))
        except AtbError as error:
            self._promoted.drop(str(error))
            return None
        self.paper.rules(serving.trading)
        self.paper.warm(history)
        self._serve(serving)
        name = serving.version.reference
        self._listen(Noted(f"{name} runs from the bar of {iso(candle.time)} on"))
        if candle.time < serving.learned_until:  # as only a replay's can be
            until = iso(serving.learned_until)
            self._listen(Warned(f"{name} learned from bars up to {until}; trust only later ones"))
        return serving

    def _history(self, serving: Serving, until_ms: int | None) -> Candles:
        """As many bars as a window, or the trailing volatility, goes back."""
        bars = max(serving.predictor.rows, serving.trading.volatility_bars + 1)
        return self._feed.history(bars, until_ms)

    def _serve(self, serving: Serving) -> None:
        """Let a model be the one that is asked."""
        self._serving, self._told = serving, None
        self.synthetic = self.synthetic or serving.synthetic
        self._watch = _watched(serving)
        hook = serving.trading.hook
        if hook not in BUILT_IN:
            self._listen(Warned(f"it is traded bar by bar, not by the backtest {hook!r}"))

    def _decision(self, candle: Candle, word: Word, took_ms: float) -> Decision:
        answer = word.answer
        return Decision(
            symbol=self._feed.symbol,
            bar=candle.time,
            at=self._feed.now(),
            price=candle.close,
            version=word.version,
            inputs=None if answer is None else answer.inputs,
            output=None if answer is None else answer.output,
            unit=None if answer is None else answer.unit,
            position=self.paper.allowed(word.asked),
            action=word.action,
            reason=word.reason,
            latency_ms=None if answer is None else took_ms,
        )


def _watched(serving: Serving) -> Watch | None:
    """What follows the drift of a model; None for one without a profile."""
    if serving.profile is None:
        return None
    timeframe = serving.predictor.timeframe
    return Watch(serving.profile, serving.target, timeframe, serving.max_gap)
