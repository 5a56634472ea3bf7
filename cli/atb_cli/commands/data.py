"""`atb data`: fetch candles, count what is wrong with them, list what is stored.

Knows neither exchanges nor file formats.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from atb_cli import options

if TYPE_CHECKING:
    from atb.market.candles import Candles
    from atb.market.findings import Finding, Report


@click.group("data")
def command() -> None:
    """Fetch, check and list candles."""


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
        render.json_line({"path": str(path), **_facts(candles)})
    else:
        click.echo(path)


@command.command("check")
@click.argument("candles", metavar="PATH|SYMBOL")
@options.timeframe
@options.artifacts
@options.as_json
@options.verbose
def check(candles: str, timeframe: str | None, artifacts: Path, as_json: bool) -> None:
    """Count everything wrong with candles; exit 3 if training would refuse them.

    Of a file without --timeframe, the commonest step between its bars is taken.
    """
    from atb.market import checks
    from atb.market.load import unchecked
    from atb.workspace import Workspace
    from atb_cli import render

    found = unchecked(candles, timeframe, Workspace(artifacts))
    report = checks.inspect(found)
    if as_json:
        refused = [finding.check.name for finding in report.fatal]
        render.json_line({**_facts(found), "counts": report.counts, "fatal": refused})
    else:
        rows = [(f.check.name, f.count, _severity(f), _place(report, f)) for f in report.findings]
        counts = render.table(("check", "count", "", "first"), rows)
        render.print_answer(render.pairs(_facts(found).items()), counts)
    checks.require(report, candles)


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


def _facts(candles: Candles) -> dict[str, Any]:
    """What candles these are, ready for JSON."""
    from atb.clock import iso

    return {
        "symbol": candles.symbol,
        "timeframe": candles.timeframe,
        "rows": len(candles),
        "first": iso(int(candles.time[0])) if len(candles) else None,
        "last": iso(int(candles.time[-1])) if len(candles) else None,
        "source": candles.source,
        "synthetic": candles.synthetic,
    }


def _severity(found: Finding) -> str:
    if not found.count:
        return "ok"
    return "refused" if found.check.fatal else "noted"


def _place(report: Report, found: Finding) -> str:
    return "" if found.row is None else report.place(found.row)
