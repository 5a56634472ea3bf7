"""One self-contained page about a model: what it is, how good it is, what it would have earned.

Knows how results are shown, and computes none. Nothing in the page is loaded from elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from atb.clock import iso
from atb.evaluation.baselines import title
from atb.evaluation.reliability import Coverage, Reliability
from atb.evaluation.verdict import Confusion, Verdict
from atb.extras import require
from atb.report import record, reliability_chart, tail_tables, trust
from atb.report.chart import Line, svg
from atb.report.record import Run
from atb.report.template import PAGE

MODEL, NAIVE = "#0b62c4", "#c2571a"

TITLES = {
    "loss": "loss, standardised label",
    "rmse": "RMSE, log return",
    "mae": "MAE, log return",
    "r2": "R2",
    "price_rmse": "RMSE, price",
    "price_mae": "MAE, price",
    "price_mape": "MAPE, price",
    "directional_accuracy": "directional accuracy",
    "accuracy": "accuracy",
    "macro_f1": "macro F1",
    "mcc": "Matthews correlation",
    "log_loss": "log loss",
    "brier": "Brier score",
    "calibration_error": "expected calibration error",
    "auc": "area under the ROC curve",
    "log_rmse": "RMSE, log volatility",
    "qlike": "QLIKE",
    "move_rmse": "RMSE, basis points",
    "move_mae": "MAE, basis points",
}
SHARES = frozenset(
    {"price_mape", "directional_accuracy", "accuracy"}
    | {f"{part}_{name}" for part in ("precision", "recall") for name in ("down", "flat", "up")}
    | {"total_return", "annual_return", "annual_volatility", "max_drawdown"}
    | {"exposure", "costs_paid", "cost_share", "win_rate", "hit_rate"}
)


def titled(name: str) -> str:
    """What a metric is called on the page."""
    return TITLES.get(name, name.replace("_", ", "))  # precision_up is "precision, up"


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
        data=record.data(run.history),
        judgements=[_judgement(run, horizon) for horizon in run.verdicts],
        tails=_tails(run),
        earned=list(trust.of_profit(run.earned.to_json())),
        figures=list(_figures(run)),
        rule=run.config.trading.said(run.predictions.unit),
        curves=_curves(run),
        rival=title(run.backtest.rival),
        losses=_losses(run),
        scores=list(_scores(run)),
        periods=_periods(run),
        recipe=run.config.model_dump_json(indent=2),
        colours={"model": MODEL, "naive": NAIVE},
    )
    path.write_text(page, encoding="utf-8")


def figure(name: str, value: Any) -> str:
    """A value as people read it: shares in percent, five digits otherwise, a dash for None."""
    if value is None:
        return "-"
    if name in SHARES:
        return f"{value:.2%}"
    return f"{value:,.5g}" if isinstance(value, float) else str(value)


def _judgement(run: Run, horizon: int) -> dict[str, Any]:
    """What the page says about one horizon."""
    verdict, calibration = run.verdicts[horizon], run.calibrations[horizon]
    return {
        "horizon": horizon,
        "words": verdict.words,
        "metrics": list(_metrics(verdict)),
        "confusion": list(_confusion(verdict.confusion)) if verdict.confusion else [],
        "sure": list(trust.of_horizon(record.of_horizon(run, horizon))),
        "reliability": _reliability(calibration),
        "rows": verdict.rows,
        "block": verdict.block,
    }


def _tails(run: Run) -> dict[str, Any] | None:
    """What the page says about quantiles of the horizon that is traded, if the model says any."""
    if run.tails is None:
        return None
    judged = run.tails.to_json()
    return {"words": run.tails.words, "tables": list(tail_tables.tables(judged))}


def _metrics(verdict: Verdict) -> Iterator[tuple[str, ...]]:
    """Metric, model, naive value, name of the naive forecast, difference, bounds.

    Further naive forecasts of the same metric follow on rows of their own.
    """
    for name, difference in verdict.differences.items():
        naive = {key: values[name] for key, values in verdict.baselines.items() if name in values}
        yield (
            titled(name),
            figure(name, verdict.metrics[name]),
            figure(name, naive.pop(difference.baseline)),
            title(difference.baseline),
            figure(name, difference.estimate),
            f"{figure(name, difference.low)} to {figure(name, difference.high)}",
        )
        for key, value in naive.items():
            yield "", "", figure(name, value), title(key), "", ""


def _confusion(matrix: Confusion) -> Iterator[tuple[str, ...]]:
    """The heading, then a row for each class that came true."""
    yield "", *(f"said {name}" for name in matrix.classes)
    for name, counts in zip(matrix.classes, matrix.counts, strict=True):
        yield f"was {name}", *(f"{count:,}" for count in counts)


def _reliability(calibration: Reliability | Coverage) -> str:
    """The reliability diagram; nothing for a quantity."""
    if isinstance(calibration, Coverage):
        return ""
    return reliability_chart.svg(calibration.reliability, MODEL, "how often predictions came true")


def _figures(run: Run) -> Iterator[tuple[str, str, str]]:
    """Title, model and naive rule of each figure of the backtest."""
    traded = run.backtest.to_json()
    for name, naive in traded[run.backtest.rival].items():
        yield name.replace("_", " "), figure(name, traded[name]), figure(name, naive)


def _curves(run: Run) -> str:
    backtest = run.backtest
    model, naive = backtest.curves
    lines = (Line(title(backtest.rival), NAIVE, naive), Line("model", MODEL, model))
    ends = iso(int(backtest.time[0]))[:16], iso(int(backtest.time[-1]))[:16]
    return svg(lines, backtest.measured, ends)


def _losses(run: Run) -> str:
    history = run.fitted.history
    train, validation = (
        np.array([getattr(epoch, name) for epoch in history], np.float64)
        for name in ("loss", "validation_loss")
    )
    lines = (Line("validation", NAIVE, validation), Line("train", MODEL, train))
    return svg(lines, "loss by epoch", ("epoch 1", f"epoch {len(history)}"))


def _scores(run: Run) -> Iterator[tuple[str, str]]:
    """Title and chart of each figure of the validation windows but the loss."""
    history = run.fitted.history
    for name in history[0].scores:
        values = np.array([epoch.scores[name] for epoch in history], np.float64)
        ends = ("epoch 1", f"epoch {len(history)}")
        yield titled(name), svg([Line(name, NAIVE, values)], f"{titled(name)} by epoch", ends)


def _periods(run: Run) -> list[tuple[str, int, str, str]]:
    """Part, windows, first and last bar."""
    split, time = run.dataset.split, run.history.time
    parts = (("train", split.train), ("validation", split.validation), ("test", split.test))
    return [(n, len(ends), iso(int(time[ends[0]])), iso(int(time[ends[-1]]))) for n, ends in parts]
