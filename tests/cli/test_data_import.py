"""An order book is kept and listed through the shell."""

from __future__ import annotations

import zipfile

import pytest

from atb.market import sample, store
from atb.market.lob import lobster
from atb.market.lob.store import days, read
from atb.workspace import Workspace

DAY = "artifacts/books/GOOG/2012-06-21.parquet"


@pytest.fixture
def goog(market_data):
    return market_data / "lob" / "LOBSTER_GOOG_2012-06-21_34200000_50400000_5.zip"


def test_a_book_is_stored_and_listed(atb, goog, tmp_path):
    done = atb("data", "import", goog)
    assert (done.code, done.out) == (0, f"{DAY}\n")
    (path,) = days(Workspace(tmp_path / "artifacts"), "GOOG")
    assert read(path).sha256() == lobster.read(goog).sha256()
    start = 1_704_067_200_000
    bars = sample.simulate("BTCUSDT", "1h", start, start + 50 * 3_600_000, 1)
    store.merge(Workspace(tmp_path / "artifacts"), bars)
    listed = atb("data", "list", "--json").json
    assert [row["symbol"] for row in listed["candles"]] == ["BTCUSDT"]
    assert listed["books"] == [
        {
            "day": "2012-06-21",
            "symbol": "GOOG",
            "rows": 76_256,
            "levels": 5,
            "sessions": 1,
            "tick": 0.01,
            "source": "lobster",
            "synthetic": False,
            "first": "2012-06-21T13:30:00Z",
            "last": "2012-06-21T17:59:58Z",
            "bytes": path.stat().st_size,
        }
    ]
    shown = atb("data", "list").out
    assert all(word in shown for word in ("candles", "BTCUSDT", "books", "2012-06-21", "76256"))


def test_a_stored_book_is_checked_by_its_symbol(atb, goog):
    atb("data", "import", goog, "--artifacts", "kept")
    done = atb("data", "check", "lob", "GOOG", "--artifacts", "kept", "--json")
    assert (done.code, done.json["rows"], done.json["fatal"]) == (0, 76_256, [])
    done = atb("data", "check", "lob", "GOGO", "--artifacts", "kept")
    assert (done.code, done.out) == (3, "")
    assert "no book of GOGO is stored in kept; did you mean 'GOOG'?" in done.said


def test_another_name_and_an_answer_for_programs(atb, goog, tmp_path):
    done = atb("data", "import", goog, "--symbol", "ALPHABET", "--json")
    assert done.json == {"paths": ["artifacts/books/ALPHABET/2012-06-21.parquet"]}
    assert (tmp_path / done.json["paths"][0]).is_file()


def test_a_hostile_zip_is_one_line_and_leaves_nothing(atb, goog, tmp_path):
    with zipfile.ZipFile(goog) as bundle, zipfile.ZipFile(tmp_path / "x.zip", "w") as evil:
        for name in bundle.namelist():
            evil.writestr(name, bundle.read(name)[:1000])
        evil.writestr("../../evil.csv", "1,2,3")
    done = atb("data", "import", "x.zip")
    assert (done.code, done.out) == (3, "")
    assert done.err.count("\n") == 1
    assert done.said.startswith("error: x.zip: a member's path leaves the folder: '../../evil.csv'")
    assert [path.name for path in tmp_path.iterdir()] == ["x.zip"]


def test_a_damaged_book_is_one_line_and_nothing_is_stored(atb, goog, tmp_path):
    with zipfile.ZipFile(goog) as bundle, zipfile.ZipFile(tmp_path / "x.zip", "w") as short:
        for name in bundle.namelist():
            text = bundle.read(name).splitlines(keepends=True)
            short.writestr(name, b"".join(text[: 300 if "orderbook" in name else 400]))
    done = atb("data", "import", "x.zip")
    assert (done.code, done.out) == (3, "")
    assert done.said.startswith("error: x.zip, GOOG_")
    assert "it ends after 300 lines" in done.said
    assert list(tmp_path.rglob("*.parquet*")) == []
