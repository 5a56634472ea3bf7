"""Circles where their bins are, as large as their rows are many."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from atb.evaluation.reliability import Bin
from atb.report.reliability_chart import INSIDE, LARGEST, LEFT, TOP, svg


def test_a_circle_stands_at_what_was_said_and_came_true():
    bins = (Bin(0.0, 0.5, 300, 0.5, 0.25), Bin(0.5, 1.0, 100, 1.0, 1.0))
    picture = ET.fromstring(svg(bins, '"><', "<t>"))
    low, high = picture.iter("circle")
    assert float(low.get("cx", "")) == LEFT + INSIDE / 2
    assert float(low.get("cy", "")) == TOP + INSIDE * 0.75
    assert (float(high.get("cx", "")), float(high.get("cy", ""))) == (LEFT + INSIDE, TOP)
    assert float(low.get("r", "")) == pytest.approx(LARGEST * 0.75**0.5, abs=0.05)
    assert low.findtext("title") == "300 rows: said 50.0%, came true 25.0%"
    texts = [text.text for text in picture.iter("text")]
    assert texts.count("0%") == texts.count("100%") == 2
