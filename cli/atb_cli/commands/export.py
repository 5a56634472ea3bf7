"""`atb export`: a model's serving graph, written where it is wanted, or made smaller.

Knows no file format.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from atb_cli import options

if TYPE_CHECKING:
    from atb.registry.version import Version
    from atb.workspace import Workspace


@click.group("export")
def command() -> None:
    """Write models for serving."""


@command.command("onnx")
@options.model
@click.option(
    "--quantize",
    type=click.Choice(["dynamic", "static"]),
    help="Products in int8, their ranges measured in each window, or on validation windows.",
)
@click.option("--precision", type=click.Choice(["float16"]), help="Weights kept in float16.")
@click.option(
    "--candles",
    type=click.Path(path_type=Path),
    help="Rows a smaller graph is measured on; by default those the recipe names.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    help="File to write; by default SYMBOL-NAME-VERSION.onnx in this folder, or a new version.",
)
@options.artifacts
@options.as_json
@options.verbose
def onnx(
    model: str,
    quantize: str | None,
    precision: str | None,
    candles: Path | None,
    output: Path | None,
    artifacts: Path,
    as_json: bool,
) -> None:
    """Export a model's Keras file again and compare the two; the file's path goes to stdout.

    With --quantize or --precision its graph is made smaller instead: features and scaling stay in
    float32. If it answers nearly as before, it is registered as a new version that serves it, or
    written to --output; exit 8 if not.
    """
    from atb import extras
    from atb.registry import store
    from atb.workspace import Workspace

    way = _way(quantize, precision, candles)
    if way:
        extras.require("onnx", extra="train")
    workspace = Workspace(artifacts)
    version = store.find(workspace, model)
    if output:
        _require_free(output, version.path, workspace.model_root)
    if way:
        _smaller(workspace, version, way, candles, output, as_json)
    else:
        _again(version, output, as_json)


def _way(quantize: str | None, precision: str | None, candles: Path | None) -> str | None:
    """How the graph becomes smaller; None where it does not."""
    from atb.errors import UsageError

    if quantize and precision:
        raise UsageError(
            f"--quantize {quantize} and --precision {precision} exclude each other",
            remedy="choose one",
        )
    way = quantize or precision
    if candles and not way:
        raise UsageError(
            f"--candles {candles} is for a smaller graph",
            remedy="add --quantize or --precision, or leave it out",
        )
    return way


def _require_free(output: Path, *final: Path) -> None:
    """Nothing, if a file may be written there: what lies among models is final."""
    from atb.errors import UsageError

    for folder in final:
        if output.resolve().is_relative_to(folder.resolve()):
            raise UsageError(
                f"{output} lies in {folder}, whose files are final",
                remedy="choose another place with --output",
            )


def _again(version: Version, output: Path | None, as_json: bool) -> None:
    """The float32 graph, from Keras."""
    from atb import backend
    from atb_cli import render

    path = output or Path(f"{version.symbol}-{version.name}-{version.version}.onnx")
    backend.prepare(seed=0)
    from atb.export.rewrite import rewrite  # once TensorFlow is prepared

    parity = asdict(rewrite(version.path, path))
    content = {"model": str(version.path), "onnx": str(path), "parity": parity}
    render.answer(content, path, as_json)


def _smaller(
    workspace: Workspace,
    version: Version,
    way: str,
    candles: Path | None,
    output: Path | None,
    as_json: bool,
) -> None:
    """A graph in fewer bits, as a file or as a new version, and what was measured of it."""
    from atb import atomic, smaller
    from atb.errors import GateRefusedError
    from atb_cli import progress, render

    try:
        with progress.shown() as listen:
            small = smaller.made(workspace, version, way, candles, listen)
    except GateRefusedError as error:
        _show(version.reference, way, error.findings)
        raise
    _show(version.reference, way, [finding.to_json() for finding in small.findings])
    if output:
        atomic.write_bytes(output, small.graph)
        content, path = {"onnx": str(output)}, output
    else:
        made = smaller.register(workspace, small)
        content, path = {"onnx": str(made.path / small.name), "path": str(made.path)}, made.path
        click.echo(f"{made.reference} serves {small.name}; nothing is promoted", err=True)
    render.answer({"model": str(version.path), **content, **small.to_json()}, path, as_json)


def _show(model: str, way: str, findings: Sequence[Mapping[str, Any]]) -> None:
    """What was measured beside what is allowed, on stderr."""
    from atb_cli import render

    rows = [
        (one["gate"], one["value"], one["limit"], "ok" if one["passed"] else "TOO MUCH",
         one["words"])
        for one in findings
    ]  # fmt: skip
    made = render.table(("of float32", "value", "at most", "", ""), rows)
    render.console().print(render.titled(f"{model}, {way} beside float32", made))
