"""`atb models`: which models there are, what one is, whether its files are untouched, which runs.

Nothing of a model is parsed before its checksums hold.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from atb_cli import options
from atb_cli.commands import models_drift, models_promotion

if TYPE_CHECKING:
    from atb.workspace import Workspace


@click.group("models")
def command() -> None:
    """List, show, verify, compare and promote trained models."""


for _command in (*models_promotion.COMMANDS, models_drift.command):
    command.add_command(_command)


@command.command("list")
@click.argument("symbol", required=False)
@options.artifacts
@options.as_json
@options.verbose
def list_(symbol: str | None, artifacts: Path, as_json: bool) -> None:
    """List all models, or those of SYMBOL, without opening them, and which of them run."""
    from atb.registry import store
    from atb.workspace import Workspace
    from atb_cli import render

    columns = ("symbol", "name", "version", "runs", "path")
    workspace = Workspace(artifacts)
    found = store.versions(workspace, symbol)
    running = _running(workspace, {model.symbol for model in found})
    rows = [
        (model.symbol, model.name, model.version, model.reference in running, str(model.path))
        for model in found
    ]
    if as_json:
        render.json_line({"models": [dict(zip(columns, row, strict=True)) for row in rows]})
    elif rows:
        render.print_answer(render.table(columns, rows))
    else:
        click.echo(_none(symbol, artifacts), err=True)


@command.command("show")
@options.model
@options.artifacts
@options.as_json
@options.verbose
def show(model: str, artifacts: Path, as_json: bool) -> None:
    """Show what a model was trained on and how good it is."""
    from atb.errors import ConfigError
    from atb.registry import document, integrity, store
    from atb.workspace import Workspace
    from atb_cli import render, result_view

    version = store.find(Workspace(artifacts), model)
    integrity.verify(version.path)
    metadata = document.read(version.path / "metadata.json")
    metrics = document.read(version.path / "metrics.json")
    if metadata["synthetic"]:
        render.loudly(result_view.SYNTHETIC)
    if as_json:
        render.json_line({"path": str(version.path), **metadata, **metrics})
        return
    try:
        rows = [("path", version.path), *result_view.description(metadata)]
        rows.append(("verdict", metrics["verdict"]))
        shown = render.pairs(rows), result_view.judgement(metrics)
    except KeyError as error:
        raise ConfigError(
            f"it does not say its {error}",
            where=str(version.path),
            remedy="it is from another version of atb; train the model again, or see --json",
        ) from error
    render.print_answer(*shown)


@command.command("verify")
@click.argument("models", metavar="[MODEL]...", nargs=-1)
@options.artifacts
@options.as_json
@options.verbose
def verify(models: tuple[str, ...], artifacts: Path, as_json: bool) -> None:
    """Check that models, by default all, are as they were written and plain; else exit 9."""
    from atb.errors import IntegrityError
    from atb.registry import integrity, plain, store
    from atb.workspace import Workspace
    from atb_cli import render

    workspace = Workspace(artifacts)
    found = [store.find(workspace, model) for model in models] or store.versions(workspace)
    damaged = []
    for version in found:
        try:
            integrity.verify(version.path)
            plain.require(version.path)
        except IntegrityError as error:
            damaged.append(version)
            click.echo(f"error: {error}", err=True)
    rows = [(str(version.path), version not in damaged) for version in found]
    if as_json:
        render.json_line({"models": [{"path": path, "intact": intact} for path, intact in rows]})
    elif not rows:
        click.echo(_none(None, artifacts), err=True)
    else:
        render.print_answer(render.table(("model", "intact"), rows))
    if damaged:
        raise click.exceptions.Exit(IntegrityError.exit_code)


def _running(workspace: Workspace, symbols: set[str]) -> set[str]:
    """References of the models that run; of a symbol whose journal is damaged, none is."""
    from atb.errors import IntegrityError
    from atb.registry import promotion

    running = set()
    for symbol in sorted(symbols):
        try:
            current = promotion.read(workspace, symbol).current
        except IntegrityError as error:
            click.echo(f"error: {error}", err=True)
            continue
        if current:
            running.add(current.model)
    return running


def _none(symbol: str | None, artifacts: Path) -> str:
    """What to say where there are no models."""
    of = f" of {symbol}" if symbol else ""
    return f"no models{of} in {artifacts}; make one with: atb train model {symbol or 'BTCUSDT'}"
