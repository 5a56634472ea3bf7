"""Figures of round trips by hand."""

from __future__ import annotations

import numpy as np

from atb.backtest.round_trips import RoundTrips, measure


def test_a_trade_whose_fees_are_more_than_it_made_is_no_win():
    trips = RoundTrips(
        opened=np.array([0, 2, 5]),
        side=np.ones(3),
        gross=np.array([3.0, 1.0, -1.0]),
        fees=np.array([1.0, 2.0, 0.5]),
        spread=np.ones(3),
        held=np.array([1, 2, 3]),
    )
    figures = measure(trips, np.ones(4))
    assert figures.win_rate == 1 / 3
    assert (figures.gross_ticks_per_trade, figures.net_ticks_total) == (1.0, -0.5)
