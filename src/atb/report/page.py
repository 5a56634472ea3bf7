"""One self-contained page about a model: what it is, how good it is, what it would have earned."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
from jinja2 import Environment

from atb.report import record
from atb.report.record import Run

Float64 = npt.NDArray[np.float64]

WIDTH, HEIGHT, POINTS = 760, 220, 400

TEMPLATE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{{ run.config.symbol }} {{ run.version }}</title>
<style>
body { font: 15px/1.5 system-ui, sans-serif; max-width: 800px; margin: 2em auto; padding: 0 1em; }
table { border-collapse: collapse; width: 100%; margin: 1em 0; }
td, th { padding: .25em .6em; border-bottom: 1px solid #ddd; text-align: right; }
td:first-child, th:first-child { text-align: left; }
.synthetic { background: #b00; color: #fff; padding: .5em 1em; }
svg { width: 100%; background: #fafafa; } polyline { fill: none; stroke-width: 1.5; }
</style></head><body>
<h1>{{ run.config.symbol }} · {{ run.config.name }} · {{ run.version }}</h1>
{% if run.candles.synthetic %}
<p class="synthetic">SYNTHETIC DATA: these candles were simulated and say nothing about a market.</p>
{% endif %}
<p><strong>{{ run.verdict.words }}</strong></p>
<p>{{ data.rows }} {{ run.candles.timeframe }} candles from {{ data.source }}, {{ data.first }} to
{{ data.last }}, {{ data.gaps }} gaps. {{ run.fitted.history | length }} epochs, best
{{ run.fitted.best_epoch }}: {{ run.fitted.reason }}.</p>
<h2>Test rows, read once</h2>
<table><tr><th>metric</th><th>model</th><th>baseline</th><th></th><th>difference, 95 %</th></tr>
{% for name, value in run.verdict.metrics.items() %}{% set d = run.verdict.differences.get(name) %}
<tr><td>{{ name }}</td><td>{{ value | figure }}</td>
{% if d %}<td>{{ run.verdict.baselines[d.baseline][name] | figure }}</td><td>{{ d.baseline }}</td>
<td>{{ d.low | figure }} to {{ d.high | figure }}</td>{% endif %}</tr>
{% endfor %}</table>
<h2>Backtest, net of {{ run.config.trading.fee + run.config.trading.slippage }} basis points a side</h2>
<svg viewBox="0 0 {{ width }} {{ height }}" role="img" aria-label="equity curve">
<polyline stroke="#06c" points="{{ curve }}"/></svg>
<table><tr><th></th><th>model</th><th>buy and hold</th></tr>
{% for name, value in backtest.items() if name != "buy_and_hold" %}
<tr><td>{{ name }}</td><td>{{ value | figure }}</td>
<td>{{ backtest.buy_and_hold[name] | figure if name in backtest.buy_and_hold }}</td></tr>
{% endfor %}</table>
</body></html>
"""


def write(run: Run, path: Path) -> None:
    """Write the page, with nothing in it that must be loaded from elsewhere."""
    environment = Environment(autoescape=True)
    environment.filters["figure"] = lambda value: (
        f"{value:.6g}" if isinstance(value, float) else value
    )
    page = environment.from_string(TEMPLATE).render(
        run=run,
        data=record.data(run.candles),
        backtest=run.backtest.to_json(),
        curve=_points(run.backtest.equity),
        width=WIDTH,
        height=HEIGHT,
    )
    path.write_text(page, encoding="utf-8")


def _points(equity: Float64) -> str:
    """The curve as SVG coordinates, thinned to what a screen can show."""
    chosen = np.unique(np.linspace(0, len(equity) - 1, POINTS).astype(np.int64))
    low, span = float(equity.min()), float(np.ptp(equity)) or 1.0
    x = chosen / max(len(equity) - 1, 1) * WIDTH
    y = HEIGHT * (0.95 - 0.9 * (equity[chosen] - low) / span)
    return " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))
