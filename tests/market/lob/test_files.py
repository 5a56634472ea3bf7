"""Every form of a book is told by its name and content."""

from __future__ import annotations

import os
import shutil
import zipfile

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from atb.errors import DataError
from atb.events import Progress
from atb.market.lob import files, lobster, snapshots
from atb.market.lob.book import Book


@pytest.fixture
def bitstamp(market_data):
    return market_data / "lob" / "BTCUSD_bitstamp_book20_20150501_0000-0330.parquet"


def test_a_zip_is_lobsters(goog):
    heard = []
    book = files.read(goog, listen=heard.append)
    assert (book.symbol, book.source, len(book)) == ("GOOG", "lobster", 100_048)
    assert [event.done for event in heard if isinstance(event, Progress)][-1] == 100_048


def test_a_folder_and_a_file_of_lobsters_name(write_lobster):
    path = write_lobster(["34200.5,1,7,100,1000100,1"])
    expected = lobster.read(path).sha256()
    assert files.read(path).sha256() == expected
    assert files.read(path.parent).sha256() == expected
    assert files.read(path.parent, "OTHER").symbol == "OTHER"


def test_parquet_is_snapshots_until_it_is_kept(bitstamp, tmp_path):
    book = files.read(bitstamp)
    assert book.sha256() == snapshots.read(bitstamp).sha256()
    assert (book.symbol, book.depth, len(book)) == ("BTCUSD", 20, 3730)
    files.write(book, tmp_path / "kept.parquet")
    assert files.read(tmp_path / "kept.parquet").sha256() == book.sha256()
    assert files.read(tmp_path / "kept.parquet", "XBT").symbol == "XBT"


def test_csv_is_snapshots(tmp_path):
    path = tmp_path / "TEST_book.csv"
    path.write_text(
        "timestamp,ask_price_1,ask_size_1,bid_price_1,bid_size_1\n"
        "2024-01-01T00:00:00Z,100.02,1,100.01,2\n"
        "2024-01-01T00:00:01Z,100.03,1,100.01,2\n"
    )
    book = files.read(path, "TEST")
    np.testing.assert_array_equal(book.levels[:, 0] * book.tick, np.float32([100.02, 100.03]))


def test_a_text_matrix_is_fi2010(tmp_path):
    rows = np.ones((149, 3))
    rows[0:40:4], rows[2:40:4] = np.arange(10)[:, None] + 2.0, 1 - np.arange(10)[:, None] / 20
    rows[0:40:4] /= 10
    np.savetxt(tmp_path / "Test_Dst_NoAuction_DecPre_CF_7.txt", rows)
    book = files.read(tmp_path / "Test_Dst_NoAuction_DecPre_CF_7.txt", "FI")
    assert isinstance(book, Book)
    assert (book.symbol, book.depth, len(book)) == ("FI", 10, 3)


def test_what_is_no_book(tmp_path, goog):
    (tmp_path / "book.doc").write_text("x")
    (tmp_path / "empty.csv").write_text("")
    shutil.copy(goog, tmp_path / "book.7z")
    os.mkfifo(tmp_path / "pipe.csv")
    for name, answer in {
        "book.doc": r"its ending is \.doc.*\.zip, \.parquet, \.csv, \.txt",
        "book.7z": r"its ending is \.7z",
        "empty.csv": "it is empty",
        "pipe.csv": "no plain file",
        "absent.csv": "No such file",
        "": "no LOBSTER files are in it",
    }.items():
        with pytest.raises(DataError, match=answer) as caught:
            files.read(tmp_path / name)
        assert str(tmp_path) in str(caught.value)


@pytest.fixture(scope="module")
def members(goog):
    """Sixty lines of the real book, by name."""
    with zipfile.ZipFile(goog) as bundle:
        texts = {name: bundle.read(name).splitlines(keepends=True) for name in bundle.namelist()}
    return {name: b"".join(lines[:60]) for name, lines in texts.items() if name.endswith(".csv")}


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150, deadline=None
)
@given(
    st.sampled_from(["message", "orderbook", "zip", "parquet"]),
    st.floats(0, 1, exclude_max=True),
    st.integers(0, 40),
    st.binary(max_size=6) | st.text("0123456789,.-\nNae", max_size=6).map(str.encode),
)
def test_any_damage_is_a_book_or_one_clear_answer(tmp_path, members, target, place, less, more):
    """Bytes replaced anywhere: in either text, in the zip around them, in a kept file."""

    def damaged(content):
        at = int(place * len(content))
        return content[:at] + more + content[at + less :]

    path = tmp_path / "book.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name, text in members.items():
            bundle.writestr(name, damaged(text) if target in name else text)
    if target == "parquet":
        files.write(files.read(path), tmp_path / "book.parquet")
        path = tmp_path / "book.parquet"
    if target in path.name:
        path.write_bytes(damaged(path.read_bytes()))
    try:
        assert len(files.read(path)) > 0
    except DataError as error:
        assert "\n" not in str(error)
        assert error.remedy
        assert path.name in str(error)
