"""`atb train refresh`: the promoted model of a symbol made anew on newer rows, by a clock.

Knows how an outcome is said; what is done is `atb.plans.refresh`'s business.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from atb_cli import options

if TYPE_CHECKING:
    from atb.plans.refresh import Refreshed

EPILOG = """\b
Exit codes:
  0 promoted, or nothing is new    7 another process refreshes SYMBOL
  2 none of SYMBOL is promoted     8 trained and kept, but a gate refuses it:
  3 the candles cannot be had        what runs is unchanged
"""


@click.command("refresh", epilog=EPILOG)
@click.argument("symbol")
@click.option(
    "--candles",
    "--bonds",
    "candles",
    type=click.Path(path_type=Path),
    help="File of candles, or of par yields, old and new; by default the model's own file, or the "
    "exchange.",
)
@click.option(
    "--policy",
    type=click.Choice(["auto", "warm", "anew"]),
    default="auto",
    show_default=True,
    help="Begin with the promoted model's weights, or with none; auto: with them, unless the newer "
    "rows have drifted.",
)
@options.gates
@options.artifacts
@options.as_json
@options.verbose
def command(
    symbol: str, candles: Path | None, policy: Any, gates: str, artifacts: Path, as_json: bool
) -> None:
    """Train the promoted model of SYMBOL on newer rows; promote it if it passes the gates.

    Made for cron: one line on stdout, a second call beside it is refused, one that was killed is
    taken up by the next, and where nothing is new nothing is done.
    """
    from dataclasses import asdict

    from atb.errors import GateRefusedError
    from atb.plans.refresh import refresh
    from atb_cli import progress, render

    with progress.shown() as listen:
        found = refresh(
            symbol,
            artifacts=artifacts,
            candles=candles,
            policy=policy,
            gates=gates,
            listen=listen,
        )
    if as_json:
        render.json_line(asdict(found))
    else:
        click.echo(_line(found))
    if found.state == "refused":
        raise click.exceptions.Exit(GateRefusedError.exit_code)


def _line(found: Refreshed) -> str:
    """The outcome in one line."""
    said = [_unchanged(found)] if found.state == "unchanged" else _made(found)
    if found.newest:
        said.append(_newest(found.newest))
    if found.refused:
        said.append(f"refused by {', '.join(found.refused)}")
    return f"{found.symbol}: {'; '.join(said)}; {found.running} runs"


def _made(found: Refreshed) -> list[str]:
    trained = f"{found.model} trained {_WAYS[str(found.way)]}"
    return [f"{found.rows:,} newer rows", str(found.drift), trained]


def _unchanged(found: Refreshed) -> str:
    if found.model:
        return f"nothing is new since {found.model} was made"
    return f"{found.rows} newer rows are too few" if found.rows else "nothing is new"


_WAYS = {"warm": "from its weights", "anew": "anew"}


def _newest(newest: Any) -> str:
    worse = newest["worse"]
    how = "worse" if worse > 0 else "better"
    return f"{newest['metric']} {abs(worse):.2%} {how} on {newest['rows']:,} newest rows"
