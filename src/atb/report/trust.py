"""How sure a verdict is, in words, from the keys of `metrics.json`. Computes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from atb.evaluation.baselines import title
from atb.evaluation.skill import said

Judged = Mapping[str, Any]
Line = tuple[str, str]


def of_horizon(judged: Judged) -> Iterator[Line]:
    """What a test says of one horizon's losses, and what test rows say of its calibration."""
    found = judged["significance"]
    words = (
        f"{found['test']} against {title(found['baseline'])}: statistic {found['statistic']:.2f}, "
        f"{said(found['p_value'])}"
    )
    if found["trials"] > 1:
        words += f"; the best of {found['trials']:,} trials: {said(found['adjusted_p_value'])}"
    yield "significance", words
    calibration = judged["calibration"]
    say = _coverage if "coverage" in calibration else _reliability
    yield from say(calibration)


def of_profit(found: Judged) -> Iterator[Line]:
    """How sure the profit of a backtest is, from its `significance`; nothing without trades."""
    if found["sharpe"] is None:
        return
    words = (
        f"{found['sharpe']:.3g}, standard error {found['standard_error']:.2g}, "
        f"{_bounds(found['low'], found['high'], '{:.3g}')}; "
        f"above 0 with probability {found['probabilistic']:.3f}"
    )
    if found["trials"] > 1:
        words += f", as the best of {found['trials']:,} trials {found['deflated']:.3f}"
    yield "Sharpe ratio", words
    for name, (low, high) in found["intervals"].items():
        form = "{:,.0f}" if name.endswith("_total") else "{:.2%}"
        yield name.replace("_", " "), _bounds(low, high, form)


def _bounds(low: float, high: float, form: str) -> str:
    return f"95 % interval [{form.format(low)}, {form.format(high)}]"


def _coverage(calibration: Judged) -> Iterator[Line]:
    yield (
        "interval",
        f"prediction ± {calibration['half_width']:.4g} was to hold "
        f"{calibration['coverage']:.1%} of outcomes, and held {calibration['achieved']:.1%}",
    )


def _reliability(calibration: Judged) -> Iterator[Line]:
    figures = (("calibration error", "error"), ("Brier score", "brier"), ("log loss", "log_loss"))
    said = ", ".join(
        f"{name} {calibration[key]:.4f} (before {calibration[f'uncalibrated_{key}']:.4f})"
        for name, key in figures
    )
    yield "calibration", f"{METHODS[calibration['method']](calibration['parameters'])}: {said}"


METHODS: Mapping[str, Callable[[Judged], str]] = {
    "none": lambda _: "none",
    "temperature": lambda learned: f"temperature {learned['temperature']:.3f}",
    "isotonic": lambda _: "isotonic",
}
