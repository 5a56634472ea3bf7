"""`atb data`: fetch candles, import and check what is given, list what is stored.

Knows neither exchanges nor file formats.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from atb_cli import options
from atb_cli.commands import check, data_import

if TYPE_CHECKING:
    from atb.workspace import Workspace


@click.group("data")
def command() -> None:
    """Fetch, import, check and list candles and order books."""


command.add_command(check.command)
command.add_command(data_import.command)


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
    """List the candles and order books in the local store."""
    from atb.workspace import Workspace
    from atb_cli import render

    workspace = Workspace(artifacts)
    found = {"candles": _stored_candles(workspace), "books": _stored_books(workspace)}
    if as_json:
        render.json_line(found)
    elif any(found.values()):
        tables = [
            render.titled(kind, render.table(list(rows[0]), [list(row.values()) for row in rows]))
            for kind, rows in found.items()
            if rows
        ]
        render.print_answer(*tables)
    else:
        click.echo(
            f"nothing is stored in {artifacts}; get candles with: atb data fetch BTCUSDT, "
            "or keep an order book with: atb data import PATH",
            err=True,
        )


def _stored_candles(workspace: Workspace) -> list[dict[str, Any]]:
    from dataclasses import asdict

    from atb.market import store

    return [_dated(asdict(stored)) for stored in store.listing(workspace)]


def _stored_books(workspace: Workspace) -> list[dict[str, Any]]:
    from dataclasses import asdict

    from atb.market.lob import store

    rows = []
    for stored in store.listing(workspace):
        facts = asdict(stored.facts)
        del facts["units_per_tick"]
        rows.append({"day": stored.day, **_dated(facts), "bytes": stored.bytes})
    return rows


def _dated(row: dict[str, Any]) -> dict[str, Any]:
    """A row whose times are texts, at its end."""
    from atb.clock import iso

    row["first"], row["last"] = iso(row.pop("first_ms")), iso(row.pop("last_ms"))
    return row
