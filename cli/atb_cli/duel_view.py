"""Two backtests as people see them: side by side, then the verdict.

Knows the keys of a comparison, and computes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import RenderableType
from rich.table import Table

from atb_cli.render import cell, pairs, table, titled
from atb_cli.result_view import figure


def tables(found: Mapping[str, Any]) -> Iterator[RenderableType]:
    """What each made, how they differ, and what that means."""
    one, other = found["a"], found["b"]
    names = [name for name, value in one.items() if _is_figure(value) and name in other]
    rows = [(name, figure(name, one[name]), figure(name, other[name])) for name in names]
    span = f"{found['rows']:,} rows that both predict, {one['first']} to {one['last']}"
    yield titled(f"Traded over {span}, costs included", table(("backtest", "A", "B"), rows))
    yield titled("A less B, 95 % by paired block bootstrap", _differences(found["comparison"]))
    yield pairs(
        (("A", one["model"]), ("B", other["model"]), ("verdict", found["comparison"]["verdict"]))
    )


def _is_figure(value: Any) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def _differences(comparison: Mapping[str, Any]) -> Table:
    titles = {"mean": f"mean of {comparison['steps']:,} steps", "sharpe": "Sharpe ratio"}
    found = {name: comparison[name] for name in titles if comparison[name] is not None}
    rows = [
        (titles[name], cell(one["first"]), cell(one["second"]), cell(one["estimate"]),
         f"{one['low']:+.2g} to {one['high']:+.2g}")
        for name, one in found.items()
    ]  # fmt: skip
    return table(("", "A", "B", "difference", "95 %"), rows)
