"""FI-2010 matrices, written here in the published form, in its three variants."""

from __future__ import annotations

import numpy as np
import pytest

from atb.errors import DataError
from atb.market.lob import checks, fi2010
from atb.market.lob.book import SIDES

N = 120


def quoted():
    """`[40, N]` ten levels around a wandering mid, in units of 0.01 and of one share."""
    random = np.random.default_rng(7)
    mid = 2600 + np.cumsum(random.integers(-1, 2, N))
    rows = []
    for level in range(10):
        ask, bid = mid + 1 + level, mid - 1 - level
        rows += [ask, random.integers(1, 900, N), bid, random.integers(1, 900, N)]
    return np.array(rows, np.float64)


def variants():
    book = quoted()
    scaled = book * np.tile([1e-4, 1e-5], 20)[:, None]
    low, high = book.min(axis=1, keepdims=True), book.max(axis=1, keepdims=True)
    return {
        "decimal": scaled,
        "zscore": (book - book.mean(axis=1, keepdims=True)) / book.std(axis=1, keepdims=True),
        "minmax": (book - low) / (high - low),
    }


def codes():
    return np.random.default_rng(8).integers(1, 4, (5, N))


def written(path, book, labels=None, made=104):
    rows = np.concatenate([book, np.ones((made, N)), codes() if labels is None else labels])
    lines = ("   " + "   ".join(f"{value:.7e}" for value in row) for row in rows)
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.parametrize("variant", variants())
@pytest.mark.parametrize("name", ["Train_Dst_NoAuction_{}_CF_7.txt", "x.txt"])
def test_each_variant_by_name_and_by_its_values(tmp_path, variant, name):
    published = {"decimal": "DecPre", "zscore": "ZScore", "minmax": "MinMax"}[variant]
    path = written(tmp_path / name.format(published), variants()[variant])
    book = fi2010.read(path)
    assert (book.symbol, book.source, len(book), book.depth) == (
        "FI2010",
        f"fi2010 {variant}",
        N,
        10,
    )
    assert np.diff(book.time_ns).tolist() == [10**9] * (N - 1)
    checks.require(checks.inspect(book), "here")


def test_decimal_prices_are_whole_ticks(tmp_path):
    book = fi2010.read(written(tmp_path / "x.txt", variants()["decimal"]))
    assert book.tick == pytest.approx(1e-4)
    np.testing.assert_array_equal(book.side("ask_price"), quoted()[0::4].T)
    np.testing.assert_allclose(book.side("bid_size"), quoted()[3::4].T * 1e-5, rtol=1e-6)
    np.testing.assert_allclose(book.price, quoted()[[0, 2]].mean(axis=0) * 1e-4)


def test_prices_without_a_step_stay_as_they_came(tmp_path):
    prices = variants()["decimal"] * (1 + 1e-5 * np.sin(np.arange(N)))
    book = fi2010.read(written(tmp_path / "DecPre.txt", prices))
    assert (book.tick, book.source) == (None, "fi2010 decimal")
    np.testing.assert_allclose(book.levels, prices.T, rtol=1e-6)


def test_normalised_values_stay_as_they_came(tmp_path):
    book = fi2010.read(written(tmp_path / "x.txt", variants()["zscore"]))
    assert book.tick is None
    assert book.columns[: len(SIDES)] == tuple(f"{side}_1" for side in SIDES)
    np.testing.assert_allclose(book.levels, variants()["zscore"].T, rtol=1e-6)


def test_labels_are_recoded_as_ours(tmp_path):
    labels = np.tile([1, 2, 3], (5, N // 3))
    labels[4, 0] = 3
    found = fi2010.labels(written(tmp_path / "x.txt", variants()["decimal"], labels))
    assert (found.shape, found.dtype) == ((N, 5), np.int64)
    assert found[:3].tolist() == [[2, 2, 2, 2, 0], [1] * 5, [0] * 5]


def test_a_folder_with_one_matrix(tmp_path):
    folder = tmp_path / "FI-2010"
    folder.mkdir()
    with pytest.raises(DataError, match="holds 0 text files"):
        fi2010.read(folder)
    written(folder / "Test_Dst_NoAuction_ZScore_CF_9.txt", variants()["zscore"])
    assert fi2010.read(folder).source == "fi2010 zscore"
    written(folder / "other.txt", variants()["zscore"])
    with pytest.raises(DataError, match="holds 2 text files"):
        fi2010.labels(folder)


def line(path, number, change):
    lines = path.read_text().split("\n")
    lines[number - 1] = change(lines[number - 1])
    path.write_text("\n".join(lines))


@pytest.mark.parametrize(
    ("number", "change", "said"),
    [
        (3, lambda row: row.replace("e", "x", 1), "row 3, column 1: .* is no number"),
        (3, lambda row: row + " 1,5", "row 3, column 121: '1,5' is no number"),
        (40, lambda row: row + "\0", "row 40, column 12.* is no number"),
        (2, lambda row: row + " 1", "row 2 has 121 columns, those before it 120"),
        (100, lambda row: row + " 1", "row 100 has 121 columns"),
        (149, lambda row: row[:-20], "row 149 has"),
        (149, lambda row: "", "148 rows of 120 columns"),
        (1, lambda row: f"{row}\n{row}", "150 rows"),
    ],
)
def test_damaged_matrices(tmp_path, number, change, said):
    path = written(tmp_path / "x.txt", variants()["decimal"])
    line(path, number, change)
    for reader in (fi2010.read, fi2010.labels):
        if reader is fi2010.read or "no number" not in said:
            with pytest.raises(DataError, match=said) as caught:
                reader(path)
            assert (caught.value.where, bool(caught.value.remedy)) == (str(path), True)


@pytest.mark.parametrize("wrong", [0, 4, 1.5, np.nan])
def test_labels_that_are_none(tmp_path, wrong):
    labels = codes().astype(np.float64)
    labels[2, 7] = wrong
    path = written(tmp_path / "x.txt", variants()["decimal"], labels)
    with pytest.raises(DataError, match="row 147, column 8: the label is"):
        fi2010.labels(path)


@pytest.mark.parametrize(
    ("content", "said"), [(b"", "empty"), (b"\n \n", "0 rows"), (bytes(range(256)), "number|rows")]
)
def test_files_that_are_no_matrix(tmp_path, content, said):
    path = tmp_path / "x.txt"
    path.write_bytes(content)
    with pytest.raises(DataError, match=said):
        fi2010.read(path)
