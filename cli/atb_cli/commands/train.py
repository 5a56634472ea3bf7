"""`atb train`: from candles to a verified model.

Knows the order of what is shown; what is computed is `atb.pipeline`'s business.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from atb_cli import options, tracking
from atb_cli.commands import (
    estimate,
    train_compare,
    train_cv,
    train_ensemble,
    train_lob,
    train_plan,
    train_refresh,
)

if TYPE_CHECKING:
    from atb.config.training import TrainingConfig
    from atb.report.sinks.publish import Sinks
    from atb.runs import Run
    from atb.walk import TrainingResult


@click.group("train")
def command() -> None:
    """Train models."""


command.add_command(estimate.command)
command.add_command(train_compare.command)
command.add_command(train_cv.command)
command.add_command(train_ensemble.command)
command.add_command(train_lob.command)
command.add_command(train_plan.command)
command.add_command(train_refresh.command)


@command.command("model")
@click.argument("symbols", nargs=-1, required=True, metavar="SYMBOL...")
@options.presets
@options.recipe
@click.option(
    "--auto-batch-size",
    is_flag=True,
    help="The largest batch that memory holds, at most 1/16 of the train windows unless more are "
    "asked for, and a learning rate to go with it; for a single model.",
)
@options.jobs("Models trained")
@options.engine
@options.share
@tracking.options
@options.artifacts
@options.as_json
@options.verbose
def model(
    symbols: tuple[str, ...],
    preset: str,
    assignments: tuple[str, ...],
    auto_batch_size: bool,
    jobs: int | None,
    engine: str,
    address: str | None,
    share: str | None,
    tensorboard: str | None,
    mlflow: str | None,
    artifacts: Path,
    as_json: bool,
    **fields: Any,
) -> None:
    """Train a model for SYMBOL, judge it, export it and keep it.

    Several SYMBOLs, or presets, are trained side by side; given again, the same command goes on
    where it stopped. In a folder, or a pattern such as 'DIR/*perp*', given as --candles each
    symbol's file is found by its name. An option left out keeps the preset's value; see: atb
    presets show NAME. The folder of the model, or of the results of several, is printed on stdout,
    everything else on stderr.
    """
    from atb.fleet.engines import names
    from atb.plans import shorthand

    presets = shorthand.presets_of(preset)
    elsewhere = engine != names.NAMES[0] or address is not None or share is not None
    if len(symbols) == len(presets) == 1 and not elsewhere:
        recipe = shorthand.one(symbols[0], presets[0], assignments, **fields)
        sinks = tracking.sinks(tensorboard, mlflow, artifacts)
        _train_one(recipe.config, auto_batch_size, artifacts, as_json, sinks)
        return
    _require_single(auto_batch_size)
    plan = shorthand.several(symbols, presets, assignments, **fields)
    sinks = tracking.sinks(tensorboard, mlflow, artifacts)
    carrier = train_plan.carrier(engine, jobs, address, share, artifacts)
    train_plan.carry_out(plan, carrier, artifacts, as_json, sinks)


def _train_one(
    config: TrainingConfig, largest_batch: bool, artifacts: Path, as_json: bool, sinks: Sinks
) -> None:
    from atb_cli import progress, result_view

    result_view.header(config)
    from atb.pipeline import train_model  # after the header: TensorFlow takes its seconds

    with progress.shown() as listen:
        result = train_model(
            config, artifacts=artifacts, largest_batch=largest_batch, listen=listen
        )
        sinks.publish([result.path], listen)
    _answer(result, as_json)


def _require_single(auto_batch_size: bool) -> None:
    from atb.errors import UsageError

    if auto_batch_size:
        raise UsageError(
            "how much memory is left depends on the models beside it",
            where="--auto-batch-size",
            remedy="train one model, or give --batch-size",
        )


@command.command("runs")
@options.artifacts
@options.as_json
@options.verbose
def runs_(artifacts: Path, as_json: bool) -> None:
    """List trainings that are in progress or were stopped or killed."""
    from atb import runs
    from atb.workspace import Workspace
    from atb_cli import render

    columns = ("name", "symbol", "preset", "resumable", "path")
    rows = [
        (run.name, *_trained(run), run.started, str(run.path))
        for run in runs.listing(Workspace(artifacts))
    ]
    if as_json:
        render.json_line({"runs": [dict(zip(columns, row, strict=True)) for row in rows]})
    elif rows:
        render.print_answer(render.table(columns, rows))
    else:
        click.echo(f"no training in {artifacts} is in progress or was stopped", err=True)


@command.command("resume")
@click.argument("run", metavar="RUN")
@tracking.options
@options.artifacts
@options.as_json
@options.verbose
def resume(
    run: str, tensorboard: str | None, mlflow: str | None, artifacts: Path, as_json: bool
) -> None:
    """Go on with a training that was stopped or killed; RUN is its name or its folder.

    It ends in the very model the uninterrupted training would have made.
    """
    from atb.pipeline import resume_training
    from atb_cli import progress

    sinks = tracking.sinks(tensorboard, mlflow, artifacts)
    with progress.shown() as listen:
        result = resume_training(run, artifacts=artifacts, listen=listen)
        sinks.publish([result.path], listen)
    _answer(result, as_json)


def _answer(result: TrainingResult, as_json: bool) -> None:
    """How good the model is for people, and its folder or everything for programs."""
    from atb_cli import render, result_view

    result_view.result(result.summary)
    render.answer(result.summary, result.path, as_json)


def _trained(run: Run) -> tuple[str | None, str | None]:
    """Symbol and preset of a run, nothing for one whose recipe cannot be read."""
    from atb.errors import ConfigError

    try:
        config = run.config()
    except (ConfigError, OSError):
        return None, None
    return config.symbol, config.name
