"""`atb tune`: many values of a preset's fields, and the best of them as a new preset.

Knows the order of what is shown; what is tried is the business of `atb.studies`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from atb_cli import options


@click.command("tune")
@click.argument("symbol")
@options.preset
@click.option(
    "--trials",
    type=click.IntRange(min=1),
    default=50,
    show_default=True,
    help="Recipes to try; the first is the preset as it is.",
)
@click.option(
    "--cv",
    is_flag=True,
    help="Measure each on five folds before the test part, not on one validation part.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The new preset's file; by default PRESET-tuned.yaml in the study's folder.",
)
@options.recipe
@options.jobs("Trials")
@options.engine
@options.artifacts
@options.as_json
@options.verbose
def command(
    symbol: str,
    preset: str,
    trials: int,
    cv: bool,
    output: Path | None,
    assignments: tuple[str, ...],
    jobs: int | None,
    engine: str,
    address: str | None,
    artifacts: Path,
    as_json: bool,
    **fields: Any,
) -> None:
    """Try what the search block of a preset names, for SYMBOL, and write the best as a preset.

    Only validation rows decide; test rows are left to the training with the new preset. A study
    that was stopped goes on when the same command is given again. The new preset's file is printed
    on stdout, everything else on stderr.
    """
    from atb.fleet.engines import names as engines
    from atb.presets import resolve
    from atb_cli import progress, render, tune_view

    recipe = resolve(preset, symbol, assignments=assignments, **fields)
    tune_view.header(recipe, trials)
    from atb.studies.tune import tune  # after the header: reading libraries takes a second

    carrier = engines.engine(engine, jobs, address)
    with progress.shown() as listen:
        results = tune(
            recipe,
            trials=trials,
            cv=cv,
            output=output,
            artifacts=artifacts,
            at_once=jobs,
            engine=carrier,
            listen=listen,
        )
    tune_view.show(results, recipe)
    render.answer(results, results["output"], as_json)
