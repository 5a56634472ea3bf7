"""`atb train cv`: one recipe, judged on every stretch of time in turn.

Knows the order of what is shown; what is learned and judged is the business of `atb.studies`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from atb_cli import options


@click.command("cv")
@click.argument("symbol")
@options.preset
@click.option(
    "--scheme",
    type=click.Choice(["walk-forward", "expanding", "kfold", "combinatorial"]),
    default="walk-forward",
    show_default=True,
    help="Learn from the group before, from all groups before, or from those around what is "
    "tested; combinatorial tests every pair of groups.",
)
@click.option(
    "--splits",
    type=click.IntRange(min=2),
    default=5,
    show_default=True,
    help="Groups of windows that are tested.",
)
@click.option(
    "--embargo",
    type=click.IntRange(min=0),
    metavar="BARS",
    help="Bars left out beyond the purge, on both sides; by default the preset's.",
)
@options.recipe
@options.jobs("Folds learned")
@options.engine
@options.artifacts
@options.as_json
@options.verbose
def command(
    symbol: str,
    preset: str,
    scheme: str,
    splits: int,
    embargo: int | None,
    assignments: tuple[str, ...],
    jobs: int | None,
    engine: str,
    address: str | None,
    artifacts: Path,
    as_json: bool,
    **fields: Any,
) -> None:
    """Cross-validate a recipe for SYMBOL: learn and judge it once for each fold.

    What a fold learns from is purged by the bar at which each label is known. No model is kept:
    the study's folder, printed on stdout, holds the out-of-fold predictions and all figures. One
    that was stopped goes on when the same command is given again. Everything else is said on
    stderr.
    """
    from atb.config.folds import FoldSpec
    from atb.fleet.engines import names as engines
    from atb.presets import resolve
    from atb_cli import cv_view, failing, progress, render

    embargoed = () if embargo is None else (f"dataset.embargo={embargo}",)
    recipe = resolve(preset, symbol, assignments=(*assignments, *embargoed), **fields).config
    folds = FoldSpec.of(scheme=scheme, splits=splits)
    cv_view.header(recipe, folds)
    from atb.studies.cross_validation import cross_validate  # after the header: it takes a second

    carrier = engines.engine(engine, jobs, address)
    with progress.shown() as listen:
        results, failures = cross_validate(
            recipe, folds, artifacts=artifacts, at_once=jobs, engine=carrier, listen=listen
        )
    cv_view.show(results)
    render.answer(results, results["path"], as_json)
    failing.end_as(failures, folds.count, of="folds")
