from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atb.config.dataset import DatasetSpec
from atb.dataset.build import Dataset, build, covered_rows, usable_ends
from atb.targets.labels import Labels

N, WINDOW, LOOKBACK = 1500, 20, 5


def labels(n: int = N, seed: int = 0) -> Labels:
    value = np.random.default_rng(seed).normal(size=(n, 2))
    value[-1, 1] = np.nan
    return Labels(value, np.arange(n) + 1, classes=1)


def matrix(n: int = N) -> np.ndarray:
    rows = np.random.default_rng(1).normal(size=(n, 3)).astype(np.float32)
    rows[:LOOKBACK] = np.nan
    return rows


def dataset(rows: np.ndarray, of: Labels, spec: DatasetSpec) -> Dataset:
    return build(rows, of, np.zeros(len(rows), int), WINDOW, LOOKBACK, spec)


@pytest.mark.parametrize("scaler", ["minmax", "standard", "robust"])
def test_validation_and_test_rows_leave_no_trace_in_what_is_trained_on(scaler: str) -> None:
    spec = DatasetSpec(scaler=scaler)
    before = dataset(matrix(), labels(), spec)
    beyond = before.split.train[-1] + 1
    rows, of = matrix(), labels()
    rows[beyond:] *= 10
    of.value[beyond:] *= 10
    after = dataset(rows, of, spec)

    assert before.scaling.scale.tobytes() == after.scaling.scale.tobytes()
    assert before.scaling.offset.tobytes() == after.scaling.offset.tobytes()
    assert before.matrix[:beyond].tobytes() == after.matrix[:beyond].tobytes()
    assert before.target[:beyond].tobytes() == after.target[:beyond].tobytes()
    assert before.target_scale.tobytes() == after.target_scale.tobytes()
    assert before.target_offset.tobytes() == after.target_offset.tobytes()
    assert before.matrix[beyond:].tobytes() != after.matrix[beyond:].tobytes()


def test_thresholds_are_of_train_rows_alone_and_make_classes_of_moves() -> None:
    moves = Labels(labels().value, np.arange(N) + 1, classes=3, pending=(1, 2))
    before = dataset(matrix(), moves, DatasetSpec())
    louder = moves.value.copy()
    louder[before.split.train[-1] + 1 :] *= 10
    after = dataset(matrix(), replace(moves, value=louder), DatasetSpec())

    train = before.split.train
    assert before.labels.thresholds.tobytes() == after.labels.thresholds.tobytes()
    assert before.target[train].tobytes() == after.target[train].tobytes()
    assert after.target[after.split.test].tobytes() != before.target[before.split.test].tobytes()
    shares = np.bincount(before.target[train, 0].astype(int)) / len(train)
    assert shares[1] == pytest.approx(1 / 3, abs=1e-3)
    assert set(np.unique(before.target[before.split.ends])) == {0, 1, 2}


def test_the_target_is_standardised_on_train_rows() -> None:
    built = dataset(matrix(), labels(), DatasetSpec())
    train = built.target[built.split.train]
    assert train.mean(axis=0) == pytest.approx([0, 0], abs=1e-6)
    assert train.std(axis=0) == pytest.approx([1, 1], abs=1e-6)
    restored = built.target * built.target_scale + built.target_offset
    np.testing.assert_allclose(restored[:-1], built.labels.value[:-1], rtol=1e-5, atol=1e-6)


@settings(max_examples=1000, deadline=None)
@given(
    gaps=st.lists(st.integers(1, 299), max_size=6),
    damaged=st.lists(st.integers(0, 299), max_size=6),
)
def test_every_usable_window_is_whole_finite_and_labelled(
    gaps: list[int], damaged: list[int]
) -> None:
    n = 300
    segments = np.zeros(n, int)
    for gap in gaps:
        segments[gap:] += 1
    rows = np.ones((n, 2), np.float32)
    rows[damaged] = np.nan
    of = labels(n)
    ends, dropped = usable_ends(rows, of, segments, WINDOW, LOOKBACK)
    expected = [
        end
        for end in range(WINDOW + LOOKBACK - 1, n)
        if len(set(segments[end - WINDOW - LOOKBACK + 1 : end + 1])) == 1
        and np.isfinite(rows[end - WINDOW + 1 : end + 1]).all()
        and np.isfinite(of.value[end]).all()
    ]
    assert ends.tolist() == expected
    assert len(ends) + sum(dropped.values()) == n


@pytest.mark.parametrize("first", [0, 13, 40])
def test_windows_of_two_lengths_end_at_the_same_rows_of_every_run(first: int) -> None:
    n = 300
    segments = np.repeat([0, 1, 2], [100, 30, 170])
    rows = np.ones((n, 2), np.float32)
    short, _ = usable_ends(rows, labels(n), segments, 3, 1, first)
    long, dropped = usable_ends(rows, labels(n), segments, 9, 5, first)
    assert (short.tolist() == long.tolist()) is (first >= 13)
    assert int(long[0]) == max(13, first)
    assert len(long) + sum(dropped.values()) == n


@settings(deadline=None)
@given(ends=st.sets(st.integers(4, 60), min_size=1))
def test_covered_rows_are_those_of_the_windows(ends: set[int]) -> None:
    rows = {row for end in ends for row in range(end - 4, end + 1)}
    assert covered_rows(np.array(sorted(ends)), 5).tolist() == sorted(rows)


def test_what_is_served_of_each_kind_of_label() -> None:
    built = dataset(matrix(), labels(), DatasetSpec())
    raw = np.array([[0.0, 1.0], [2.0, -1.0]])
    expected = raw * built.target_scale + built.target_offset
    np.testing.assert_array_equal(built.served(raw), expected)

    binary = replace(built, labels=replace(built.labels, classes=2))
    np.testing.assert_allclose(binary.served(raw), 1 / (1 + np.exp(-raw)))
    assert binary.served(np.array([[800.0, -800.0]])).tolist() == [[1.0, 0.0]]

    ternary = replace(built, labels=replace(built.labels, classes=3))
    six = np.log([[1.0, 2.0, 1.0, 5.0, 4.0, 1.0]]) + 500
    np.testing.assert_allclose(ternary.served(six), [[[0.25, 0.5, 0.25], [0.5, 0.4, 0.1]]])
