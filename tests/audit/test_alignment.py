"""Labels that lie about when they are known are found by the check that is about it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from atb.audit import targets
from atb.audit.alignment import examine
from atb.config.targets import TARGETS, MidPriceTarget, ReturnTarget
from atb.errors import DataError
from atb.market.bonds import sample as bond_sample
from atb.market.bonds.build import build
from atb.market.lob import sample
from atb.market.sample import DEFAULT_START_MS, simulate
from atb.targets.labels import Labels

ROWS, BARS = 200, 60
CANDLES = simulate("X", "1h", DEFAULT_START_MS, DEFAULT_START_MS + 700 * 3_600_000, 1)
SHORT = CANDLES.rows(0, ROWS)
BOOK = sample.simulate("X", 900, 2)
BONDS = build(bond_sample.simulate(700, 3), "UST10Y")
MARKETS = {history.kind: history for history in (CANDLES, BOOK, BONDS)}


def labels(ahead: int, known: int):
    """The move of the close over so many rows, said to be known so many rows on."""

    def build(candles) -> Labels:
        n = len(candles)
        value = np.full((n, 1), np.nan)
        value[: n - ahead, 0] = candles.close[ahead:] - candles.close[: n - ahead]
        rows = np.arange(n)
        return Labels(value, np.where(rows + known < n, rows + known, n), 1)

    return build


def checks(build) -> set[str]:
    return {fault.check for fault in examine(build, SHORT, BARS)}


@pytest.mark.parametrize("ahead", [1, 5, 20])
def test_honest_labels_have_no_fault(ahead: int) -> None:
    assert checks(labels(ahead, ahead)) == set()


def test_a_label_that_reads_a_row_more_than_it_says() -> None:
    found = {fault.check: fault for fault in examine(labels(3, 2), SHORT, BARS)}
    assert found.keys() == {"label prefix", "label future"}
    first = found["label prefix"]
    assert (first.rows, first.row) == (BARS, ROWS - BARS - 3)  # one row for each cut


def test_a_label_that_is_there_before_it_says_so() -> None:
    assert "label prefix" in checks(labels(2, 5))


def test_a_label_of_what_has_already_happened() -> None:
    def past(candles) -> Labels:
        made = labels(1, 1)(candles)
        value = np.concatenate([[[np.nan]], made.value[:-1]])
        known = np.append(np.arange(1, len(candles)), len(candles))
        value[-1] = np.nan
        return Labels(value, known, 1)

    assert "label already known" in checks(past)


def test_a_label_known_at_its_own_row() -> None:
    assert "label order" in checks(labels(2, 0))


@pytest.mark.parametrize("kind", TARGETS)
def test_no_target_is_accused(kind: str) -> None:
    target = TARGETS[kind]()
    audit = targets.audit(target, MARKETS[target.market], BARS)
    assert audit.clean, audit.faults
    assert audit.checks


@pytest.mark.parametrize("smoothing", ["both", "apart"])
def test_no_smoothing_is_accused(smoothing: str) -> None:
    assert targets.audit(MidPriceTarget(smoothing=smoothing), BOOK, BARS).clean


def test_a_price_that_stands_still_is_no_fault() -> None:
    still = replace(SHORT, close=np.repeat(np.arange(1.0, 26), 8))
    for kind in ("return", "volatility", "direction", "ternary"):
        assert targets.audit(TARGETS[kind](horizon=1), still, BARS).faults == ()


def test_too_few_rows_are_said() -> None:
    with pytest.raises(DataError, match="200 rows are too few to audit return: it takes 501"):
        targets.audit(ReturnTarget(), SHORT, 500)
