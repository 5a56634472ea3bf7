"""A live loop as people see it: a table that redraws itself on a terminal, lines elsewhere.

Knows what the loop shows and its feed's clock, and computes nothing.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from atb.clock import iso
from atb.market.feed import Feed
from atb.runtime.decision import Decision, Status
from atb_cli.render import json_line, loudly, pairs, print_answer, table
from atb_cli.result_view import SYNTHETIC

ROWS = 10  # decisions in the table
REDRAWS = 4  # a second
ALARM = "bold yellow"
NO_DRIFT = "too few bars to say"
COLUMNS = ("bar", "price", "signal", "position", "P&L", "latency")

Show = Callable[[Status], None]

_SIGNALS: Mapping[str, Callable[[Any], str]] = {
    "return": lambda value: f"{1e4 * value:+.1f} bp",
    "probability": lambda value: f"up {value:.1%}",
    "probabilities": lambda value: "down {:.0%}, flat {:.0%}, up {:.0%}".format(*value),
    "log_volatility": lambda value: f"volatility {math.exp(value):.2%}",
}


@contextmanager
def shown(screen: Console, feed: Feed, as_json: bool) -> Iterator[Show]:
    """Show a loop until the body ends: on the screen, or each status as JSON on stdout."""
    if as_json:
        yield lambda status: json_line(asdict(status))
    elif screen.is_terminal:
        board = _Board(feed)
        with Live(console=screen, get_renderable=board.drawn, refresh_per_second=REDRAWS):
            yield board.show
    else:
        yield _Lines(screen).show


def summary(outcome: Mapping[str, Any], as_json: bool) -> None:
    """What came of it, on stdout."""
    if as_json:
        json_line(outcome)
        return
    if outcome["synthetic"]:
        loudly(SYNTHETIC)
    print_answer(pairs(_summary(outcome)))


def _summary(outcome: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """A name and a value for each line."""
    yield "market", f"{outcome['symbol']} {outcome['timeframe']}, {outcome['source']}"
    yield "bars", f"{outcome['first']} to {outcome['last']}" if outcome["decisions"] else "none"
    kinds = ", ".join(f"{n:,} {_spaced(kind)}" for kind, n in outcome["actions"].items())
    yield "decisions", f"{outcome['decisions']:,}{f' ({kinds})' if kinds else ''}"
    for index, version in enumerate(outcome["versions"]):
        yield "" if index else "model", version
    latency = outcome["latency_ms"]
    yield "latency", "-" if latency is None else f"{latency:.2f} ms, the median"
    yield "P&L", f"{outcome['equity'] - 1:+.2%} on paper, net of costs"
    yield "trades", f"{outcome['closed']:,} closed; now {_position(outcome['held'])}"
    yield "drift", outcome["drift"] or NO_DRIFT
    yield "written to", outcome["ledger"]


@dataclass
class _Board:
    """The last decisions and how things stand, drawn anew several times a second."""

    feed: Feed
    _last: deque[Status] = field(default_factory=lambda: deque(maxlen=ROWS))

    def show(self, status: Status) -> None:
        self._last.append(status)

    def drawn(self) -> Group:
        """The screen at this moment."""
        seen = tuple(self._last)
        feed, last = self.feed, seen[-1] if seen else None
        about = [("market", f"{feed.symbol} {feed.timeframe}, {feed.source}")]
        if last is None:
            about.append(("", "waiting for a bar to close"))
        else:
            about += _standing(last)
            about.append(("next bar", f"closes {iso(last.due)}{_left(last.due - feed.now())}"))
        rows = table(COLUMNS, (_row(status) for status in seen))
        return Group(pairs(about), "", rows, *_alarms(feed.trouble, last))


@dataclass
class _Lines:
    """A line for each decision, and one whenever a drift begins or ends."""

    screen: Console
    _before: Status | None = None

    def show(self, status: Status) -> None:
        before, self._before = self._before, status
        if before is None and status.synthetic:
            loudly(SYNTHETIC)
        bar, price, _, _, earned, latency = _row(status)
        why = f"{_spaced(status.decision.action)}: {status.decision.reason}"
        self._line("  ".join((bar, price, earned, latency, why)))
        if status.drifted != (before is not None and before.drifted):
            self._line(str(status.drift), ALARM)

    def _line(self, text: str, style: str = "") -> None:
        self.screen.print(Text(text, style=style))


def _row(status: Status) -> tuple[str, ...]:
    """A decision in the order of `COLUMNS`."""
    decision = status.decision
    return (
        iso(decision.bar),
        f"{decision.price:,.8g}",
        _signal(decision),
        _position(decision.position),
        f"{status.equity - 1:+.2%}",
        "-" if decision.latency_ms is None else f"{decision.latency_ms:.2f} ms",
    )


def _standing(status: Status) -> list[tuple[str, str]]:
    """What is not of one bar alone."""
    decision = status.decision
    account = f"{_position(status.held)}, equity {status.equity:.4f}, {status.trades:,} trades"
    return [
        ("model", decision.version or "none"),
        ("decided", f"{status.decisions:,}; the last: {decision.reason}"),
        ("paper account", account),
        ("drift", status.drift or NO_DRIFT),
    ]


def _alarms(trouble: str | None, status: Status | None) -> Iterator[Text]:
    """What must not be overlooked."""
    wrong = trouble or (status.trouble if status else None)
    if wrong:
        yield Text(f"trouble: {wrong}", style=ALARM)
    if status and status.drifted:
        yield Text(str(status.drift), style=ALARM)
    if status and status.synthetic:
        yield Text(SYNTHETIC, style=ALARM)


def _signal(decision: Decision) -> str:
    """What the model said, or why it said nothing."""
    if decision.output is None or decision.unit is None:
        return _spaced(decision.action)
    return _SIGNALS[decision.unit](decision.output)


def _spaced(action: str) -> str:
    return action.replace("_", " ")


def _position(held: float) -> str:
    """Multiples of the equity as traders say them."""
    if held == 0:
        return "flat"
    return f"{'long' if held > 0 else 'short'} {abs(held):.2f}"


def _left(ms: int) -> str:
    """How long until a time; nothing once it has passed."""
    return f", in {timedelta(seconds=ms // 1000)}" if ms > 0 else ""
