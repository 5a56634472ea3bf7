"""`atb audit`: whether features, labels, splits or scalers know what they cannot know yet.

Knows neither features nor checks: it says what is to be audited and shows what was found.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from atb_cli import options

if TYPE_CHECKING:
    from atb.audit.planted import Trial
    from atb.audit.report import Audit
    from atb.config.data import AnyData
    from atb.market.history import History

SEED = 7
SYMBOL = "SAMPLE"


@click.group("audit")
def command() -> None:
    """Look for lookahead: in atb's features and recipes, or in features of your own."""


@command.command("lookahead")
@click.option("--features", metavar="SET", help="One feature set of atb.")
@click.option(
    "--module",
    metavar="FILE.py|PACKAGE.MODULE",
    help="Features of your own: functions that take a frame of candles.",
)
@click.option("--preset", metavar="NAME|FILE.yaml", help="All that a recipe makes of its data.")
@click.option(
    "--candles",
    type=click.Path(path_type=Path),
    metavar="PATH|SYMBOL",
    help="Candles to run on; simulated ones by default.",
)
@click.option(
    "--book",
    type=click.Path(path_type=Path),
    help="Order book to run on, likewise.",
)
@click.option(
    "--bonds",
    type=click.Path(path_type=Path),
    help="Par yields to run on, likewise.",
)
@click.option(
    "--bars",
    type=click.IntRange(min=20),
    default=300,
    show_default=True,
    help="Rows that are each computed again from what came before them.",
)
@options.artifacts
@options.as_json
@options.verbose
def lookahead(bars: int, artifacts: Path, as_json: bool, **given: Any) -> None:
    """Run code on less data and with another future, and compare; exit 3 if anything changes.

    Without an option, everything that comes with atb is audited: feature sets and targets. A
    module's functions take a pandas DataFrame with date, open, high, low, close and volume, and
    return one value per row, or the frame with columns added or changed.
    """
    from atb.audit import report, rows
    from atb.errors import UsageError
    from atb.workspace import Workspace
    from atb_cli import render

    paths = {market: given.pop(market) for market in ("candles", "book", "bonds")}
    chosen = {name: value for name, value in given.items() if value is not None}
    if len(chosen) > 1:
        names = " and ".join(f"--{name}" for name in chosen)
        raise UsageError(f"{names} are given", remedy="audit one thing at a time")

    def history(data: AnyData) -> History:
        market = data.kind
        other = [name for name in paths if name != market and paths[name] is not None]
        if chosen and other:
            raise UsageError(
                f"--{other[0]} is given, what is audited is of {market}",
                remedy=f"leave it out, or name rows with --{market}",
            )
        return rows.of(data, paths[market], Workspace(artifacts))

    subject, value = next(iter(chosen.items()), ("everything", ""))
    audits = _AUDITS[subject](value, history, bars)
    if as_json:
        clean = all(audit.clean for audit in audits)
        render.json_line({"clean": clean, "audits": [audit.to_json() for audit in audits]})
    else:
        _show(audits)
    report.require_clean(audits)


def _module(reference: str, history: Any, bars: int) -> list[Audit]:
    from atb.audit import own
    from atb.config.data import CandleData

    found = own.load(reference)
    if found.left_out:
        click.echo(
            f"left out, because they take none or several arguments: {', '.join(found.left_out)}",
            err=True,
        )
    candles = history(CandleData())
    if len(candles) > bars:
        click.echo(
            f"each of the last {bars} of {len(candles)} rows is computed from its past alone; "
            "a leak that strikes on an earlier one only is found with more --bars",
            err=True,
        )
    return [own.audit(found, candles, bars)]


def _features(name: str, history: Any, bars: int) -> list[Audit]:
    from atb.config.data import HISTORIES
    from atb.config.features import market_of

    rows = history(HISTORIES[market_of(name)]())
    _tensorflow()
    from atb.audit import shipped

    return [shipped.audit(name, rows, bars)]


def _preset(name: str, history: Any, bars: int) -> list[Audit]:
    from atb import presets

    config = presets.resolve(name, SYMBOL).config
    rows = history(config.data)
    _tensorflow()
    from atb.audit import preset

    return [preset.audit(config, rows, bars)]


def _everything(_: str, history: Any, bars: int) -> list[Audit]:
    from atb.config.data import HISTORIES
    from atb.config.features import market_of
    from atb.config.targets import TARGETS

    histories = {market: history(data()) for market, data in HISTORIES.items()}
    _tensorflow()
    from atb.audit import shipped, targets

    return [
        *(shipped.audit(s, histories[market_of(s)], bars) for s in shipped.largest_sets()),
        *(targets.audit(t(), histories[t.market], bars) for t in TARGETS.values()),
    ]


_AUDITS = {
    "module": _module,
    "features": _features,
    "preset": _preset,
    "everything": _everything,
}


def _tensorflow() -> None:
    from atb import backend
    from atb.extras import require_installed

    require_installed("train")
    backend.prepare(SEED)


def _show(audits: Sequence[Audit]) -> None:
    """A line for each audit; every feature of a module, of others those that are not clean."""
    from atb_cli import render

    columns = ("what", "name", "rows", "features", "clean", "checks", "faults")
    lines = [
        (
            audit.kind,
            audit.name,
            audit.rows,
            len(audit.findings),
            sum(found.verdict == "clean" for found in audit.findings),
            len(audit.checks),
            len(audit.faults),
        )
        for audit in audits
    ]
    parts = [render.table(columns, lines)]
    shown = [
        (found.name, found.verdict, found.rows, found.time or None, _read(found), found.check)
        for audit in audits
        for found in audit.findings
        if audit.kind == "module" or found.verdict != "clean"
    ]
    if shown:
        names = ("feature", "verdict", "rows changed", "first", "reads, rows ahead", "found by")
        parts.append(render.table(names, shown))
    faults = [
        (audit.name, fault.check, fault.rows, fault.time, fault.what)
        for audit in audits
        for fault in audit.faults
    ]
    if faults:
        parts.append(render.table(("name", "check", "rows", "first", "fault"), faults))
    render.print_answer(*parts)


def _read(found: Any) -> str | None:
    """`close; 2 ahead`, as far as it is known."""
    if found.verdict != "leak":
        return None
    what = ", ".join(found.read) or "how many rows follow"
    return what if found.ahead is None else f"{what}; {found.ahead} ahead"


@command.command("planted")
@options.as_json
@options.verbose
def planted(as_json: bool) -> None:
    """Audit the audit: leaks planted on purpose, and honest code; exit 1 if it errs about any."""
    from atb.extras import require_installed
    from atb_cli import render

    require_installed("train")
    from atb.audit import planted as suite  # not earlier: it imports scikit-learn

    trials = suite.run()
    figures = {
        "planted": sum(trial.leak for trial in trials),
        "found": sum(trial.leak and trial.found for trial in trials),
        "fair": sum(not trial.leak for trial in trials),
        "false_alarms": sum(trial.found and not trial.leak for trial in trials),
    }
    if as_json:
        render.json_line({**figures, "trials": [trial.to_json() for trial in trials]})
    else:
        render.print_answer(
            render.table(_COLUMNS, map(_line, trials)), render.pairs(figures.items())
        )
    if not all(trial.right for trial in trials):
        raise click.exceptions.Exit(1)


_COLUMNS = ("kind", "name", "what", "leak", "found", "rows", "found by")


def _line(trial: Trial) -> tuple[Any, ...]:
    rows = trial.rows if trial.found else None
    return (trial.kind, trial.name, trial.what, trial.leak, trial.found, rows, trial.check or None)
