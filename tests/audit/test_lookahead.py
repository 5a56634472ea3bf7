"""A value that changes with later rows is found, with the row, the distance and the column."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atb.audit.lookahead import Finding, Subject, differing, examine, rounding
from atb.market.candles import COLUMNS, Candles
from atb.market.lob import sample

ROWS, BARS = 60, 30


def of(*features: Callable) -> Subject:
    def compute(histories):
        made = np.full((len(histories), max(map(len, histories)), len(features)), np.nan)
        for part, history in zip(made, histories, strict=True):
            part[: len(history)] = np.stack([feature(history) for feature in features], axis=1)
        return made

    return Subject(tuple(feature.__name__ for feature in features), compute)


def walk(rows: int = ROWS, seed: int = 0) -> Candles:
    random = np.random.default_rng(seed)
    values = {name: np.exp(random.normal(0, 1, rows)) for name in COLUMNS}
    return Candles("X", "1h", np.arange(rows) * 3_600_000, **values)


def later(values: np.ndarray, rows: int) -> np.ndarray:
    return np.append(values[rows:], np.full(rows, np.nan))


def only(feature: Callable, history=None) -> Finding:
    (found,) = examine(of(feature), walk() if history is None else history, BARS)
    return found


def test_the_row_the_distance_and_the_column_of_a_leak() -> None:
    found = only(lambda candles: later(candles.high, 3))
    assert found == Finding(
        "<lambda>",
        "leak",
        rows=30,  # rows 27 to 56; the last three have no value either way
        row=29,
        time="1970-01-02T05:00:00Z",
        ahead=3,
        read=("high",),
        check="prefix",
    )


@pytest.mark.parametrize("ahead", [1, 2, 7, 25])
@pytest.mark.parametrize("column", COLUMNS)
def test_how_far_ahead_any_column_is_read(ahead: int, column: str) -> None:
    found = only(lambda candles: later(getattr(candles, column), ahead))
    assert (found.ahead, found.read) == (ahead, (column,))


@settings(max_examples=30, deadline=None)
@given(row=st.integers(ROWS - BARS - 1, ROWS - 2), seed=st.integers(0, 99))
def test_one_glance_at_one_bar_is_found_wherever_it_is(row: int, seed: int) -> None:
    def glance(candles: Candles) -> np.ndarray:
        made = candles.close.copy()
        if row + 1 < len(made):
            made[row] = made[row + 1]
        return made

    found = only(glance, walk(seed=seed))
    assert (found.verdict, found.rows, found.row, found.ahead) == ("leak", 1, row, 1)


def test_the_length_of_the_future_is_a_leak_that_reads_no_column() -> None:
    found = only(lambda candles: np.arange(len(candles), 0, -1.0))
    assert (found.verdict, found.ahead, found.read) == ("leak", 1, ())


def test_a_leak_that_rounding_hides_is_found_by_losing_the_future() -> None:
    found = only(lambda candles: candles.close + 1e-15 * later(candles.close, 1)[: len(candles)])
    assert found.verdict == "leak"
    faint = only(lambda c: c.close + 1e-15 * np.append(c.close[1:], c.close[-1]))
    assert (faint.verdict, faint.check) == ("leak", "future NaN")


def test_the_past_is_no_leak_however_long_the_memory() -> None:
    findings = examine(
        of(lambda c: np.cumsum(c.close), lambda c: np.maximum.accumulate(c.high)), walk(), BARS
    )
    assert [found.verdict for found in findings] == ["clean", "clean"]


def test_each_feature_is_judged_alone() -> None:
    findings = examine(of(lambda c: c.close, lambda c: c.close - c.close[-1]), walk(), BARS)
    assert [found.verdict for found in findings] == ["clean", "leak"]


def test_no_value_is_no_proof() -> None:
    assert only(lambda candles: np.full(len(candles), np.nan)).verdict == "empty"


def test_chance_is_no_feature() -> None:
    random = np.random.default_rng(0)
    assert only(lambda candles: random.normal(size=len(candles))).verdict == "unsteady"


def test_books_are_disturbed_side_by_side() -> None:
    book = sample.simulate("X", ROWS, 3)
    ahead = only(lambda b: later(b.side("bid_size")[:, 0].astype(float), 2), book)
    assert (ahead.ahead, ahead.read) == (2, ("bid_size",))
    assert only(lambda b: b.price, book).verdict == "clean"
    assert only(lambda b: later(b.traded.astype(float), 1), book).verdict == "leak"


def test_rounding_follows_the_precision() -> None:
    values = np.array([[0.0, 1.0], [2.0, np.nan]])
    assert rounding(values).tolist() == [1e-9 + 2 * 2**-40, 2**-40]
    assert rounding(values.astype(np.float32))[0] == 1e-6 + 2 * 2**-22


def test_nan_agrees_with_nan_and_inf_with_itself() -> None:
    one = np.array([[np.nan, np.inf, 1.0, np.nan, np.inf]])
    other = np.array([[np.nan, np.inf, 1.1, 1.0, -np.inf]])
    assert differing(one, other, 0.2).tolist() == [[False, False, False, True, True]]
    assert differing(one, other, 0.0)[0, 2]


def test_the_history_is_not_touched() -> None:
    candles = walk()
    before = replace(candles)
    examine(of(lambda c: c.close), candles, BARS)
    assert candles.sha256() == before.sha256()
