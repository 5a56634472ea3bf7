"""Several models on the same rows, for people: a picture, and one self-contained page around it.

Knows the keys of `atb.studies.suite_results` and how they are shown, and computes none.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from atb import atomic
from atb.evaluation.baselines import title
from atb.extras import require
from atb.report import performance_chart
from atb.report.performance_template import PAGE

PICTURE, PAGE_NAME = "performance.png", "performance.html"
METRICS = {
    "accuracy": "Accuracy",
    "macro_f1": "Macro F1",
    "mcc": "Matthews correlation",
    "r2": "R2",
}
SHARES = frozenset({"accuracy", "macro_f1", "r2"})  # shown in percent

Results = Mapping[str, Any]


def write(results: Results, folder: Path) -> None:
    """Write the picture and the page into a folder.

    Raises:
        ResourceError: when matplotlib or jinja2 is not installed.
        StorageError: when the disk refuses.
    """
    picture = performance_chart.png(results)
    with atomic.file(folder / PICTURE) as path:
        path.write_bytes(picture)
    with atomic.file(folder / PAGE_NAME) as path:
        path.write_text(page(results, picture), encoding="utf-8")


def page(results: Results, picture: bytes) -> str:
    """The page's HTML, with the picture in it."""
    environment = require("jinja2", extra="train").Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    html: str = environment.from_string(PAGE).render(
        results=results,
        facts=facts(results),
        tables=list(tables(results)),
        trades=list(_trades(results)),
        picture=base64.b64encode(picture).decode(),
    )
    return html


def facts(results: Results) -> str:
    """Which book, how much of it, and how it was split, in a line."""
    book, windows, periods = results["book"], results["windows"], results["periods"]
    parts = ", ".join(f"{windows[part]:,} {part}" for part in windows)
    return (
        f"{book['rows']:,} rows from {book['source']}, {book['first']} to {book['last']}, "
        f"{book['sessions']} session{'s' if book['sessions'] != 1 else ''}; windows: {parts}; "
        f"tested from {periods['test'][0]} on"
    )


def figure(metric: str, value: Mapping[str, float] | float | None) -> str:
    """A metric as people read it, with its interval where there is one; a dash for None.

    >>> figure("accuracy", {"value": 0.5, "low": 0.4567, "high": 0.55})
    '50.0 [45.7, 55.0]'
    >>> figure("mcc", 0.1234)
    '0.123'
    """
    if value is None:
        return "-"
    if not isinstance(value, Mapping):
        return f"{100 * value:.1f}" if metric in SHARES else f"{value:.3f}"
    middle, low, high = (figure(metric, value[name]) for name in ("value", "low", "high"))
    return f"{middle} [{low}, {high}]"


def ticks(traded: Mapping[str, Any], kind: str = "net") -> str:
    """Ticks made per trade and their interval, where there is one; a dash without trades.

    >>> ticks({"net_ticks_per_trade": -1.5, "net_ticks_low": -2.0, "net_ticks_high": 0.25})
    '-1.50 [-2.00, +0.25]'
    >>> ticks({"net_ticks_per_trade": -9.47, "net_ticks_low": None, "net_ticks_high": None})
    '-9.47'
    """
    value, low, high = (traded[f"{kind}_ticks_{name}"] for name in ("per_trade", "low", "high"))
    if value is None:
        return "-"
    return f"{value:+.2f}" if low is None else f"{value:+.2f} [{low:+.2f}, {high:+.2f}]"


def tables(results: Results) -> Iterator[dict[str, Any]]:
    """Of each metric that any model has: its title, a row for each model and for each baseline."""
    for metric, name in METRICS.items():
        models = [
            (model, *(figure(metric, value) for value in values))
            for model, values in _by_horizon(results, metric)
            if any(value is not None for value in values)
        ]
        if models:
            unit = ", %" if metric in SHARES else ""
            yield {
                "title": f"{name}{unit}",
                "models": models,
                "baselines": list(_naive(results, metric)),
            }


def _trades(results: Results) -> Iterator[tuple[str, ...]]:
    for name, model in results["models"].items():
        traded = model["backtest"]
        won = traded["win_rate"]
        yield (
            name,
            f"{traded['trades']:,}",
            ticks(traded, "gross"),
            ticks(traded),
            "-" if won is None else f"{won:.1%}",
            ticks(traded["last_move"]),
        )


def _by_horizon(results: Results, metric: str) -> Iterator[tuple[str, list[Any]]]:
    for name, model in results["models"].items():
        judged = [model["horizons"].get(str(horizon), {}) for horizon in results["horizons"]]
        yield name, [one.get("metrics", {}).get(metric) for one in judged]


def _naive(results: Results, metric: str) -> Iterator[tuple[str, ...]]:
    for name, by_horizon in results["baselines"].items():
        values = [by_horizon.get(str(one), {}).get(metric) for one in results["horizons"]]
        if any(value is not None for value in values):
            yield title(name), *(figure(metric, value) for value in values)
