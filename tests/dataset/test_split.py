from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from atb.config.dataset import DatasetSpec
from atb.dataset.split import MINIMUM_WINDOWS, Split, chronological, require_rows
from atb.errors import DataError


def split(n: int, horizon: int, **spec: float) -> Split:
    ends = np.arange(n)
    return chronological(ends, ends + horizon, DatasetSpec(**spec))


def test_a_small_case_by_hand() -> None:
    parts = split(1000, horizon=3, embargo=10)
    # 700 - 3 - 10 - 1: the label of row 686 is known at 689, ten bars before row 700
    assert (parts.train[0], parts.train[-1]) == (0, 686)
    assert (parts.validation[0], parts.validation[-1]) == (700, 836)
    assert (parts.test[0], parts.test[-1]) == (850, 999)


def test_too_few_windows_are_an_error_that_counts_them() -> None:
    with pytest.raises(DataError, match=r"300 usable windows leave .* for validation"):
        split(300, horizon=1)


@settings(max_examples=2000, deadline=None)
@given(
    n=st.integers(500, 3000),
    horizon=st.integers(1, 120),
    embargo=st.integers(0, 120),
    train=st.floats(0.3, 0.8),
    validation=st.floats(0.1, 0.4),
    seed=st.integers(0, 2**31),
)
def test_no_label_interval_of_one_part_touches_the_next(
    n: int, horizon: int, embargo: int, train: float, validation: float, seed: int
) -> None:
    assume(train + validation < 0.95)
    rng = np.random.default_rng(seed)
    ends = np.sort(rng.choice(n * 2, n, replace=False))  # uneven: some bars are missing
    known_at = ends + rng.integers(1, horizon + 1, n)
    spec = DatasetSpec(train=train, validation=validation, embargo=embargo)
    try:
        parts = chronological(ends, known_at, spec)
    except DataError:
        assume(False)
    of = dict(zip(ends.tolist(), known_at.tolist(), strict=True))
    for earlier, later in ((parts.train, parts.validation), (parts.validation, parts.test)):
        assert max(of[end] for end in earlier.tolist()) + embargo < later[0]
        assert len(earlier) >= MINIMUM_WINDOWS
    assert len(parts.test) >= MINIMUM_WINDOWS


@pytest.mark.parametrize(
    ("horizon", "spec"),
    [(1, {}), (24, {"embargo": 0}), (3, {"train": 0.5, "validation": 0.4}), (7, {"embargo": 90})],
)
def test_the_rows_that_are_asked_for_are_enough_and_few_are_spare(
    horizon: int, spec: dict[str, float]
) -> None:
    asked, reach = DatasetSpec(**spec), 120
    said = {"where": "a.csv", "more": "give more,"}

    def enough(rows: int) -> bool:
        try:
            split(rows - reach + 1 - horizon, horizon, **spec)
        except DataError:
            return False
        return True

    with pytest.raises(DataError, match="too few") as caught:
        require_rows(reach, reach, horizon, asked, **said)
    assert str(caught.value).startswith("a.csv: ")
    assert str(caught.value).endswith("; give more, or a shorter --sequence-length")
    needed = int(caught.value.what.split()[-1])
    require_rows(needed, reach, horizon, asked, **said)
    assert enough(needed) and not enough(needed - 24)
