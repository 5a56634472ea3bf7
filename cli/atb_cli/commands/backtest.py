"""`atb backtest`: trade a model's predictions on candles it may never have seen, with costs.

Knows no formula, and serves the ONNX file alone: TensorFlow is not imported.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from atb_cli import options

COST = click.FloatRange(min=0)


@click.command("backtest")
@options.model
@click.option(
    "--candles",
    type=click.Path(path_type=Path),
    required=True,
    help="CSV, Parquet or Feather file to trade on.",
)
@options.start
@options.end
@click.option(
    "--threshold",
    type=COST,
    help="Basis points of return, or points of probability, a prediction must exceed.",
)
@click.option("--fee", type=COST, help="Basis points of the traded value, per side.")
@click.option("--slippage", type=COST, help="Basis points of the traded value, per side.")
@click.option("--positions", type=click.Choice(["long_flat", "long_short"]), help="What to hold.")
@options.artifacts
@options.as_json
@options.verbose
def command(
    model: str,
    candles: Path,
    start: str | None,
    end: str | None,
    artifacts: Path,
    as_json: bool,
    **trading: Any,
) -> None:
    """Trade a model's predictions on other candles and compare with buy and hold.

    What is left out of threshold, fee, slippage and positions stays as the model was judged with.
    """
    from atb.backtest import hooks
    from atb.clock import iso
    from atb.config.data import DataSpec
    from atb.config.trading import TradingSpec
    from atb.config.training import TrainingConfig
    from atb.events import Warned
    from atb.market.load import load
    from atb.registry import integrity, store
    from atb.runtime.predictor import score
    from atb.workspace import Workspace
    from atb_cli import progress, render, result_view

    workspace = Workspace(artifacts)
    version = store.find(workspace, model)
    integrity.verify(version.path)
    config = TrainingConfig.model_validate_json((version.path / "config.json").read_text())
    given = {name: value for name, value in trading.items() if value is not None}
    spec = TradingSpec.model_validate({**config.trading.model_dump(), **given})
    data = DataSpec(
        timeframe=config.data.timeframe, start=start, end=end, source="file", path=candles
    )
    metadata = json.loads((version.path / "metadata.json").read_text())
    with progress.shown() as listen:
        found = load(config.symbol, data, workspace, listen)
        last_seen = metadata["dataset"]["periods"]["validation"][1]
        if iso(int(found.time[0])) <= last_seen:
            listen(Warned(f"the model learned from bars up to {last_seen}; trust only later ones"))
    if found.synthetic or metadata["synthetic"]:
        render.loudly(result_view.SYNTHETIC)
    traded = hooks.find(spec.hook)(score(version.path, found), found, spec).to_json()
    if as_json:
        render.json_line({"model": str(version.path), "trading": spec.model_dump(), **traded})
    else:
        render.print_answer(result_view.backtest(traded))
