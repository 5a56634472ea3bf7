"""One self-contained page about a model: what it is, how good it is, what it would have earned.

Knows how results are shown, and computes none. Nothing in the page is loaded from elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from atb.clock import iso
from atb.extras import require
from atb.report import record
from atb.report.chart import Line, svg
from atb.report.record import Run
from atb.report.template import PAGE

MODEL, NAIVE = "#0b62c4", "#c2571a"

TITLES = {
    "loss": "loss, standardised return",
    "rmse": "RMSE, log return",
    "mae": "MAE, log return",
    "r2": "R2",
    "price_rmse": "RMSE, price",
    "price_mae": "MAE, price",
    "price_mape": "MAPE, price",
    "directional_accuracy": "directional accuracy",
    "accuracy": "accuracy",
    "log_loss": "log loss",
    "brier": "Brier score",
    "auc": "area under the ROC curve",
}
SHARES = frozenset(
    {"price_mape", "directional_accuracy", "accuracy"}
    | {"total_return", "annual_return", "annual_volatility", "max_drawdown"}
    | {"exposure", "costs_paid", "win_rate"}
)


def write(run: Run, path: Path) -> None:
    """Write the page of one training.

    Raises:
        ResourceError: when jinja2 is not installed.
    """
    environment = require("jinja2", extra="train").Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    page: str = environment.from_string(PAGE).render(
        run=run,
        data=record.data(run.candles),
        metrics=list(_metrics(run)),
        figures=list(_figures(run)),
        equity=_equity(run),
        losses=_losses(run),
        periods=_periods(run),
        recipe=run.config.model_dump_json(indent=2),
        colours={"model": MODEL, "naive": NAIVE},
        cost=run.config.trading.fee + run.config.trading.slippage,
    )
    path.write_text(page, encoding="utf-8")


def figure(name: str, value: Any) -> str:
    """A value as people read it: shares in percent, five digits otherwise, a dash for None."""
    if value is None:
        return "-"
    if name in SHARES:
        return f"{value:.2%}"
    return f"{value:,.5g}" if isinstance(value, float) else str(value)


def _metrics(run: Run) -> Iterator[tuple[str, ...]]:
    """Title, model, naive value, name of the naive forecast, difference, bounds."""
    verdict = run.verdict
    for name, difference in verdict.differences.items():
        naive = verdict.baselines[difference.baseline][name]
        yield (
            TITLES.get(name, name),
            figure(name, verdict.metrics[name]),
            figure(name, naive),
            difference.baseline.replace("_", " "),
            figure(name, difference.estimate),
            f"{figure(name, difference.low)} to {figure(name, difference.high)}",
        )


def _figures(run: Run) -> Iterator[tuple[str, str, str]]:
    """Title, model and buy and hold of each figure of the backtest."""
    traded = run.backtest.to_json()
    for name, held in traded["buy_and_hold"].items():
        yield name.replace("_", " "), figure(name, traded[name]), figure(name, held)


def _equity(run: Run) -> str:
    backtest = run.backtest
    lines = (Line("buy and hold", NAIVE, backtest.held), Line("model", MODEL, backtest.equity))
    ends = iso(int(backtest.time[0]))[:10], iso(int(backtest.time[-1]))[:10]
    return svg(lines, "equity, net of costs", ends)


def _losses(run: Run) -> str:
    history = run.fitted.history
    train, validation = (
        np.array([getattr(epoch, name) for epoch in history], np.float64)
        for name in ("loss", "validation_loss")
    )
    lines = (Line("validation", NAIVE, validation), Line("train", MODEL, train))
    return svg(lines, "loss by epoch", ("epoch 1", f"epoch {len(history)}"))


def _periods(run: Run) -> list[tuple[str, int, str, str]]:
    """Part, windows, first and last bar."""
    split, time = run.dataset.split, run.candles.time
    parts = (("train", split.train), ("validation", split.validation), ("test", split.test))
    return [(n, len(ends), iso(int(time[ends[0]])), iso(int(time[ends[-1]]))) for n, ends in parts]
