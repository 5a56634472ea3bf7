"""What a backtest made step by step, against arithmetic by hand."""

from __future__ import annotations

import numpy as np
import pytest

from atb.backtest.touch import run as trade_book
from atb.backtest.vectorised import run
from atb.config.trading import CostSpec, TouchTrading, TradingSpec
from atb.market.lob.book import Book

FREE = CostSpec(buy_fee=0, sell_fee=0, slippage=0)
BOTH = TradingSpec(costs=FREE, positions="long_short")


def test_the_steps_of_candles_are_net_returns_of_bars(make, predict):
    spec = TradingSpec(costs=CostSpec(buy_fee=100, sell_fee=100, slippage=0))
    done = run(predict([0, 1, 2], [1.0, -1.0, -1.0]), make([100, 100, 110, 120], 130), spec)
    assert done.steps == pytest.approx([0.99 * 1.1 - 1, -0.01, 0.0])
    assert np.prod(1 + done.steps) == pytest.approx(done.equity[-1])


def test_there_are_no_steps_after_the_equity_is_used_up(make, predict):
    done = run(predict([0, 1, 2], [-1.0, -1.0, 1.0]), make([100, 100, 250, 10], 10), BOTH)
    assert done.steps.tolist() == [-1.0, 0.0, 0.0]


def test_the_steps_of_a_book_are_net_ticks_of_rows(predict):
    levels = np.array([[102, 1, 100, 1], [105, 1, 103, 1], [107, 1, 105, 1]], float)
    book = Book("X", np.arange(3), levels, np.ones(3), np.zeros(3), 0.01)
    done = trade_book(predict([0], [1.0], "move"), book, TouchTrading(hold=1, latency=0, fee=0))
    assert done.steps.tolist() == [-1.0, 2.0]  # half a spread paid; 3 by the mid, half a spread
    assert done.steps.sum() == done.profit[-1]
