"""Lines where their numbers are, on a scale that is written beside them."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import numpy as np
import pytest

from atb.report.chart import BOTTOM, HEIGHT, LEFT, POINTS, RIGHT, TOP, WIDTH, Line, svg


def points(picture: str) -> list[list[tuple[float, float]]]:
    return [
        [tuple(map(float, pair.split(","))) for pair in line.get("points", "").split()]
        for line in ET.fromstring(picture).iter("polyline")
    ]


def texts(picture: str) -> list[str]:
    return [text.text or "" for text in ET.fromstring(picture).iter("text")]


def test_the_extremes_touch_the_edges():
    picture = svg([Line("a", "red", np.array([1.0, 3.0, 2.0]))], "t", ("left", "right"))
    ((first, second, third),) = points(picture)
    assert first == (LEFT, HEIGHT - BOTTOM)
    assert second[1] == TOP
    assert third == (WIDTH - RIGHT, (TOP + HEIGHT - BOTTOM) / 2)
    assert texts(picture) == ["1", "1.5", "2", "2.5", "3", "left", "right"]


def test_two_lines_share_a_scale():
    lines = [Line("a", "red", np.array([0.0, 1.0])), Line("b", "blue", np.array([0.0, 2.0]))]
    one, other = points(svg(lines, "t", ("", "")))
    assert one[1][1] > other[1][1] == TOP


@pytest.mark.parametrize("values", [[5.0], [5.0, 5.0], [0.0]])
def test_a_flat_line_stands_in_the_middle(values):
    (line,) = points(svg([Line("a", "red", np.array(values))], "t", ("", "")))
    assert {y for _, y in line} == {(TOP + HEIGHT - BOTTOM) / 2}


def test_a_long_line_is_thinned_and_keeps_its_ends():
    (line,) = points(svg([Line("a", "red", np.arange(1e5))], "t", ("", "")))
    assert len(line) == POINTS
    assert (line[0][0], line[-1][0]) == (LEFT, WIDTH - RIGHT)


def test_labels_cannot_close_the_picture():
    picture = svg([Line("</svg>", '"><', np.arange(2.0))], '"<', ("<script>", "&"))
    ET.fromstring(picture)
    assert "<script>" not in picture
