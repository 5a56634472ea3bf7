"""What was decided at the close of one bar, and how things stand after it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal, Protocol

Output = float | tuple[float, ...]
Action = Literal["signal", "warming", "late", "missed", "no_model"]


@dataclass(frozen=True)
class Decision:
    """One bar's answer.

    Attributes:
        symbol: the market.
        bar: open of the bar, ms UTC.
        at: when it was decided, ms UTC by the market's clock.
        price: close of the bar, in the quote currency.
        version: `SYMBOL/NAME/VERSION` of the model that was asked; None where none could be.
        inputs: SHA-256 of the window's float32 bytes; None where there was no whole one.
        output: what the model said, a number or probabilities of down, flat and up; None where it
            said nothing.
        unit: of the output, see `atb.config.targets`.
        position: to be held from the next bar's open on, in multiples of the equity.
        action: what it rests on: `signal` is the model's word; while `warming` or with `no_model`
            nothing is held; what came `late`, or was `missed` altogether, changes nothing.
        reason: the same for people, with figures.
        latency_ms: from having the bar to the decision; None where the model said nothing.
    """

    symbol: str
    bar: int
    at: int
    price: float
    version: str | None
    inputs: str | None
    output: Output | None
    unit: str | None
    position: float
    action: Action
    reason: str
    latency_ms: float | None

    def to_json(self) -> dict[str, Any]:
        """The fields, ready for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Status:
    """How things stand after a decision, for whoever watches.

    Attributes:
        decision: the last one.
        decisions: taken since the loop began.
        held: position of the paper account, in multiples of its equity.
        equity: of the paper account, 1 at its beginning, marked at the last close.
        trades: closed so far.
        drift: what the monitor says; None while it has too little to say.
        drifted: whether it says so.
        synthetic: whether simulated rows are behind any of it.
        source: where the bars come from.
        due: when the next bar closes, ms UTC.
        trouble: why the market, or the promoted model, cannot be had; None where both can.
    """

    decision: Decision
    decisions: int
    held: float
    equity: float
    trades: int
    drift: str | None
    drifted: bool
    synthetic: bool
    source: str
    due: int
    trouble: str | None


class Hook(Protocol):
    """What a bot attaches: told of each decision once it is on the disk.

    A decision names the position to hold, not an order to send, so that one which never arrived is
    made good by the next. What a hook raises ends the loop.
    """

    def decided(self, decision: Decision) -> None:
        """Hold `decision.position` from the next bar's open on."""
        ...

    def stopped(self) -> None:
        """The loop ends: nothing more will be decided. Called once, whatever the reason."""
        ...
