"""A reliability diagram as inline SVG: how often predictions came true beside what they said.

Knows bins and how they are drawn, not what was predicted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from atb.evaluation.reliability import Bin
from atb.report.chart import RULES

SIDE = 280
LEFT, RIGHT, TOP, BOTTOM = 44, 12, 10, 24  # room for the labels around the square
INSIDE = SIDE - TOP - BOTTOM
LARGEST = 9.0  # radius of a bin that has all rows


def svg(bins: Sequence[Bin], colour: str, title: str) -> str:
    """Accuracy over confidence, from 0 to 1 both; a circle for each bin, by area its share of rows.

    What is on the diagonal says what comes true; below it, it is too sure.

    Args:
        bins: at least one.
        colour: of the circles, in CSS.
        title: what the diagram shows, for screen readers.
    """
    rows = sum(one.rows for one in bins)
    width = LEFT + INSIDE + RIGHT
    parts = [
        f'<svg class="square" viewBox="0 0 {width} {SIDE}" role="img" '
        f'aria-label="{escape(title)}">',
        *_rules(),
        f'<line class="rule" x1="{_x(0):.1f}" y1="{_y(0):.1f}" x2="{_x(1):.1f}" y2="{_y(1):.1f}"/>',
        *(_circle(one, rows, escape(colour)) for one in bins),
        "</svg>",
    ]
    return "\n".join(parts)


def _x(value: float) -> float:
    return LEFT + INSIDE * value


def _y(value: float) -> float:
    return TOP + INSIDE * (1 - value)


def _rules() -> Iterator[str]:
    for step in range(RULES):
        value = step / (RULES - 1)
        x, y = _x(value), _y(value)
        yield (
            f'<line class="rule" x1="{_x(0):.1f}" x2="{_x(1):.1f}" y1="{y:.1f}" y2="{y:.1f}"/>'
            f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{value:.0%}</text>'
            f'<text x="{x:.1f}" y="{SIDE - 6}" text-anchor="middle">{value:.0%}</text>'
        )


def _circle(one: Bin, rows: int, colour: str) -> str:
    radius = max(LARGEST * (one.rows / rows) ** 0.5, 1.5)
    words = f"{one.rows:,} rows: said {one.confidence:.1%}, came true {one.accuracy:.1%}"
    place = f'cx="{_x(one.confidence):.1f}" cy="{_y(one.accuracy):.1f}" r="{radius:.1f}"'
    return f'<circle {place} fill="{colour}"><title>{words}</title></circle>'
