"""Outputs and positions in words."""

from __future__ import annotations

import math
from typing import get_args

import pytest

from atb.backtest.predictions import LAWS
from atb.config.targets import AnyTarget
from atb.runtime import wording

WORDS = {
    "return": (-0.000316, "a return of -3.2 basis points"),
    "probability": (0.5219, "a rise with 52.2%"),
    "probabilities": ((0.301, 0.4, 0.299), "down with 30.1%, flat with 40.0%, up with 29.9%"),
    "log_volatility": (math.log(0.0123), "a volatility of 1.230% a bar"),
}


@pytest.mark.parametrize("unit", WORDS)
def test_outputs(unit):
    output, expected = WORDS[unit]
    assert wording.said(output, unit) == expected


def test_all_that_candles_are_asked_have_words():
    candles = {one.output for one in get_args(AnyTarget) if one.market == "candles"}
    assert candles == set(WORDS) <= set(LAWS)


def test_positions():
    assert [wording.held(one) for one in (0.0, 1.0, -0.123456)] == [
        "nothing",
        "long 1 of the equity",
        "short 0.1235 of the equity",
    ]
