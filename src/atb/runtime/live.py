"""The live loop: closed bars come, the promoted model is asked, a paper account follows.

Every decision is on the disk before anyone hears of it, with the state of the account, so that a
loop that was killed goes on where it stood. Knows feeds and ledgers; sends no orders: whoever does
attaches a `Hook`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from atb.clock import timeframe_ms
from atb.errors import DamagedBarError, UsageError
from atb.events import Listener, Warned, silent
from atb.market.candles import Candles
from atb.market.feed import Feed, Stop
from atb.registry.version import new_version
from atb.runtime.decision import Decision, Hook, Status
from atb.runtime.ledger import Ledger
from atb.runtime.outcome import Outcome, Tally
from atb.runtime.trader import Trader
from atb.workspace import Workspace

__all__ = ["Outcome", "Plan", "ledger_of", "run"]


@dataclass(frozen=True)
class Plan:
    """What a loop goes by.

    Attributes:
        workspace: where the promoted model lies.
        ledger: the file that every decision is appended to; one that exists is gone on with.
        iterations: bars to decide upon before the loop ends; None for no end.
        durable: whether a decision is flushed to the disk before it is told; a replay, which can be
            done again, is faster without.
    """

    workspace: Workspace
    ledger: Path
    iterations: int | None = None
    durable: bool = True


def ledger_of(workspace: Workspace, symbol: str, *, replay: bool) -> Path:
    """Where decisions are written down: one file for the market, a new one for each replay."""
    name = f"replay-{new_version()}" if replay else "decisions"
    return workspace.live(symbol) / f"{name}.jsonl"


def unseen(status: Status) -> None:
    """The view that shows nothing."""


def never() -> bool:
    """The stop that does not come."""
    return False


def run(
    plan: Plan,
    feed: Feed,
    *,
    hooks: Sequence[Hook] = (),
    show: Callable[[Status], None] = unseen,
    listen: Listener = silent,
    stop: Stop = never,
) -> Outcome:
    """Decide upon each bar of a feed until it ends, is stopped, or has had its iterations.

    A newly promoted model is taken at the next bar, one that was taken back likewise. Where none
    can be had nothing is held, and it is tried again at the next bar. Bars that come together, as
    after a disconnect, were missed but for the last: the position stays.

    Args:
        plan: model, ledger and length.
        feed: closed bars, and the time.
        hooks: told of each decision once it is on the disk, and when the loop ends.
        show: shown how things stand after each decision.
        listen: told of models that come and go, and of what is wrong with bars.
        stop: asked between bars whether to end.

    Raises:
        UsageError: when no model is promoted, or the ledger is of other bars.
        DataError: when the promoted model is of other bars, or the market cannot be asked.
        IntegrityError: when the promoted model or the ledger is not as it was written.
        StorageError: when the ledger cannot be written, or another loop holds it.
    """
    with ExitStack() as ending:
        for hook in hooks:
            ending.callback(hook.stopped)
        ledger = ending.enter_context(Ledger.open(plan.ledger, listen, durable=plan.durable))
        loop = _Loop(plan, feed, ledger, listen)
        for decision in loop.decisions(stop):
            for hook in hooks:
                hook.decided(decision)
            show(loop.status(decision))
        return loop.outcome()


class _Loop:
    """A trader on a feed, and the ledger that remembers where it stands."""

    def __init__(self, plan: Plan, feed: Feed, ledger: Ledger, listen: Listener) -> None:
        self._plan, self._feed, self._ledger, self._listen = plan, feed, ledger, listen
        self._tally, self._ended = Tally(), False
        last = ledger.last
        if last is not None:
            _require_same_bars(last, feed, plan.ledger)
        self._trader = Trader(plan.workspace, feed, last and last["state"], listen)

    def decisions(self, stop: Stop) -> Iterator[Decision]:
        """One after the other, each written down before it is told."""
        rounds, after = 0, self._trader.newest
        while rounds != self._plan.iterations and not stop():
            bars = self._feed.next(after, stop)
            if not len(bars):
                self._ended = not stop()
                break
            rounds, after = rounds + 1, int(bars.time[-1])
            yield from self._decided(bars, stop)
        if self._ended:
            self._trader.paper.end()

    def _decided(self, bars: Candles, stop: Stop) -> Iterator[Decision]:
        """What is decided of bars that came together: they were missed, but for the last."""
        for row in range(len(bars)):
            if stop():
                return
            try:
                decision = self._trader.take(bars.bar(row), behind=len(bars) - 1 - row)
            except DamagedBarError as error:
                self._listen(Warned(str(error)))
                continue
            self._ledger.append(
                {
                    "timeframe": self._feed.timeframe,
                    "source": self._feed.source,
                    "synthetic": self._synthetic,
                    "decision": decision.to_json(),
                    "state": self._trader.state(),
                }
            )
            self._tally.add(decision)
            yield decision

    @property
    def _synthetic(self) -> bool:
        return self._feed.synthetic or self._trader.synthetic

    def status(self, decision: Decision) -> Status:
        """How things stand after a decision."""
        trader = self._trader
        return Status(
            decision=decision,
            decisions=self._tally.decisions,
            held=trader.paper.held,
            equity=trader.paper.equity,
            trades=trader.paper.closed,
            drift=trader.drift,
            drifted=trader.drifted,
            synthetic=self._synthetic,
            source=self._feed.source,
            due=decision.bar + 2 * timeframe_ms(self._feed.timeframe),
            trouble=self._feed.trouble or trader.trouble,
        )

    def outcome(self) -> Outcome:
        """What came of it all."""
        trader = self._trader
        return Outcome(
            symbol=self._feed.symbol,
            timeframe=self._feed.timeframe,
            source=self._feed.source,
            synthetic=self._synthetic,
            ended=self._ended,
            equity=trader.paper.equity,
            held=trader.paper.held,
            trades=tuple(trader.paper.trades),
            closed=trader.paper.closed,
            drift=trader.drift,
            drifted=trader.drifted,
            ledger=self._plan.ledger,
            **self._tally.figures(),
        )


def _require_same_bars(last: Mapping[str, Any], feed: Feed, ledger: Path) -> None:
    """Refuse to go on with the account of another market, or of bars of another length."""
    before = last["decision"]["symbol"], last["timeframe"]
    if before != (feed.symbol, feed.timeframe):
        raise UsageError(
            f"it is of {before[0]} in bars of {before[1]}, "
            f"the bars that come are of {feed.symbol}, {feed.timeframe}",
            where=str(ledger),
            remedy="move it away to begin another account",
        )
