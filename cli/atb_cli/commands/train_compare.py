"""`atb train compare`: presets side by side on the same candles, quality against speed.

Knows the order of what is shown; what is trained and judged is the business of `atb.studies`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from atb_cli import options


@click.command("compare")
@click.argument("symbol")
@click.option(
    "--presets",
    "names",
    default="fast,balanced,quality,legacy",
    show_default=True,
    metavar="NAMES",
    help="Presets or preset files with commas between them.",
)
@click.option(
    "--seeds",
    type=click.IntRange(min=1),
    default=3,
    show_default=True,
    help="Trainings of each preset, each with a seed of its own.",
)
@click.option(
    "--against",
    metavar="NAME",
    help="Preset the others are measured against; by default legacy, or else the last.",
)
@options.recipe
@options.jobs("Models trained")
@options.engine
@options.artifacts
@options.as_json
@options.verbose
def command(
    symbol: str,
    names: str,
    seeds: int,
    against: str | None,
    assignments: tuple[str, ...],
    jobs: int | None,
    engine: str,
    address: str | None,
    artifacts: Path,
    as_json: bool,
    **fields: Any,
) -> None:
    """Train presets for SYMBOL with several seeds each and compare time and quality.

    All learn from the same rows and are judged on the same. A comparison that was stopped goes on
    when the same command is given again. Its folder is printed on stdout, everything else on
    stderr; its models are registered like any other.
    """
    from atb.fleet.engines import names as engines
    from atb.studies.compare import compare, recipes
    from atb_cli import compare_view, failing, progress, render

    wanted = [name.strip() for name in names.split(",") if name.strip()]
    members = recipes(wanted, symbol, seeds, assignments, **fields)
    compare_view.header(members, seeds)
    carrier = engines.engine(engine, jobs, address)
    with progress.shown() as listen:
        results, failures = compare(
            members,
            yardstick=against,
            artifacts=artifacts,
            at_once=jobs,
            engine=carrier,
            listen=listen,
        )
    compare_view.show(results)
    render.answer(results, results["path"], as_json)
    failing.end_as(failures, len(members))
