"""`atb export`: a model's serving graph, written where it is wanted.

Knows no file format.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from atb_cli import options


@click.group("export")
def command() -> None:
    """Write models for serving."""


@command.command("onnx")
@options.model
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    help="File to write; by default SYMBOL-NAME-VERSION.onnx in this folder.",
)
@options.artifacts
@options.as_json
@options.verbose
def onnx(model: str, output: Path | None, artifacts: Path, as_json: bool) -> None:
    """Export a model's Keras file again and compare the two; the file's path goes to stdout."""
    from atb import backend
    from atb.errors import UsageError
    from atb.registry import store
    from atb.workspace import Workspace
    from atb_cli import render

    version = store.find(Workspace(artifacts), model)
    path = output or Path(f"{version.symbol}-{version.name}-{version.version}.onnx")
    if path.resolve().is_relative_to(version.path.resolve()):
        raise UsageError(
            f"{path} lies in the model's folder, whose files are final",
            remedy="choose another place with --output",
        )
    backend.prepare(seed=0)
    from atb.export.rewrite import rewrite  # once TensorFlow is prepared

    parity = asdict(rewrite(version.path, path))
    if as_json:
        render.json_line({"model": str(version.path), "onnx": str(path), "parity": parity})
    else:
        click.echo(path)
