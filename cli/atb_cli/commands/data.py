"""`atb data`: fetch candles, check what is given, list what is stored.

Knows neither exchanges nor file formats.
"""

from __future__ import annotations

from pathlib import Path

import click

from atb_cli import options
from atb_cli.commands import check


@click.group("data")
def command() -> None:
    """Fetch, check and list candles; check order books."""


command.add_command(check.command)


@command.command("fetch")
@click.argument("symbol")
@options.timeframe
@options.start
@options.end
@options.artifacts
@options.as_json
@options.verbose
def fetch(
    symbol: str,
    timeframe: str | None,
    start: str | None,
    end: str | None,
    artifacts: Path,
    as_json: bool,
) -> None:
    """Download candles of SYMBOL from Binance into the local store.

    Without dates, the last two years. What is stored already is not fetched again.
    """
    from atb.config.data import CandleData
    from atb.market.load import load
    from atb.workspace import Workspace
    from atb_cli import progress, render

    words = {"timeframe": timeframe, "start": start, "end": end}
    given = {name: value for name, value in words.items() if value is not None}
    spec = CandleData.of(**given, source="binance")
    workspace = Workspace(artifacts)
    workspace.require_writable()
    with progress.shown() as listen:
        candles = load(symbol, spec, workspace, listen)
    path = workspace.candles(symbol, spec.timeframe)
    if as_json:
        render.json_line({"path": str(path), **check.candle_facts(candles)})
    else:
        click.echo(path)


@command.command("list")
@options.artifacts
@options.as_json
@options.verbose
def list_(artifacts: Path, as_json: bool) -> None:
    """List the candles in the local store."""
    from dataclasses import asdict

    from atb.clock import iso
    from atb.market import store
    from atb.workspace import Workspace
    from atb_cli import render

    found = [asdict(stored) for stored in store.listing(Workspace(artifacts))]
    for row in found:
        row["first"], row["last"] = iso(row.pop("first_ms")), iso(row.pop("last_ms"))
    if as_json:
        render.json_line({"candles": found})
    elif found:
        render.print_answer(render.table(list(found[0]), [list(row.values()) for row in found]))
    else:
        click.echo(f"no candles in {artifacts}; get some with: atb data fetch BTCUSDT", err=True)
