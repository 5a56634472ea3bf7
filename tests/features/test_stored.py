"""Feature matrices on the disk: the very numbers, computed once, again only when damaged."""

from __future__ import annotations

import numpy as np
import pytest

from atb import cache
from atb.clock import parse_time
from atb.errors import UsageError
from atb.market.lob import sample as book_sample
from atb.market.sample import simulate
from atb.workspace import Workspace

pytestmark = pytest.mark.usefixtures("tensorflow_ready")


@pytest.fixture
def workspace(tmp_path):
    return Workspace(tmp_path)


@pytest.fixture
def counted(monkeypatch):
    """Names of the sets that were computed."""
    from atb.features import stored

    names, compute = [], stored.compute

    def counting(set_name, history):
        names.append(set_name)
        return compute(set_name, history)

    monkeypatch.setattr(stored, "compute", counting)
    return names


@pytest.fixture(scope="module")
def candles():
    return simulate("TEST", "1h", parse_time("2024-01-01"), parse_time("2024-01-20"), seed=5)


def matrix(workspace, history, name="price"):
    from atb.features import stored

    return stored.matrix(workspace, name, history)


def computed(history, name="price"):
    from atb.features.layer import compute

    return compute(name, history)


def test_the_second_time_nothing_is_computed(workspace, candles, counted):
    first, second = matrix(workspace, candles), matrix(workspace, candles)
    assert counted == ["price"]
    for found in (first, second):
        assert found.dtype == np.float32
        np.testing.assert_array_equal(found, computed(candles))
    assert type(second) is np.ndarray
    with pytest.raises(ValueError, match="read-only"):
        second[0, 0] = 1.0


def test_books_have_matrices_too(workspace, counted):
    book = book_sample.simulate("GOOG", 500, 7)
    for _ in range(2):
        np.testing.assert_array_equal(matrix(workspace, book, "lob40"), computed(book, "lob40"))
    assert counted == ["lob40"]


def test_other_rows_sets_code_and_libraries_have_other_files(workspace, candles, monkeypatch):
    from atb.features import stored

    def place(history=candles, name="price"):
        return stored.path(workspace, name, history)

    one = place()
    others = [place(candles.rows(1, len(candles))), place(name="technical")]
    for what, value in (
        ("code_sha256", lambda: "other"),
        ("definition_sha256", lambda _: "other"),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(stored, what, value)
            others.append(place())
    for library in (stored.keras, stored.tf):
        with monkeypatch.context() as patch:
            patch.setattr(library, "__version__", "0.0")
            others.append(place())
    assert len({one, *others}) == 7
    assert place() == one


def _flip(content):
    flipped = bytearray(content)
    flipped[len(content) // 2] ^= 1
    return bytes(flipped)


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"",
        lambda content: content[:-1],
        lambda content: content[:100],
        lambda content: content + b"\0",
        lambda content: content[:-32] + b"\0" * 32,
        _flip,
    ],
)
def test_what_is_damaged_is_computed_again(workspace, candles, counted, damage, caplog):
    from atb.features import stored

    expected = np.array(matrix(workspace, candles))
    place = stored.path(workspace, "price", candles)
    place.write_bytes(damage(place.read_bytes()))
    np.testing.assert_array_equal(matrix(workspace, candles), expected)
    assert counted == ["price", "price"]
    assert "computed again" in caplog.text
    np.testing.assert_array_equal(matrix(workspace, candles), expected)
    assert counted == ["price", "price"]


def test_a_matrix_in_use_is_not_pruned(workspace, candles):
    expected = np.array(matrix(workspace, candles))
    found = matrix(workspace, candles)
    assert cache.prune([workspace.matrices], 0).held
    np.testing.assert_array_equal(found, expected)
    del found
    assert cache.prune([workspace.matrices], 0).removed
    np.testing.assert_array_equal(matrix(workspace, candles), expected)


def test_a_set_of_another_market_is_refused(workspace, candles):
    with pytest.raises(UsageError, match="is of kind book"):
        matrix(workspace, candles, "lob40")
    assert not workspace.matrices.exists()
