"""`atb data check`: count everything that is wrong with candles, or with an order book.

Knows neither file formats nor what is wrong with what: it shows a report and ends as it says.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from atb_cli import options
from atb_cli.default_group import DefaultGroup

if TYPE_CHECKING:
    from atb.market.candles import Candles
    from atb.market.findings import Finding, Report
    from atb.market.history import History
    from atb.market.lob.book import Book


class _CandlesByDefault(DefaultGroup):
    default = "candles"


@click.group("check", cls=_CandlesByDefault)
def command() -> None:
    """Count everything wrong with market data: PATH|SYMBOL of candles, or lob PATH|SYMBOL."""


@command.command("candles")
@click.argument("candles", metavar="PATH|SYMBOL")
@options.timeframe
@options.artifacts
@options.as_json
@options.verbose
def candles_(candles: str, timeframe: str | None, artifacts: Path, as_json: bool) -> None:
    """Count everything wrong with candles; exit 3 if training would refuse them.

    Of a file without --timeframe, the commonest step between its bars is taken.
    """
    from atb.market import checks
    from atb.market.load import unchecked
    from atb.workspace import Workspace

    found = unchecked(candles, timeframe, Workspace(artifacts))
    report = checks.inspect(found)
    _answer(candle_facts(found), report, as_json)
    checks.require(report, candles)


@command.command("lob")
@click.argument("book", metavar="PATH|SYMBOL")
@click.option("--symbol", metavar="TEXT", help="Which market, where a folder holds several.")
@options.artifacts
@options.as_json
@options.verbose
def lob(book: str, symbol: str | None, artifacts: Path, as_json: bool) -> None:
    """Count everything wrong with an order book; exit 3 if training would refuse it.

    PATH is a LOBSTER zip, folder or one of its two files, level snapshots as Parquet or CSV, or an
    FI-2010 matrix; of a stored SYMBOL all days are checked.
    """
    from atb.market.lob import checks
    from atb.market.lob.load import unchecked
    from atb.workspace import Workspace
    from atb_cli import progress

    with progress.shown() as listen:
        found = unchecked(book, symbol, Workspace(artifacts), listen)
    report = checks.inspect(found)
    _answer(book_facts(found), report, as_json)
    checks.require(report, book)


def candle_facts(candles: Candles) -> dict[str, Any]:
    """What candles these are, ready for JSON."""
    return {"symbol": candles.symbol, "timeframe": candles.timeframe, **_facts(candles)}


def book_facts(book: Book) -> dict[str, Any]:
    """What book this is, ready for JSON."""
    shape = {"levels": book.depth, "tick": book.tick, "sessions": len(set(book.session.tolist()))}
    return {"symbol": book.symbol, **shape, **_facts(book)}


def _facts(history: History) -> dict[str, Any]:
    from atb.clock import iso

    return {
        "rows": len(history),
        "first": iso(int(history.time[0])) if len(history) else None,
        "last": iso(int(history.time[-1])) if len(history) else None,
        "source": history.source,
        "synthetic": history.synthetic,
    }


def _answer(facts: dict[str, Any], report: Report, as_json: bool) -> None:
    from atb_cli import render

    if as_json:
        refused = [finding.check.name for finding in report.fatal]
        render.json_line({**facts, "counts": report.counts, "fatal": refused})
        return
    rows = [(f.check.name, f.count, _severity(f), _place(report, f)) for f in report.findings]
    counts = render.table(("check", "count", "", "first"), rows)
    render.print_answer(render.pairs(facts.items()), counts)


def _severity(found: Finding) -> str:
    if not found.count:
        return "ok"
    return "refused" if found.check.fatal else "noted"


def _place(report: Report, found: Finding) -> str:
    return "" if found.row is None else report.place(found.row)
