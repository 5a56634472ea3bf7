"""`atb models drift`: whether newer rows, predictions and errors are still what a model knows.

Knows no statistic, and serves the ONNX file alone: TensorFlow is not imported.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from atb_cli import options


@click.command("drift")
@options.model
@click.option(
    "--candles",
    "--book",
    "--bonds",
    "path",
    type=click.Path(path_type=Path),
    required=True,
    help="File of newer candles, or of a newer order book.",
)
@options.start
@options.end
@options.artifacts
@options.as_json
@options.verbose
def command(
    model: str, path: Path, start: str | None, end: str | None, artifacts: Path, as_json: bool
) -> None:
    """Compare newer rows with those a model was made with; exit 8 if they drifted.

    Each feature is compared with the train rows, predictions and residuals with the test rows, by
    population stability index and Kolmogorov-Smirnov test; a change of the level of errors is found
    by ADWIN. Without --start it begins after the rows that it was judged on.
    """
    from atb.errors import GateRefusedError
    from atb.registry import store
    from atb.runtime.drift import watch
    from atb.workspace import Workspace
    from atb_cli import progress, render, result_view

    version = store.find(Workspace(artifacts), model)
    with progress.shown() as listen:
        done = watch(version.path, path, start=start, end=end, listen=listen)
    if done.synthetic:
        render.loudly(result_view.SYNTHETIC)
    found = done.to_json()
    if as_json:
        render.json_line({"model": str(version.path), **found})
    else:
        _show(found)
    if found["drifted"]:
        raise click.exceptions.Exit(GateRefusedError.exit_code)


def _show(found: Mapping[str, Any]) -> None:
    """The table of columns, worst first, the errors and the verdict."""
    from atb_cli import render

    names = ("name", "part", "psi", "ks", "adjusted_p_value", "effective_rows", "outside", "state")
    titles = ("column", "of", "PSI", "KS", "p, adjusted", "effective rows", "outside", "state")
    rows = [[_cell(name, column[name]) for name in names] for column in found["columns"]]
    seen = max(column["rows"] for column in found["columns"])  # outcomes may not be known yet
    title = f"{seen:,} rows, {found['first']} to {found['last']}"
    pairs = [("errors", _errors(found)), ("verdict", found["verdict"])]
    render.print_answer(
        render.titled(title, render.table(titles, rows)),
        render.pairs([pair for pair in pairs if pair[1]]),
    )


def _cell(name: str, value: Any) -> str:
    shown = {"effective_rows": "{:,.0f}", "outside": "{:.1%}", "adjusted_p_value": "{:.2g}"}
    return shown.get(name, "{:.3f}" if isinstance(value, float) else "{}").format(value)


def _errors(found: Mapping[str, Any]) -> str | None:
    """How large errors are beside those of test rows, in words."""
    errors = found["errors"]
    if errors is None:
        return None
    said = f"{errors['rows']:,} known, mean rank {errors['mean_rank']:.2f} (test rows: 0.50)"
    if not errors["changes"]:
        return f"{said}; no change of level"
    return f"{said}; level changed by {found['changed']}, since then {errors['recent_rank']:.2f}"
