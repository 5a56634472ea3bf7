"""`atb models promote, rollback, history, compare`: which model of a symbol runs, and why.

Knows no gate and no metric, only how their answers are shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import click

from atb_cli import options

BETTER = {"a": "A", "b": "B", None: "level"}
SYMBOL = click.argument("symbol")
WHY = click.option("--why", default="", metavar="TEXT", help="The reason, for the journal.")


@click.command("promote")
@SYMBOL
@click.argument("version", metavar="VERSION|NAME/VERSION|latest")
@options.gates
@WHY
@options.artifacts
@options.as_json
@options.verbose
def promote(
    symbol: str, version: str, gates: str, why: str, artifacts: Path, as_json: bool
) -> None:
    """Let a model of SYMBOL run from now on, if it passes every gate; exit 8 if one refuses.

    It is found as SYMBOL/promoted then, wherever a model is asked for.
    """
    from atb import review
    from atb.errors import GateRefusedError
    from atb.workspace import Workspace

    workspace = Workspace(artifacts)
    found = review.candidate(workspace, symbol, version)
    try:
        passed, entry = review.promote(workspace, found, gates=gates, why=why)
    except GateRefusedError as error:
        _show_findings(found.reference, gates, False, error.findings, as_json)
        raise
    findings = [finding.to_json() for finding in passed.findings]
    _show_findings(found.reference, gates, True, findings, as_json)
    click.echo(f"{entry.model} runs, promoted {entry.at}", err=True)


@click.command("rollback")
@SYMBOL
@WHY
@options.artifacts
@options.as_json
@options.verbose
def rollback(symbol: str, why: str, artifacts: Path, as_json: bool) -> None:
    """Let the model of SYMBOL run again that was promoted before the present one.

    Its files are verified, its gates are not asked again.
    """
    from atb.registry import promotion
    from atb.workspace import Workspace
    from atb_cli import render

    entry = promotion.rollback(Workspace(artifacts), symbol, why)
    if as_json:
        render.json_line({"model": entry.model, "instead_of": entry.instead_of, "at": entry.at})
    else:
        rows = [("runs", entry.model), ("instead of", entry.instead_of), ("since", entry.at)]
        render.print_answer(render.pairs(rows))


@click.command("history")
@SYMBOL
@options.artifacts
@options.as_json
@options.verbose
def history(symbol: str, artifacts: Path, as_json: bool) -> None:
    """Show which models of SYMBOL ran, since when, by whom and why; exit 9 if that is damaged."""
    from atb.registry import promotion
    from atb.workspace import Workspace
    from atb_cli import render

    state = promotion.read(Workspace(artifacts), symbol)
    running = state.current.model if state.current else None
    if as_json:
        entries = [entry.to_json() for entry in state.entries]
        render.json_line({"running": running, "pending": state.pending, "entries": entries})
        return
    if not state.entries:
        click.echo(f"no model of {symbol} was ever promoted", err=True)
        return
    rows = [
        (entry.sequence, entry.at, entry.action, entry.model, _gates(entry.gates), entry.by,
         entry.why)
        for entry in state.entries
    ]  # fmt: skip
    columns = ("", "at", "action", "model", "gates", "by", "why")
    render.print_answer(render.table(columns, rows), render.pairs([("runs", running)]))
    if state.pending:
        render.loudly(
            f"line {len(state.entries)} was written down and did not take effect: its command was "
            "stopped; run it again, or roll back"
        )


@click.command("compare")
@click.argument("a", metavar="MODEL_A")
@click.argument("b", metavar="MODEL_B")
@options.artifacts
@options.as_json
@options.verbose
def compare(a: str, b: str, artifacts: Path, as_json: bool) -> None:
    """Set the metrics of two models side by side, on the test rows that both predicted.

    A model is a folder, SYMBOL/NAME[/VERSION] or SYMBOL/promoted.
    """
    from atb import rivals
    from atb.registry import store
    from atb.workspace import Workspace
    from atb_cli import render

    workspace = Workspace(artifacts)
    found = rivals.compare(store.find(workspace, a), store.find(workspace, b)).to_json()
    if as_json:
        render.json_line(found)
        return
    rows = [
        (one["metric"], one["a"], _span(one["a_interval"]), one["b"], _span(one["b_interval"]),
         _span(one["interval"]), BETTER[one["better"]])
        for one in found["metrics"]
    ]  # fmt: skip
    columns = ("metric", "A", "95 %", "B", "95 %", "A - B, 95 %", "better")
    title = f"On {found['rows']:,} shared test rows, {found['first']} to {found['last']}"
    names = render.pairs([("A", found["a"]), ("B", found["b"])])
    render.print_answer(names, render.titled(title, render.table(columns, rows)))


COMMANDS = (promote, rollback, history, compare)


def _show_findings(
    model: str, gates: str, promoted: bool, findings: Iterable[Mapping[str, Any]], as_json: bool
) -> None:
    """Every gate's answer, on stdout."""
    from atb_cli import render

    if as_json:
        said = {"model": model, "promoted": promoted, "gates": gates, "findings": list(findings)}
        render.json_line(said)
        return
    rows = [
        (one["gate"], one["value"], one["limit"], _verdict(one["passed"]), one["words"])
        for one in findings
    ]
    made = render.table(("gate", "value", "limit", "verdict", ""), rows)
    render.print_answer(render.titled(f"{model} before the gates of {gates}", made))


def _verdict(passed: bool) -> str:
    return "passes" if passed else "REFUSED"


def _gates(gates: Mapping[str, Any] | None) -> str | None:
    return gates["name"] if gates else None


def _span(bounds: Iterable[float]) -> str:
    low, high = bounds
    return f"{low:.4g} to {high:.4g}"
