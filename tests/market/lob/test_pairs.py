"""The right two files are found, wherever they lie; nothing hostile is opened."""

from __future__ import annotations

import os
import stat
import zipfile

import pytest

from atb.errors import DataError
from atb.market.lob import pairs

STEM = "GOOG_2012-06-21_34200000_57600000"
MESSAGE, BOOK = f"{STEM}_message_10.csv", f"{STEM}_orderbook_10.csv"
TWO = {MESSAGE: "m", BOOK: "b"}


def content(member):
    with member.open() as stream:
        return stream.read()


def test_the_name_tells_ticker_day_and_levels(zipped):
    (pair,) = pairs.find(zipped({"LOBSTER_SampleFiles_ReadMe.txt": "hello", **TWO}))
    assert (pair.symbol, str(pair.date), pair.depth) == ("GOOG", "2012-06-21", 10)
    assert (pair.start, pair.end) == (34_200_000, 57_600_000)
    assert (content(pair.message), content(pair.book)) == (b"m", b"b")
    assert pair.book.where.endswith(f"book.zip, {BOOK}")


def test_files_beside_each_other_in_a_folder_of_the_zip(zipped):
    (pair,) = pairs.find(
        zipped(
            {f"day/{name}": text for name, text in TWO.items()} | {f"__MACOSX/day/._{BOOK}": "junk"}
        )
    )
    assert content(pair.book) == b"b"


@pytest.mark.parametrize("given", ["", MESSAGE, BOOK])
def test_a_folder_and_either_of_two_files(tmp_path, given):
    for name, text in {**TWO, "notes.txt": "", "BTC_2020-01-01.csv": ""}.items():
        (tmp_path / name).write_text(text)
    (pair,) = pairs.find(tmp_path / given)
    assert (content(pair.message), content(pair.book)) == (b"m", b"b")


def test_days_are_in_order_and_a_day_may_come_in_parts(tmp_path):
    stems = ("A_2012-06-22_34200000_57600000", "A_2012-06-21_45000000_57600000")
    for stem in (*stems, "A_2012-06-21_34200000_45000000"):
        for kind in ("message", "orderbook"):
            (tmp_path / f"{stem}_{kind}_1.csv").write_text("")
    found = [(pair.date.day, pair.start) for pair in pairs.find(tmp_path)]
    assert found == [(21, 34_200_000), (21, 45_000_000), (22, 34_200_000)]


def test_several_tickers_need_a_name(tmp_path):
    for ticker in ("AAPL", "GOOG"):
        for name in TWO:
            (tmp_path / name.replace("GOOG", ticker)).write_text(ticker)
    (pair,) = pairs.find(tmp_path, "AAPL")
    assert content(pair.book) == b"AAPL"
    for symbol in (None, "MSFT"):
        with pytest.raises(DataError, match="several tickers: AAPL, GOOG"):
            pairs.find(tmp_path, symbol)


BAD = {
    "nothing": ({}, "no LOBSTER files"),
    "other files": ({"readme.txt": "x", "GOOG_message.csv": "x"}, "no LOBSTER files"),
    "no book": ({MESSAGE: "m"}, "its orderbook file is missing"),
    "no message": ({BOOK: "b"}, "its message file is missing"),
    "other levels": (
        {MESSAGE: "m", BOOK.replace("_10.", "_5."): "b"},
        "its (orderbook|message) file is missing",
    ),
    "in other folders": ({f"a/{MESSAGE}": "m", f"b/{BOOK}": "b"}, "file is missing"),
    "two depths": ({**TWO, **{n.replace("_10.", "_5."): "" for n in TWO}}, "5 and 10 levels"),
    "twice": ({**TWO, **{f"copy/{name}": "" for name in TWO}}, "overlap in time"),
    "no such day": ({n.replace("06-21", "06-31"): "" for n in TWO}, "2012-06-31 .* no date"),
    "up": ({**TWO, "../evil.txt": ""}, "leaves the folder: '../evil.txt'"),
    "up, later": ({f"a/../../{name}": "" for name in TWO}, "leaves the folder"),
    "absolute": ({**TWO, "/etc/passwd": ""}, "leaves the folder"),
    "drive": ({**TWO, "C:\\evil.txt": ""}, "leaves the folder"),
    "up, Windows": ({**TWO, "a\\..\\..\\evil.txt": ""}, "leaves the folder"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_zip_is_one_clear_answer_and_writes_nothing(zipped, tmp_path, case):
    members, answer = BAD[case]
    path = zipped(members)
    with pytest.raises(DataError, match=answer) as caught:
        pairs.find(path)
    assert caught.value.remedy
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("keep", [0, 10, -10, -60])
def test_an_empty_or_truncated_zip(zipped, keep):
    path = zipped(dict.fromkeys(TWO, "1,2\n" * 500))
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(DataError, match=r"cannot be read as zip .*download it again"):
        pairs.find(path)


def test_damage_inside_a_zip_is_said_when_it_is_read(zipped):
    path = zipped({name: "".join(f"{i},{i**3}\n" for i in range(5000)) for name in TWO})
    damaged = bytearray(path.read_bytes())
    damaged[2000:2020] = b"x" * 20
    path.write_bytes(damaged)
    (pair,) = pairs.find(path)
    with pytest.raises(DataError, match="cannot be read as zip"), pairs.unzipping("here"):
        content(pair.message)


def test_a_bomb_is_refused_unopened(zipped):
    path = zipped({MESSAGE: "m", BOOK: "0" * 4 * 2**20})
    with pytest.raises(DataError, match="would unpack to 4,194,304 bytes"):
        pairs.find(path)


def test_a_member_may_not_promise_more_than_the_limit(zipped, monkeypatch):
    monkeypatch.setattr(pairs, "MAX_UNPACKED_BYTES", 1000)
    path = zipped({MESSAGE: "m", BOOK: os.urandom(600).hex()})
    with pytest.raises(DataError, match="would unpack to 1,200 bytes"):
        pairs.find(path)


def test_a_link_in_a_zip_is_refused(tmp_path):
    link = zipfile.ZipInfo(BOOK)
    link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as bundle:
        bundle.writestr(MESSAGE, "m")
        bundle.writestr(link, "/etc/passwd")
    with pytest.raises(DataError, match="the zip holds a link"):
        pairs.find(tmp_path / "x.zip")


def test_what_is_no_file(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(DataError, match="no plain file"):
        pairs.find(tmp_path / "pipe")
    with pytest.raises(DataError, match="No such file"):
        pairs.find(tmp_path / "absent.zip")
    (tmp_path / "lob").mkdir()
    (tmp_path / "lob" / MESSAGE).write_text("m")
    os.mkfifo(tmp_path / "lob" / BOOK)
    with pytest.raises(DataError, match="no plain file"):
        pairs.find(tmp_path / "lob")
