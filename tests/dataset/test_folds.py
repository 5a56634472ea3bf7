from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from skfolio.model_selection import CombinatorialPurgedCV, WalkForward
from sklearn.model_selection import KFold, TimeSeriesSplit

from atb.config.dataset import DatasetSpec
from atb.config.folds import FoldSpec
from atb.dataset.folds import boundaries, require_rows, split, under_test
from atb.dataset.split import MINIMUM_WINDOWS, Split
from atb.errors import DataError

SCHEMES = ("walk-forward", "expanding", "kfold", "combinatorial")


def spec(
    embargo: int = 0, train: float = 0.7, validation: float = 0.15, **fold: object
) -> DatasetSpec:
    of = FoldSpec.model_validate(fold)
    return DatasetSpec(train=train, validation=validation, embargo=embargo, fold=of)


def regular(n: int, horizon: int, embargo: int = 0, **fold: object) -> Split:
    ends = np.arange(n)
    return split(ends, ends + horizon, spec(embargo, **fold))


def span(part: np.ndarray) -> tuple[int, int]:
    return int(part[0]), int(part[-1])


def test_a_walk_learns_from_the_group_before_its_test_group() -> None:
    parts = regular(2400, 3, embargo=10, scheme="walk-forward", splits=5, number=1)
    # six groups of 400; labels of group 1 are known, and ten bars passed, before row 800
    assert span(parts.test) == (800, 1199)
    # of rows 400 to 786, 387 in all, the last 15/85 (from the 319th on) are validation
    assert span(parts.validation) == (719, 786)
    assert span(parts.train) == (400, 719 - 3 - 10 - 1)


def test_an_expanding_walk_learns_from_everything_before() -> None:
    parts = regular(2400, 3, embargo=10, scheme="expanding", splits=5, number=1)
    assert span(parts.test) == (800, 1199)
    assert span(parts.validation) == (648, 786)
    assert span(parts.train) == (0, 648 - 3 - 10 - 1)


def test_k_folds_learn_from_both_sides_and_purge_both() -> None:
    parts = regular(1000, 3, embargo=10, scheme="kfold", splits=4, number=1)
    assert span(parts.test) == (250, 499)
    learned = np.concatenate([parts.train, parts.validation])
    # the label of row 499 is known at 502; rows up to 512 are embargoed
    assert [row for row in (236, 237, 512, 513) if row in learned] == [236, 513]


def test_combinations_come_in_order_and_test_several_groups() -> None:
    chosen = [under_test(FoldSpec(scheme="combinatorial", splits=4, number=n)) for n in range(6)]
    assert chosen == [list(pair) for pair in combinations(range(4), 2)]
    parts = regular(1200, 1, scheme="combinatorial", splits=4, number=2)  # groups 0 and 3
    assert parts.test.tolist() == [*range(300), *range(900, 1200)]
    assert span(np.concatenate([parts.train, parts.validation])) == (300 + 1, 900 - 2)


def test_windows_of_the_whole_test_part_are_in_no_fold() -> None:
    ends = np.arange(2000)
    whole = round(2000 * 0.85)
    for number in range(5):
        of = spec(24, scheme="kfold", splits=5, number=number, before_test=True)
        parts = split(ends, ends + 5, of)
        assert parts.ends.max() + 5 + 24 < whole
    assert parts.test[-1] == whole - 5 - 24 - 1


def test_too_few_windows_are_an_error_with_numbers_and_a_remedy() -> None:
    with pytest.raises(DataError, match="fewer splits") as caught:
        regular(600, 1, scheme="walk-forward", splits=5, number=2)
    said = "600 usable windows, fold 3 of 5, leave 17 for validation, fewer than 64"
    assert caught.value.what == said


def test_rows_are_enough_when_every_part_of_the_fold_is() -> None:
    # of the first of six groups, 363 less 3 of purge, 15/85 are 64; a window's end is row 9 first
    of, enough = spec(scheme="walk-forward", splits=5, number=0), 9 + 6 * 362 + 1 + 3
    require_rows(enough, 10, 3, of, where="candles.csv")
    with pytest.raises(DataError, match="leave 63 for validation, fewer than 64") as caught:
        require_rows(enough - 1, 10, 3, of, where="candles.csv")
    assert caught.value.where == "candles.csv"
    assert caught.value.what.startswith(f"{enough - 1} rows are too few: ")


@settings(max_examples=2000, deadline=None)
@given(
    scheme=st.sampled_from(SCHEMES),
    n=st.integers(700, 1600),
    splits=st.integers(2, 6),
    tested_groups=st.integers(1, 4),
    horizon=st.integers(1, 60),
    embargo=st.integers(0, 60),
    before_test=st.booleans(),
    seed=st.integers(0, 2**31),
)
def test_no_label_of_one_part_shares_a_row_with_another_part(
    scheme: str,
    n: int,
    splits: int,
    tested_groups: int,
    horizon: int,
    embargo: int,
    before_test: bool,
    seed: int,
) -> None:
    rng = np.random.default_rng(seed)
    ends = np.sort(rng.choice(n * 2, n, replace=False))  # uneven: some bars are missing
    known_at = ends + rng.integers(1, horizon + 1, n)
    fold = {"scheme": scheme, "splits": splits, "before_test": before_test}
    if scheme == "combinatorial":
        fold["tested"] = min(tested_groups, splits - 1)
    fold["number"] = int(rng.integers(FoldSpec.model_validate(fold).count))
    of = spec(embargo, 0.5, 0.35, **fold)
    try:
        parts = split(ends, known_at, of)
    except DataError:
        assume(False)
    known = np.full(2 * n, -1)
    known[ends] = known_at
    for one, other in combinations((parts.train, parts.validation, parts.test), 2):
        starts, stops = other[np.newaxis], known[other][np.newaxis]
        apart = (known[one][:, np.newaxis] + embargo < starts) | (
            stops + embargo < one[:, np.newaxis]
        )
        assert apart.all()
    if scheme in SCHEMES[:2]:
        assert known[parts.train].max() < parts.test[0]
    if before_test:
        assert known[parts.ends].max() + embargo < ends[round(n * 0.85)]
    for part in vars(parts).values():
        assert len(part) >= MINIMUM_WINDOWS
        assert (np.diff(part) > 0).all()


@settings(max_examples=200, deadline=None)
@given(n=st.integers(60, 3000), splits=st.integers(2, 12), scheme=st.sampled_from(SCHEMES))
def test_every_window_is_tested_as_often_as_every_other(n: int, splits: int, scheme: str) -> None:
    fold = FoldSpec(scheme=scheme, splits=splits, tested=min(2, splits - 1))
    bounds = boundaries(n, fold)
    assert bounds[0, 0] == 0 and bounds[-1, 1] == n
    assert (bounds[1:, 0] == bounds[:-1, 1]).all()
    sizes = np.diff(bounds, axis=1)
    assert sizes.max() - sizes.min() <= 1
    times = np.zeros(len(bounds), int)
    for number in range(fold.count):
        times[under_test(fold.model_copy(update={"number": number}))] += 1
    assert set(times[times > 0]) == {times.max()}
    assert (times == 0).sum() == (scheme in SCHEMES[:2])


@pytest.mark.parametrize("purge", [1, 7, 30])
@pytest.mark.parametrize(("splits", "groups"), [(4, 2), (5, 2), (6, 3)])
def test_combinations_are_those_of_skfolio(purge: int, splits: int, groups: int) -> None:
    n = splits * 520
    oracle = CombinatorialPurgedCV(n_folds=splits, n_test_folds=groups, purged_size=purge)
    fold = {"scheme": "combinatorial", "splits": splits, "tested": groups}
    for number, (train, tests) in enumerate(oracle.split(np.zeros((n, 1)))):
        parts = regular(n, purge, **fold, number=number)
        assert parts.test.tolist() == np.concatenate(tests).tolist()
        assert_learned(parts, train, purge)


@pytest.mark.parametrize("purge", [1, 7, 30])
@pytest.mark.parametrize("scheme", ["walk-forward", "expanding"])
def test_walks_are_those_of_skfolio(purge: int, scheme: str) -> None:
    n, splits = 6 * 520, 5
    oracle = WalkForward(
        test_size=520, train_size=520 - purge, purged_size=purge, expand_train=scheme == "expanding"
    )
    for number, (train, test) in enumerate(oracle.split(np.zeros((n, 1)))):
        parts = regular(n, purge, scheme=scheme, splits=splits, number=number)
        assert parts.test.tolist() == test.tolist()
        assert_learned(parts, train, purge)


@pytest.mark.parametrize("n", [1000, 1003])
def test_k_folds_test_what_those_of_scikit_learn_test(n: int) -> None:
    for number, (_, test) in enumerate(KFold(5).split(np.zeros(n))):
        parts = regular(n, 1, scheme="kfold", splits=5, number=number)
        assert parts.test.tolist() == test.tolist()


def test_expanding_walks_test_what_a_time_series_split_of_scikit_learn_tests() -> None:
    for number, (train, test) in enumerate(TimeSeriesSplit(5, gap=3).split(np.zeros(3120))):
        parts = regular(3120, 3, scheme="expanding", splits=5, number=number)
        assert parts.test.tolist() == test.tolist()
        assert_learned(parts, train, 3)


def assert_learned(parts: Split, train: np.ndarray, purge: int) -> None:
    """Ours split what theirs train on in two, and purge between the two."""
    cut = round(len(train) * 0.7 / 0.85)
    assert parts.validation.tolist() == train[cut:].tolist()
    first = train[cut]
    assert parts.train.tolist() == [row for row in train[:cut].tolist() if row + purge < first]
