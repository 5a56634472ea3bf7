"""Each source gives a checked book of the clock and depth asked for, or one clear answer."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from atb.config.data import BookData
from atb.errors import DataError, UsageError
from atb.events import Warned
from atb.market.lob import checks, clock, load, lobster, store
from atb.market.lob.load import load_book
from atb.workspace import Workspace


@pytest.fixture
def workspace(tmp_path):
    return Workspace(tmp_path / "artifacts")


@pytest.fixture(autouse=True)
def _short_samples(monkeypatch):
    monkeypatch.setattr(load, "SAMPLE_EVENTS", 500)


def lines(rows, first=34200):
    return [f"{first + row},1,7,100,1000100,1" for row in range(rows)]


def test_the_words_and_the_table_agree():
    assert set(get_args(BookData.model_fields["source"].annotation)) == set(load._SOURCES)


@pytest.mark.parametrize("source", ["auto", "file"])
def test_a_file_by_its_levels(workspace, goog, source):
    book = load_book(None, BookData(source=source, path=goog, levels=5), workspace)
    assert (book.symbol, book.depth, len(book), book.synthetic) == ("GOOG", 5, 100_048, False)
    assert checks.inspect(book).fatal == ()
    assert book.sha256() == lobster.read(goog).top(5).sha256()


def test_a_file_by_a_clock(workspace, goog):
    book = load_book("GOOGL", BookData(path=goog, clock="time", every=60), workspace)
    assert book.symbol == "GOOGL"
    assert len(book) == 4 * 60 + 29  # each minute from half past nine to 13:59
    assert (book.time_ns % (60 * 10**9) == 0).all()


def test_the_stored_days_of_a_symbol(workspace, write_lobster):
    write_lobster(lines(8), stem="TEST_2012-06-21_34200000_57600000")
    path = write_lobster(lines(5), stem="TEST_2012-06-22_34200000_57600000")
    store.import_lobster(workspace, path.parent)
    heard = []
    book = load_book("TEST", BookData(levels=2), workspace, heard.append)
    assert book.sha256() == lobster.read(path.parent).sha256()
    assert not any("simulat" in event.message for event in heard if isinstance(event, Warned))
    fewer = load_book("TEST", BookData(levels=1, every=3), workspace)
    whole = clock.sampled(lobster.read(path.parent), "event", 3)
    assert fewer.sha256() == whole.top(1).sha256()
    assert fewer.session.tolist() == [0, 0, 1]


def test_a_symbol_that_is_not_stored_is_never_simulated(workspace, write_lobster):
    with pytest.raises(DataError, match=r"no book of GOGO is stored.*none are known.*--source"):
        load_book("GOGO", BookData(), workspace)
    store.import_lobster(workspace, write_lobster(lines(3)), "GOOG")
    with pytest.raises(DataError, match=r"no book of GOGO is stored.*did you mean 'GOOG'"):
        load_book("GOGO", BookData(), workspace)
    with pytest.raises(DataError, match=r"no book of BTC is stored.*known: GOOG"):
        load_book("BTC", BookData(), workspace)


def test_without_a_symbol_no_book_is_named(workspace):
    with pytest.raises(UsageError, match="no order book is named"):
        load_book(None, BookData(), workspace)


def test_the_sample_asked_for_comes_without_a_warning(workspace):
    heard = []
    book = load_book("GOOG", BookData(source="sample", levels=7), workspace, heard.append)
    assert (book.symbol, book.depth, len(book), book.synthetic) == ("GOOG", 7, 500, True)
    assert load_book(None, BookData(source="sample"), workspace).symbol == load.SAMPLE_SYMBOL
    assert heard == []
    again = load_book("GOOG", BookData(source="sample", levels=7), workspace)
    assert again.sha256() == book.sha256()
    other = load_book("AAPL", BookData(source="sample", levels=7), workspace)
    assert not np.array_equal(other.levels, book.levels)


def test_what_does_not_go_together(workspace, goog):
    with pytest.raises(UsageError, match="the source is 'sample'"):
        load_book(None, BookData(source="sample", path=goog), workspace)
    with pytest.raises(UsageError, match="source 'file' needs a file"):
        load_book(None, BookData(source="file"), workspace)
    with pytest.raises(UsageError, match="is not a symbol"):
        load_book("../x", BookData(), workspace)
    with pytest.raises(UsageError, match=r"every 2\.5 events are no whole number"):
        BookData.of(every=2.5)
    assert BookData(clock="time", every=2.5).every == 2.5


def test_a_shallow_book_says_what_to_ask_for(workspace, goog):
    with pytest.raises(DataError, match=r"it has 10 levels, 12 are asked for.*10 levels at most"):
        load_book(None, BookData(path=goog, levels=12), workspace)


def test_a_clock_that_takes_no_row(workspace, write_lobster):
    path = write_lobster([*lines(9), "34300,4,7,100,1000100,1"])
    with pytest.raises(DataError, match=r"the volume clock takes no row at steps of 1e\+06"):
        load_book(None, BookData(path=path, levels=2, clock="volume", every=1e6), workspace)


def test_a_clock_of_volume_without_trades(workspace, write_lobster):
    path = write_lobster(lines(9))
    with pytest.raises(DataError, match=r"TEST: the book has no trades.*--clock event or time"):
        load_book(None, BookData(path=path, levels=2, clock="volume", every=5), workspace)


def test_a_book_without_trades_is_told_of(workspace, write_lobster):
    told = []
    spec = BookData(path=write_lobster(lines(9)), levels=2)
    assert len(load_book(None, spec, workspace, told.append)) == 9
    assert [one.message[:22] for one in told if isinstance(one, Warned)] == [
        "the book has no trades"
    ]


def test_what_is_checked_may_be_a_file_or_a_stored_symbol(workspace, write_lobster):
    path = write_lobster(lines(5), stem="TEST_2012-06-21_34200000_57600000")
    write_lobster(lines(8), stem="TEST_2012-06-22_34200000_57600000")
    store.import_lobster(workspace, path.parent)
    stored = load.unchecked("TEST", None, workspace)
    assert stored.sha256() == load.unchecked(path.parent, "TEST", workspace).sha256()
    assert (len(stored), stored.session[-1]) == (13, 1)
    with pytest.raises(DataError, match=r"no book of TSET is stored.*did you mean 'TEST'"):
        load.unchecked("TSET", None, workspace)
    with pytest.raises(UsageError, match="two symbols"):
        load.unchecked("TEST", "GOOG", workspace)
    with pytest.raises(UsageError, match="'lower' is not a symbol"):
        load.unchecked(path, "lower", workspace)
    with pytest.raises(DataError, match="cannot be"):
        load.unchecked("A" * 5000, None, workspace)


def test_a_book_with_a_fatal_fault_is_refused(workspace, write_lobster):
    good = "1000200,10,1000100,20,1000300,30,1000000,40"
    crossed = "1000000,10,1000100,20,1000300,30,999900,40"
    path = write_lobster(lines(3), [good, crossed, good])
    with pytest.raises(DataError, match=r"row 1, counted from 0.*crossed"):
        load_book(None, BookData(path=path, levels=2), workspace)


def test_a_file_that_is_not_there(workspace):
    with pytest.raises(DataError, match=r"absent\.zip"):
        load_book(None, BookData(path=Path("absent.zip")), workspace)
    assert not workspace.root.exists()
