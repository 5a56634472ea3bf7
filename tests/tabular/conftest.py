"""A small dataset whose targets are a straight line of its windows, and noise."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

ROWS, FEATURES, WINDOW = 3_000, 3, 4


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """As learners do: more threads wait for each other where another process has the cores."""
    with threadpool_limits(1):
        yield


@pytest.fixture
def dataset() -> Any:
    return made(noise=2)


@pytest.fixture
def drowned() -> Any:
    """Far more noise than line, so that what fits train rows best fits no others."""
    return made(noise=100)


def made(noise: float) -> Any:
    from atb.config.dataset import DatasetSpec
    from atb.dataset.build import build
    from atb.targets.labels import Labels

    draw = np.random.default_rng(5)
    matrix = draw.normal([1, -2, 300], [1, 3, 50], (ROWS, FEATURES)).astype(np.float32)
    lines = draw.normal(size=(FEATURES, 2)) / [[1], [3], [50]]
    value = matrix @ lines + np.roll(matrix, 2, axis=0) @ lines[:, ::-1]
    value = 4 * value + draw.normal(0, noise, (ROWS, 2)) + 7
    labels = Labels(value, np.arange(ROWS) + 5, 1)
    return build(
        matrix, labels, np.zeros(ROWS, np.int64), WINDOW, 0, DatasetSpec(scaler="standard")
    )
