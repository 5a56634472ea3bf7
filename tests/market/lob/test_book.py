"""The matrix of a book by hand."""

from __future__ import annotations

import numpy as np

from atb.market.lob.book import Book

DAY = 1_704_067_200_000_000_000  # 2024-01-01 in ns


def test_seconds_are_those_since_the_row_before_in_the_same_session():
    levels = np.float32([[101, 1, 99, 2], [102, 3, 99, 4], [103, 5, 100, 6]])
    time = DAY + np.array([0, 250_000_000, 3_600_000_000_000])
    book = Book("TEST", time, levels, [0, 7, -8], [0, 0, 1], tick=0.01)
    assert book.matrix().tolist() == [
        [101, 1, 99, 2, 0, 0],
        [102, 3, 99, 4, 7, 0.25],
        [103, 5, 100, 6, -8, 0],
    ]
    assert book.columns == ("ask_price_1", "ask_size_1", "bid_price_1", "bid_size_1", "traded",
                            "seconds")  # fmt: skip
    assert book.matrix().dtype == np.float32
