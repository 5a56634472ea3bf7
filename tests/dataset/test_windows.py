from __future__ import annotations

from typing import Any

import numpy as np
import pytest

N, F, WINDOW = 200, 3, 12


@pytest.fixture(scope="module")
def windows(tensorflow_ready: None) -> Any:
    from atb.dataset.windows import Windows

    matrix = np.arange(N * F, dtype=np.float32).reshape(N, F)
    return Windows(matrix, np.arange(N, dtype=np.float32), WINDOW)


def test_a_window_holds_the_rows_up_to_its_end_and_no_later_one(windows: Any) -> None:
    ends = np.array([11, 40, 199])
    (batch, target), *rest = windows.in_order(ends, 8).as_numpy_iterator()
    assert not rest
    assert batch.shape == (3, WINDOW, F) and batch.dtype == np.float32
    for window, end in zip(batch, ends, strict=True):
        np.testing.assert_array_equal(window[:, 0] / F, np.arange(end - WINDOW + 1, end + 1))
    assert target[:, 0].tolist() == [11.0, 40.0, 199.0]


def epochs(windows: Any, count: int, seed: int, first: int = 0) -> list[list[int]]:
    ends = np.arange(20, 120)
    batches = windows.epochs(ends, 16, 6, seed, first).take(6 * count).as_numpy_iterator()
    order = [int(value) for _, target in batches for value in target[:, 0]]
    return [order[i * 96 : (i + 1) * 96] for i in range(count)]


def test_each_epoch_is_another_permutation_without_repeats(windows: Any) -> None:
    first, second = epochs(windows, 2, seed=3)
    assert len(set(first)) == len(set(second)) == 96
    assert first != second
    assert set(first) | set(second) <= set(range(20, 120))


def test_the_order_depends_on_seed_and_epoch_alone(windows: Any) -> None:
    assert epochs(windows, 2, seed=3) == epochs(windows, 2, seed=3)
    assert epochs(windows, 2, seed=3)[1:] == epochs(windows, 1, seed=3, first=1)
    assert epochs(windows, 1, seed=3) != epochs(windows, 1, seed=4)
