from __future__ import annotations

from typing import Any

import numpy as np
import pytest

N, F, WINDOW = 200, 3, 12


@pytest.fixture(scope="module")
def windows(tensorflow_ready: None) -> Any:
    from atb.dataset.windows import Windows

    matrix = np.arange(N * F, dtype=np.float32).reshape(N, F)
    return Windows(matrix, np.arange(N, dtype=np.float32)[:, np.newaxis], WINDOW)


def test_a_window_holds_the_rows_up_to_its_end_and_no_later_one(windows: Any) -> None:
    ends = np.array([11, 40, 199])
    (batch, target), *rest = windows.in_order(ends, 8).as_numpy_iterator()
    assert not rest
    assert batch.shape == (3, WINDOW, F) and batch.dtype == np.float32
    for window, end in zip(batch, ends, strict=True):
        np.testing.assert_array_equal(window[:, 0] / F, np.arange(end - WINDOW + 1, end + 1))
    assert target[:, 0].tolist() == [11.0, 40.0, 199.0]


def epoch(windows: Any, number: int, seed: int, start: int = 0) -> list[int]:
    batches = windows.epoch(np.arange(20, 120), 16, seed=seed, number=number, start=start)
    return [int(value) for _, target in batches.as_numpy_iterator() for value in target[:, 0]]


def test_each_epoch_is_another_permutation_of_whole_batches(windows: Any) -> None:
    first, second = epoch(windows, 0, seed=3), epoch(windows, 1, seed=3)
    assert len(first) == len(set(first)) == len(set(second)) == 96
    assert first != second
    assert set(first) | set(second) <= set(range(20, 120))


def test_the_order_depends_on_seed_and_epoch_alone(windows: Any) -> None:
    assert epoch(windows, 1, seed=3) == epoch(windows, 1, seed=3)
    assert epoch(windows, 1, seed=3) != epoch(windows, 1, seed=4)


def test_an_epoch_can_be_taken_up_at_any_batch(windows: Any) -> None:
    whole = epoch(windows, 2, seed=3)
    for start in range(7):
        assert epoch(windows, 2, seed=3, start=start) == whole[16 * start :]
