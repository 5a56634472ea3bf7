"""Overlaps are counted pair by pair; what training must not see changes nothing it does see."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atb.audit import partition, planted_datasets
from atb.market.sample import DEFAULT_START_MS, simulate

CANDLES = simulate("X", "1h", DEFAULT_START_MS, DEFAULT_START_MS + 1_000 * 3_600_000, 1)


@pytest.mark.parametrize(
    ("end", "embargo", "overlaps"),
    [
        (4, 0, False),  # known at 7, before 8
        (5, 0, True),  # known at 8
        (4, 1, True),
        (3, 1, False),
        (11, 0, True),  # the other's label is known at 11
        (12, 0, False),
        (12, 1, True),
        (13, 1, False),
    ],
)
def test_by_hand(end: int, embargo: int, overlaps: bool) -> None:
    known_at = np.arange(20) + 3
    found = partition.overlapping(np.array([end]), np.array([8]), known_at, embargo)
    assert found.tolist() == [overlaps]


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), embargo=st.integers(0, 6))
def test_as_a_loop_over_rows_would_say(seed: int, embargo: int) -> None:
    random = np.random.default_rng(seed)
    known_at = np.arange(60) + random.integers(1, 8, 60)
    ends, others = (np.sort(random.choice(60, 12, replace=False)) for _ in range(2))
    taken = [
        any(
            {*range(end, known_at[end] + embargo + 1)} & {other}
            or {*range(other, known_at[other] + embargo + 1)} & {end}
            for other in others
        )
        for end in ends
    ]
    assert partition.overlapping(ends, others, known_at, embargo).tolist() == taken


def test_the_check_that_finds_each() -> None:
    found = {
        name: {
            fault.check
            for fault in partition.examine(
                prepare, CANDLES, planted_datasets.LOOKBACK, planted_datasets.EMBARGO
            )
        }
        for name, prepare in planted_datasets.LEAKS.items()
    }
    split = {"split_at_random", "not_purged", "purged_by_the_window", "without_embargo"}
    assert all("split" in found[name] for name in split)
    assert found["scaler_of_validation"] == {"train only", "inputs"}
    assert found["target_of_everything"] == {"train only"}
    assert found["thresholds_of_everything"] == {"train only"}
    assert found["windows_that_end_a_row_late"] >= {"inputs"}
