"""Whatever is given as an order book: read, or one line that says what is wrong, and where."""

from __future__ import annotations

import os
import re
import zipfile
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atb.errors import DataError
from atb.market.lob import files, sample
from atb_cli.main import main

ROWS, LEVELS = 60, 2
MESSAGE = f"SYN_2024-01-02_34200000_57600000_message_{LEVELS}.csv"
BOOK = MESSAGE.replace("message", "orderbook")


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    """The text of a good message and orderbook file, by name."""
    folder = tmp_path_factory.mktemp("good")
    sample.write_lobster(folder, "SYN", date(2024, 1, 2), ROWS, 7, LEVELS)
    return {name: (folder / name).read_text() for name in (MESSAGE, BOOK)}


def changed(text, row, change):
    """Text with the cells of one line changed."""
    lines = text.splitlines()
    lines[row] = ",".join(change(lines[row].split(",")))
    return "\n".join(lines) + "\n"


def cell(column, value):
    return lambda cells: [*cells[:column], value, *cells[column + 1 :]]


def folder(tmp_path, files):
    place = tmp_path / "book"
    place.mkdir()
    for name, content in files.items():
        (place / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return place


def zipped(tmp_path, files):
    path = tmp_path / "book.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name, content in files.items():
            bundle.writestr(name, content)
    return path


def lobster(name, change, where=folder):
    """A pair of which one file is changed, as text or bytes."""
    return lambda tmp_path, good: where(tmp_path, {**good, name: change(good[name])})


def at(row, column, value):
    return lambda text: changed(text, row, cell(column, value))


def archive(name, content="boo"):
    """A zip of a good pair and a further member."""
    return lambda tmp_path, good: zipped(tmp_path, {**good, name: content})


def spoilt_zip(change):
    """A good zip whose bytes are changed."""

    def make(tmp_path, good):
        path = zipped(tmp_path, good)
        path.write_bytes(change(bytearray(path.read_bytes())))
        return path

    return make


def flipped(content):
    content[len(content) // 3] ^= 0xFF
    return content


def encrypted(content):
    """Both headers of each member say that it is."""
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        start = content.find(mark)
        while start >= 0:
            content[start + place] |= 1
            start = content.find(mark, start + 1)
    return content


def without(name):
    return lambda tmp_path, good: folder(
        tmp_path, {other: text for other, text in good.items() if other != name}
    )


def renamed(old, new):
    return lambda tmp_path, good: folder(
        tmp_path, {name.replace(old, new): text for name, text in good.items()}
    )


LOBSTER = {
    "message longer": (lobster(BOOK, lambda text: text[: text.rindex("\n", 0, -1)]), "message_2"),
    "book longer": (lobster(BOOK, lambda text: text + text), "orderbook_2"),
    "levels by name": (renamed(f"_{LEVELS}.csv", "_5.csv"), "8 columns"),
    "text price": (lobster(BOOK, at(9, 4, "abc")), "line 10.*abc"),
    "text time": (lobster(MESSAGE, at(9, 0, "noon")), "line 10.*noon"),
    "text price in a zip": (lobster(BOOK, at(9, 4, "abc"), zipped), "line 10.*abc"),
    "time backwards": (lobster(MESSAGE, at(9, 0, "34200.000000001")), "line 10.*backwards"),
    "time of no day": (lobster(MESSAGE, at(9, 0, "99999")), "line 10.*99999"),
    "NaN price": (lobster(BOOK, at(9, 0, "NaN")), "line 10"),
    "empty cell": (lobster(BOOK, at(9, 1, "")), "line 10|row 9"),
    "infinite size": (lobster(BOOK, at(9, 1, "inf")), "line 10"),
    "huge price": (lobster(BOOK, at(9, 0, "9" * 25)), "line 10"),
    "fraction of a price": (lobster(BOOK, at(9, 0, "2000000.5")), "line 10"),
    "negative size": (lobster(BOOK, at(9, 1, "-5")), "negative size"),
    "price without size": (lobster(BOOK, at(9, 5, "0")), "size 0"),
    "zero price": (lobster(BOOK, at(9, 6, "0")), "price"),
    "crossed later": (lobster(BOOK, at(9, 2, "2100000")), "crossed|above"),
    "levels exchanged": (lobster(BOOK, at(9, 4, "100")), "level"),
    "ragged book": (lobster(BOOK, at(9, 4, "1,1")), "line 10"),
    "ragged message": (lobster(MESSAGE, at(9, 4, "1,1,1")), "line 10"),
    "five columns": (
        lobster(MESSAGE, lambda text: "\n".join(r.rpartition(",")[0] for r in text.split("\n"))),
        "5 columns",
    ),
    "type 9": (lobster(MESSAGE, at(9, 1, "9")), "line 10.*9"),
    "direction 0": (lobster(MESSAGE, at(9, 5, "0")), "line 10.*direction"),
    "empty message": (lobster(MESSAGE, lambda text: ""), "empty"),
    "blank book": (lobster(BOOK, lambda text: "\n\n"), "empty"),
    "NUL bytes": (lobster(BOOK, lambda text: text[:200] + "\0" * 50 + text[200:]), "line"),
    "UTF-16": (lobster(BOOK, lambda text: text.encode("utf-16")), "orderbook"),
    "binary": (lobster(MESSAGE, lambda text: bytes(range(256)) * 9), "message"),
    "header": (lobster(MESSAGE, lambda text: f"time,type,id,size,price,side\n{text}"), "line 1"),
    "no orderbook": (without(BOOK), "orderbook|other half|message_2"),
    "no message": (without(MESSAGE), "message|other half|orderbook_2"),
    "no such day": (renamed("2024-01-02", "2024-13-45"), "2024-13-45"),
    "empty folder": (lambda tmp_path, good: folder(tmp_path, {}), "no LOBSTER files"),
    "two tickers": (
        lambda tmp_path, good: folder(
            tmp_path, {**good, **{n.replace("SYN", "ABC"): text for n, text in good.items()}}
        ),
        "ABC, SYN",
    ),
    "overlapping pairs": (
        lambda tmp_path, good: folder(
            tmp_path, {**good, **{n.replace("_342", "_343"): text for n, text in good.items()}}
        ),
        "overlap|34300000",
    ),
    "one file without the other": (
        lambda tmp_path, good: folder(tmp_path, {MESSAGE: good[MESSAGE]}) / MESSAGE,
        "orderbook|other half|message_2",
    ),
    "empty zip file": (spoilt_zip(lambda content: b""), "zip|empty"),
    "zip without members": (lambda tmp_path, good: zipped(tmp_path, {}), "no LOBSTER files"),
    "truncated zip": (spoilt_zip(lambda content: content[: len(content) // 2]), "zip"),
    "cut zip": (spoilt_zip(lambda content: content[100:]), "zip"),
    "flipped zip": (spoilt_zip(flipped), "zip"),
    "encrypted zip": (spoilt_zip(encrypted), "encrypted"),
    "text as zip": (spoilt_zip(lambda content: b"Dear reader\n" * 99), "zip"),
    "zip with ../": (archive("../x"), r"\.\./x"),
    "zip with /": (archive("/tmp/x"), "/tmp/x"),
    "zip with ..\\": (archive("..\\x"), "x"),
    "zip with C:": (archive("C:\\x"), "x"),
    "zip with a pair twice": (archive(f"again/{BOOK}", "1,1,1,1\n"), "orderbook_2"),
    "zip in a zip": (
        lambda tmp_path, good: zipped(tmp_path, {"book.zip": zipped(tmp_path, good).read_bytes()}),
        "no LOBSTER files",
    ),
    "zip bomb": (lobster(BOOK, lambda text: b"0" * 5_000_000, zipped), "orderbook_2"),
}

TIME = 1_704_186_000_000
HEADER = "timestamp,ask_price_1,ask_size_1,bid_price_1,bid_size_1"


def snapshots(change=None, header=HEADER):
    """A CSV of 60 rows of one level, changed as lines of text."""

    def make(tmp_path, good):
        lines = [header, *(f"{TIME + row},100.02,5,100.01,7" for row in range(ROWS))]
        path = tmp_path / "book.csv"
        content = "\n".join(lines if change is None else change(lines)) + "\n"
        path.write_bytes(content.encode())
        return path

    return make


def row(values):
    """The 11th line, row 9 of the book."""
    return snapshots(lambda lines: [*lines[:10], values, *lines[11:]])


def raw(name, content):
    def make(tmp_path, good):
        (tmp_path / name).write_bytes(content)
        return tmp_path / name

    return make


def parquet(cut=None, rows=ROWS, **changed):
    def make(tmp_path, good):
        columns = {"time_ns": [TIME * 10**6 + row for row in range(rows)]}
        columns |= {
            name: np.full(rows, value)
            for name, value in zip(HEADER.split(",")[1:], (3.0, 1.0, 2.0, 1.0), strict=True)
        }
        pq.write_table(pa.table({**columns, **changed}), tmp_path / "book.parquet")
        content = (tmp_path / "book.parquet").read_bytes()
        (tmp_path / "book.parquet").write_bytes(content[:cut])
        return tmp_path / "book.parquet"

    return make


SNAPSHOTS = {
    "no level": (snapshots(header="timestamp,a,b,c,d"), "no column ask_price_1"),
    "no size": (snapshots(header=HEADER.replace("bid_size_1", "x")), "no column bid_size_1"),
    "level left out": (snapshots(header=HEADER.replace("_1", "_3")), "no column ask_price_1"),
    "no time": (snapshots(header=HEADER.replace("timestamp", "x")), "times"),
    "a column twice": (snapshots(header=HEADER.replace("bid_size", "ask_size")), "more than one"),
    "no header": (snapshots(lambda lines: lines[1:]), "times"),
    "only a header": (snapshots(lambda lines: lines[:1]), "no rows"),
    "empty": (raw("book.csv", b""), "empty"),
    "text price": (row(f"{TIME},abc,5,100.01,7"), "row 9.*ask_price_1.*'abc'"),
    "decimal comma": (
        snapshots(lambda lines: [line.replace(",", ";").replace(".", ",") for line in lines]),
        "row 0.*decimals with a point",
    ),
    "price NaN": (row(f"{TIME + 9},nan,5,100.01,7"), "row 9.*bad price"),
    "no price": (row(f"{TIME + 9},,5,100.01,7"), "row 9.*bad price"),
    "empty side": (row(f"{TIME + 9},,,100.01,7"), "row 9.*no best price"),
    "size NaN": (row(f"{TIME + 9},100.02,nan,100.01,7"), "row 9.*bad size"),
    "price infinite": (row(f"{TIME + 9},inf,5,100.01,7"), "row 9.*bad price"),
    "huge price": (row(f"{TIME + 9},1e300,5,100.01,7"), "no multiples of one step"),
    "huge size": (row(f"{TIME + 9},100.02,1e300,100.01,7"), "row 9.*bad size"),
    "many ticks": (row(f"{TIME + 9},100.0212345678,5,100.01,7"), "too many ticks"),
    "negative price": (row(f"{TIME + 9},100.02,5,-100.01,7"), "row 9.*non-positive price"),
    "negative size": (row(f"{TIME + 9},100.02,-5,100.01,7"), "row 9.*negative size"),
    "crossed": (row(f"{TIME + 9},100.00,5,100.01,7"), "row 9.*crossed"),
    "time backwards": (row(f"{TIME - 9},100.02,5,100.01,7"), "row 9.*time backwards"),
    "time missing": (row(",100.02,5,100.01,7"), "row 9.*no time"),
    "time of two units": (row(f"{TIME * 1000},100.02,5,100.01,7"), "one unit"),
    "time as words": (row("yesterday,100.02,5,100.01,7"), "row 9.*'yesterday' is no time"),
    "ragged": (row(f"{TIME},100.02,5,100.01"), "4 columns"),
    "UTF-16": (raw("book.csv", HEADER.encode("utf-16")), "UTF-16"),
    "Latin-1": (raw("book.csv", "Zeit,Geld,Größe\n1,2,3\n".encode("latin-1")), "UTF-8"),
    "NUL": (raw("book.csv", HEADER.encode() + b"\n\0\0\0\0\n"), "binary"),
    "endless line": (raw("book.csv", b"a" * 100_000), "first line"),
    "sides exchanged": (
        snapshots(header="timestamp,bid_price_1,bid_size_1,ask_price_1,ask_size_1"),
        "row 0.*crossed: 60 rows",
    ),
    "truncated Parquet": (parquet(cut=-30), "Parquet"),
    "half a Parquet": (parquet(cut=500), "Parquet"),
    "Parquet of bytes": (raw("book.parquet", bytes(range(256)) * 40), "Parquet"),
    "Parquet without rows": (parquet(rows=0), "no rows"),
    "Parquet of text": (parquet(ask_price_1=["x"] * ROWS), "'x'"),
    "Parquet of lists": (parquet(ask_price_1=[[1.0]] * ROWS), "ask_price_1"),
    "Parquet of structs": (parquet(bid_size_1=[{"a": 1}] * ROWS), "bid_size_1"),
    "CSV as Parquet": (raw("book.parquet", f"{HEADER}\n".encode() * 9), "Parquet"),
    "another ending": (raw("book.xyz", b"1"), r"\.xyz"),
    "no ending": (raw("book", b"1"), "ending"),
}


def matrix(change=lambda rows: rows, name="book.txt"):
    """An FI-2010 matrix of 60 columns changed as lists of cells."""

    def make(tmp_path, good):
        values = np.ones((149, ROWS))
        for level in range(10):
            values[4 * level : 4 * level + 4] = [[11 + level], [1], [10 - level], [1]]
        rows = change([[str(value) for value in row] for row in values.tolist()])
        (tmp_path / name).write_text("\n".join(" ".join(row) for row in rows))
        return tmp_path / name

    return make


def spoilt_row(number, values):
    return lambda rows: [*rows[: number - 1], values(rows[number - 1]), *rows[number:]]


FI2010 = {
    "a row less": (matrix(lambda rows: rows[:-1]), "148 rows"),
    "transposed": (matrix(lambda rows: list(zip(*rows, strict=True))), "60 rows of 149"),
    "text": (matrix(spoilt_row(3, lambda row: [*row[:5], "x", *row[6:]])), "row 3, column 6.*'x'"),
    "ragged": (matrix(spoilt_row(99, lambda row: row[:-1])), "row 99 has 59"),
    "NaN": (matrix(spoilt_row(3, lambda row: ["nan", *row[1:]])), "bad price"),
    "infinite": (matrix(spoilt_row(2, lambda row: ["inf", *row[1:]])), "bad size"),
    "empty": (raw("book.txt", b""), "empty"),
    "letters": (raw("book.txt", b"Dear reader\n" * 149), "'Dear' is no number"),
    "bytes": (raw("book.txt", bytes(range(256))), "number|rows"),
}


def nowhere(tmp_path, good):
    return tmp_path / "absent.zip"


def too_long(tmp_path, good):
    return tmp_path / f"{'a' * 5000}.zip"


def pipe(tmp_path, good):
    os.mkfifo(tmp_path / "pipe.csv")
    return tmp_path / "pipe.csv"


def loop(tmp_path, good):
    (tmp_path / "loop.zip").symlink_to(tmp_path / "loop.zip")
    return tmp_path / "loop.zip"


def named_as_file(tmp_path, good):
    (tmp_path / "folder.csv").mkdir()
    return tmp_path / "folder.csv"


PLACES = {
    "absent": (nowhere, "absent.zip"),
    "absent csv": (lambda tmp_path, good: tmp_path / "absent.csv", "absent.csv"),
    "too long a name": (too_long, "aaa"),
    "pipe": (pipe, "no plain file"),
    "loop of links": (loop, "loop.zip"),
    "folder named as a file": (named_as_file, "folder.csv"),
}

HOSTILE = {
    f"{group} {name}": case
    for group, cases in (
        ("lobster", LOBSTER),
        ("snapshots", SNAPSHOTS),
        ("fi2010", FI2010),
        ("place", PLACES),
    )
    for name, case in cases.items()
}


def tree(place):
    return {
        path.relative_to(place).as_posix(): path.lstat().st_mtime_ns for path in place.rglob("*")
    }


@pytest.fixture
def check(capsys, monkeypatch, tmp_path):
    """Run `atb data check lob PATH` in this folder: exit code and lines of stderr."""
    monkeypatch.chdir(tmp_path)

    def run(path):
        code = main(["data", "check", "lob", str(path)])
        return code, capsys.readouterr().err.splitlines()

    return run


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_book_is_one_clear_answer(check, tmp_path, good, kind):
    make, said = HOSTILE[kind]
    path = make(tmp_path, good)
    before = tree(tmp_path)
    code, lines = check(path)
    assert code == 3, lines
    assert len(lines) == 1, lines
    assert lines[0].startswith("error: ")
    assert re.search(said, lines[0]), lines[0]
    assert "Traceback" not in lines[0]
    assert tree(tmp_path) == before


def test_there_are_enough_hostile_books():
    assert len(HOSTILE) >= 100


@pytest.mark.parametrize("make", [folder, zipped])
def test_what_they_are_made_of_is_good(check, tmp_path, good, make):
    assert check(make(tmp_path, good)) == (0, [])


@pytest.mark.parametrize("make", [snapshots(), parquet(), matrix()])
def test_so_are_the_others(check, tmp_path, good, make):
    assert check(make(tmp_path, good)) == (0, [])


@settings(max_examples=150, deadline=None)
@given(kind=st.sampled_from(["zip", "csv", "txt", "parquet"]), seed=st.integers(0, 2**32 - 1))
def test_flipped_bytes_are_read_or_refused(tmp_path_factory, good, kind, seed):
    """A few bytes of a good file changed: a book, or an error that names the file."""
    place = tmp_path_factory.mktemp("flip")
    makers = {"zip": zipped, "csv": snapshots(), "txt": matrix(), "parquet": parquet()}
    path = makers[kind](place, good)
    random = np.random.default_rng(seed)
    content = bytearray(path.read_bytes())
    for spot in random.integers(0, len(content), random.integers(1, 4)):
        content[spot] = random.integers(0, 256)
    path.write_bytes(content)
    try:
        assert len(files.read(path))
    except DataError as error:
        assert path.name in str(error)
