"""How good quantiles are, as rows of tables, from the key `tails` of `metrics.json`.

For screen and page alike. Computes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from atb.evaluation.skill import said

Judged = Mapping[str, Any]
Row = tuple[str, ...]

QUANTILES: Row = ("level", "pinball loss", "naive", "difference, 95 %")
RISK: Row = ("level", "said by", "below", "Kupiec", "Christoffersen", "both", "shortfall")
INTERVALS: Row = ("promised", "held", "naive held", "width", "naive width")


def quantiles(tails: Judged) -> Iterator[Row]:
    """One row for each level, beside the quantiles of the train labels."""
    for one in tails["pinball"]:
        yield (
            f"{one['level']:.1%}",
            f"{one['loss']:.4g}",
            f"{one['naive']:.4g}",
            f"{one['low']:+.1e} to {one['high']:+.1e}",
        )


def risk(tails: Judged) -> Iterator[Row]:
    """Two rows for each level: share of outcomes below, and p-values of the tests."""
    for tail in tails["tails"]:
        for name in ("model", "naive"):
            found = tail[name]
            tests = (found[key]["p_value"] for key in ("frequency", "independence", "coverage"))
            deep = found["depth"]
            yield (
                f"{tail['level']:.1%}" if name == "model" else "",
                name,
                f"{found['share']:.2%} of {found['rows']:,}",
                *map(said, tests),
                said(deep["p_value"]) if deep else "-",
            )


def intervals(tails: Judged) -> Iterator[Row]:
    """One row for each interval between quantiles as far from either end."""
    for one in tails["intervals"]:
        shares = (f"{one[name]:.1%}" for name in ("promised", "achieved", "naive"))
        widths = (f"{one[name]:.4g}" for name in ("width", "naive_width"))
        yield (*shares, *widths)


TABLES = (
    ("Quantiles, beside those of train rows", QUANTILES, quantiles),
    ("Value at risk, with p-values of tests that it is kept", RISK, risk),
    ("Intervals between quantiles", INTERVALS, intervals),
)


def tables(tails: Judged) -> Iterator[tuple[str, Row, list[Row]]]:
    """Title, headings and rows of each table."""
    for title, headings, rows in TABLES:
        yield title, headings, list(rows(tails))


def words(judged: Judged) -> Iterator[tuple[str, str]]:
    """What the tables come to, of a model that says quantiles."""
    if "tails" in judged:
        yield "tails", judged["tails"]["verdict"]
