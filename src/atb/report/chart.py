"""Line charts as inline SVG. Knows numbers and labels, not what they mean."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
import numpy.typing as npt

Float64 = npt.NDArray[np.float64]

WIDTH, HEIGHT = 760, 240
LEFT, RIGHT, TOP, BOTTOM = 56, 8, 10, 24  # room for the labels around the lines
POINTS = 500  # a line is thinned to what a screen can show
RULES = 5


@dataclass(frozen=True)
class Line:
    """One line: `y` `[n]` float64 in even steps, drawn in a CSS colour and named in the legend."""

    name: str
    colour: str
    y: Float64


def svg(lines: Sequence[Line], title: str, ends: tuple[str, str]) -> str:
    """The lines over one another on one scale.

    Args:
        lines: at least one, each of at least one finite number.
        title: what the chart shows, for screen readers.
        ends: labels of the first and the last point.
    """
    low = min(float(line.y.min()) for line in lines)
    high = max(float(line.y.max()) for line in lines)
    if high == low:
        low, high = low - 0.5, high + 0.5
    parts = [
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">',
        *_rules(low, high),
        *(_polyline(line, low, high) for line in lines),
        _label(LEFT, "start", ends[0]),
        _label(WIDTH - RIGHT, "end", ends[1]),
        "</svg>",
    ]
    return "\n".join(parts)


def _height(value: Float64, low: float, high: float) -> Float64:
    return TOP + (HEIGHT - TOP - BOTTOM) * (high - value) / (high - low)


def _rules(low: float, high: float) -> Iterator[str]:
    values = np.linspace(low, high, RULES)
    for value, y in zip(values, _height(values, low, high), strict=True):
        yield (
            f'<line class="rule" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
            f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{value:.4g}</text>'
        )


def _polyline(line: Line, low: float, high: float) -> str:
    chosen = np.unique(np.linspace(0, len(line.y) - 1, POINTS).astype(np.int64))
    x = LEFT + (WIDTH - LEFT - RIGHT) * chosen / max(len(line.y) - 1, 1)
    y = _height(line.y[chosen], low, high)
    points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))
    name, colour = escape(line.name), escape(line.colour)
    return f'<polyline stroke="{colour}" points="{points}"><title>{name}</title></polyline>'


def _label(x: int, anchor: str, text: str) -> str:
    return f'<text x="{x}" y="{HEIGHT - 6}" text-anchor="{anchor}">{escape(text)}</text>'
