"""How good several models are, as one picture: a dot and an interval for each, baselines as lines.

Knows the keys of `atb.studies.suite_results`, and computes nothing.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

from atb.evaluation.baselines import title
from atb.extras import require

METRICS = {"accuracy": "accuracy", "macro_f1": "macro F1"}
COLOURS = {"probabilities": "#0b62c4", "move": "#2e7d32"}  # by what a model says
KINDS = {"probabilities": "network", "move": "line, its moves cut into classes"}
LINES = {"random": ("#778", ":"), "majority": ("#c2571a", "--"), "last_move": ("#7b3fa0", "-.")}
WIDTH, ROW_HEIGHT, MARGIN = 3.0, 0.26, 0.9  # inches: of a panel, of a model in it, of its title
DOTS_PER_INCH = 130

Results = Mapping[str, Any]


def png(results: Results) -> bytes:
    """The picture: a row of panels for each metric, one panel for each horizon.

    Raises:
        ResourceError: when matplotlib is not installed.
    """
    horizons = results["horizons"]
    height = 2 * (ROW_HEIGHT * len(results["models"]) + MARGIN) + MARGIN
    width = WIDTH * max(len(horizons), 2) + 1.5
    figure = require("matplotlib.figure", extra="train").Figure(
        figsize=(width, height), layout="constrained"
    )
    panels = figure.subplots(len(METRICS), len(horizons), sharex="row", sharey=True, squeeze=False)
    for row, metric in zip(panels, METRICS, strict=True):
        for panel, horizon in zip(row, horizons, strict=True):
            _panel(panel, results, metric, str(horizon))
    figure.suptitle(_heading(results), color="#b3261e" if results["book"]["synthetic"] else None)
    figure.legend(
        handles=_legend(results), loc="outside lower center", ncols=1 + len(horizons), frameon=False
    )
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=DOTS_PER_INCH)
    return stream.getvalue()


def _heading(results: Results) -> str:
    loud = "SYNTHETIC DATA: this says nothing about a market\n" if _synthetic(results) else ""
    rows = results["windows"]["test"]
    return f"{loud}{results['symbol']}: {rows:,} test rows, 95 % intervals"


def _synthetic(results: Results) -> bool:
    return bool(results["book"]["synthetic"])


def _panel(panel: Any, results: Results, metric: str, horizon: str) -> None:
    """One metric at one horizon, the first model on top."""
    for name, by_horizon in results["baselines"].items():
        value = by_horizon.get(horizon, {}).get(metric)
        if value is not None:
            colour, style = LINES[name]
            panel.axvline(value, color=colour, linestyle=style, linewidth=1.2)
    for place, model in enumerate(results["models"].values()):
        figure = model["horizons"].get(horizon, {}).get("metrics", {}).get(metric)
        if figure is not None:
            colour = COLOURS[model["output"]]
            panel.plot([figure["low"], figure["high"]], [place, place], color=colour, alpha=0.6)
            panel.plot(figure["value"], place, "o", color=colour, markersize=4)
    panel.set_yticks(range(len(results["models"])), list(results["models"]))
    panel.set_ylim(len(results["models"]) - 0.4, -0.6)
    panel.set_title(f"{METRICS[metric]}, {horizon} rows ahead", fontsize=10)
    panel.xaxis.set_major_formatter(lambda share, _place: f"{100 * share:g} %")
    panel.grid(axis="x", alpha=0.3)


def _legend(results: Results) -> list[Any]:
    line = require("matplotlib.lines", extra="train").Line2D
    outputs = {model["output"] for model in results["models"].values()}
    dots = [
        line([], [], color=COLOURS[one], marker="o", markersize=4, label=KINDS[one])
        for one in KINDS
        if one in outputs
    ]
    return dots + [
        line([], [], color=LINES[name][0], linestyle=LINES[name][1], label=title(name))
        for name in results["baselines"]
    ]
