"""`atb backtest`: trade a model's predictions on rows it may never have seen, with costs.

Knows no formula, and serves the ONNX file alone: TensorFlow is not imported.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import click

from atb_cli import options


class Amount(click.FloatRange):
    """A number from zero up; click alone takes `nan` and `inf` for one."""

    def convert(self, value: Any, param: Any, ctx: Any) -> float:
        """The number, or a usage error."""
        number = float(super().convert(value, param, ctx))
        if not math.isfinite(number):
            self.fail(f"{value} is not a finite number", param, ctx)
        return number


AMOUNT = Amount(min=0)


@click.command("backtest")
@options.model
@click.option(
    "--candles",
    "--book",
    "path",
    type=click.Path(path_type=Path),
    required=True,
    help="File of candles, or of the order book, to trade on.",
)
@options.start
@options.end
@click.option(
    "--threshold",
    type=AMOUNT,
    help="Basis points of return, or points of probability, a prediction must exceed.",
)
@click.option("--fee", type=AMOUNT, help="Basis points of the traded value, per side.")
@click.option(
    "--slippage", type=AMOUNT, help="Basis points of the traded value, per side; for candles."
)
@click.option(
    "--positions",
    type=click.Choice(["long_flat", "long_short"]),
    help="What to hold; for candles.",
)
@click.option(
    "--latency",
    type=click.IntRange(min=0),
    metavar="EVENTS",
    help="From a prediction to the book its order meets; for a book.",
)
@click.option(
    "--hold",
    type=click.IntRange(min=1),
    metavar="EVENTS",
    help="Kept after the last prediction that asked for it; for a book.",
)
@options.artifacts
@options.as_json
@options.verbose
def command(
    model: str,
    path: Path,
    start: str | None,
    end: str | None,
    artifacts: Path,
    as_json: bool,
    **trading: Any,
) -> None:
    """Trade a model's predictions on other candles, or another book, beside a naive rule.

    Candles are compared with buy and hold, a book with following the last move. What is left out
    of threshold, fee and the like stays as the model was judged with.
    """
    from atb.registry import store
    from atb.runtime.replay import replay
    from atb.workspace import Workspace
    from atb_cli import progress, render, result_view

    version = store.find(Workspace(artifacts), model)
    given = {name: value for name, value in trading.items() if value is not None}
    with progress.shown() as listen:
        done = replay(version.path, path, start=start, end=end, trading=given, listen=listen)
    if done.synthetic:
        render.loudly(result_view.SYNTHETIC)
    traded = done.backtest.to_json()
    if as_json:
        spec = done.trading.model_dump()
        render.json_line({"model": str(version.path), "trading": spec, **traded})
    else:
        render.print_answer(result_view.backtest(traded))
