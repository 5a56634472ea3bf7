"""Every usual form of a candle file is read alike; every damaged one is one clear answer."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import subprocess
import sys
import zipfile

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from atb.errors import DataError
from atb.market import archive, checks, files, reading, sample
from atb.market.candles import COLUMNS

NAMES = ["timestamp", *COLUMNS]
HOUR = 3_600_000


def frame(bars, time=None):
    values = {name: getattr(bars, name) for name in COLUMNS}
    return pd.DataFrame({"timestamp": bars.time if time is None else time, **values})


def moments(bars, unit, zone=None):
    index = pd.DatetimeIndex(bars.time.astype("datetime64[ms]").astype(f"datetime64[{unit}]"))
    return index if zone is None else index.tz_localize("UTC").tz_convert(zone)


def csv(table, path, **words):
    table.to_csv(path, index=False, **words)
    return path


TIMES = {
    "seconds": lambda bars: bars.time // 1000,
    "milliseconds": lambda bars: bars.time,
    "microseconds": lambda bars: bars.time * 1000,
    "nanoseconds": lambda bars: bars.time * 1_000_000,
    "float seconds": lambda bars: bars.time / 1000,
    **{
        f"naive {unit}": lambda bars, unit=unit: moments(bars, unit)
        for unit in ("s", "ms", "us", "ns")
    },
    **{
        f"zone {zone} {unit}": lambda bars, unit=unit, zone=zone: moments(bars, unit, zone)
        for zone in ("UTC", "America/New_York", "Asia/Kolkata")
        for unit in ("ms", "ns")
    },
    "ISO": lambda bars: moments(bars, "ms").strftime("%Y-%m-%dT%H:%M:%S"),
    "ISO Z": lambda bars: moments(bars, "ms").strftime("%Y-%m-%dT%H:%M:%SZ"),
    "ISO offset": lambda bars: moments(bars, "ms", "Asia/Kolkata").strftime("%Y-%m-%d %H:%M:%S%z"),
    "ISO minutes": lambda bars: moments(bars, "ms").strftime("%Y-%m-%d %H:%M"),
    "ISO UTC": lambda bars: moments(bars, "ms").strftime("%Y-%m-%d %H:%M:%S UTC"),
    "mixed ISO": lambda bars: [
        text + ("Z" if i % 2 else "")
        for i, text in enumerate(moments(bars, "ms").strftime("%Y-%m-%dT%H:%M:%S"))
    ],
}
WRITERS = {
    "csv": lambda table, path: table.to_csv(path, index=False),
    "parquet": lambda table, path: table.to_parquet(path),
    "feather": lambda table, path: table.to_feather(path),
}


@pytest.mark.parametrize("ending", WRITERS)
@pytest.mark.parametrize("time", TIMES)
def test_every_time_format_reads_alike(tmp_path, bars, time, ending):
    path = tmp_path / f"x.{ending}"
    WRITERS[ending](frame(bars(), TIMES[time](bars())), path)
    assert files.read(path, "BTCUSDT", "1h").sha256() == bars().sha256()


@pytest.mark.parametrize("name", ["time", None, "Date"])
@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_the_time_may_be_the_index(tmp_path, bars, name, ending):
    table = frame(bars()).drop(columns="timestamp").set_index(moments(bars(), "us", "UTC"))
    table.index.name = name
    path = tmp_path / f"x.{ending}"
    getattr(table, f"to_{ending}")(path)
    assert files.read(path, "BTCUSDT", "1h").sha256() == bars().sha256()


@pytest.mark.parametrize(
    "header",
    [
        "timestamp,open,high,low,close,volume",
        "Date,Open,High,Low,Close,Volume",
        "t,o,h,l,c,v",
        "OPEN_TIME,OPEN,HIGH,LOW,CLOSE,VOLUME",
        "Open Time,open,high,low,close,vol",
        '"time","open","high","low","close","volume"',
        "\ufeffdatetime , open , high , low , close , volume",
        "<DATE>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>",
    ],
)
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_usual_headers(tmp_path, bars, header, delimiter, newline):
    rows = frame(bars()).to_csv(index=False, header=False, sep=delimiter, lineterminator=newline)
    path = tmp_path / "x.CSV"
    path.write_bytes(f"{header.replace(',', delimiter)}{newline}{rows}".encode())
    assert files.read(path, "BTCUSDT", "1h").sha256() == bars().sha256()


def klines(bars, per_ms=1):
    rows = frame(bars, bars.time * per_ms)
    return rows.assign(close_time=bars.close_time * per_ms - 1, q=0, n=1, tb=0, tq=0, i=0).to_csv(
        index=False, header=False
    )


def zipped(*members, **words):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, **words) as bundle:
        for name, content in members:
            bundle.writestr(name, content)
    return out.getvalue()


@pytest.mark.parametrize("per_ms", [1, 1000])
def test_exchange_dumps_without_a_header(tmp_path, bars, per_ms):
    (tmp_path / "dump.csv").write_text(klines(bars(), per_ms))
    (tmp_path / "dump.zip").write_bytes(zipped(("dump.csv", klines(bars(), per_ms))))
    for name in ("dump.csv", "dump.zip"):
        assert files.read(tmp_path / name, "BTCUSDT", "1h").sha256() == bars().sha256()


def test_categories_decimals_and_text_are_numbers(tmp_path, bars):
    table = frame(bars()).astype({"open": "category", "high": "string", "volume": "float32"})
    table.to_parquet(tmp_path / "x.parquet")
    assert files.read(tmp_path / "x.parquet", "BTCUSDT", "1h").sha256() == bars().sha256()


def test_a_missing_value_is_left_for_the_checks(tmp_path, bars):
    for word in ("", "NaN", "null"):
        table = frame(bars()).astype({"close": object})
        table.loc[3, "close"] = word
        found = files.read(csv(table, tmp_path / "x.csv"), "BTCUSDT", "1h")
        assert np.flatnonzero(np.isnan(found.close)).tolist() == [3]


def test_candles_come_back_with_their_origin(tmp_path):
    made = sample.simulate("BTCUSDT", "1h", 1_700_000_000_000, 1_700_400_000_000, 3)
    files.write(made, tmp_path / "x.parquet")
    back = files.read(tmp_path / "x.parquet", "BTCUSDT", "1h")
    assert (back.sha256(), back.source, back.synthetic) == (made.sha256(), "sample", True)


def test_a_plain_file_names_itself_as_source(tmp_path, bars):
    assert files.read(csv(frame(bars()), tmp_path / "x.csv"), "X", "1h").source == "file x.csv"


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Kolkata"])
def test_the_zone_of_the_machine_changes_nothing(tmp_path, bars, zone):
    """Both days of the change of the clock in New York, written under another zone."""
    code = (
        "import sys, hashlib; from pathlib import Path; from atb.market import files\n"
        "out = Path(sys.argv[2]); found = files.read(Path(sys.argv[1]), 'BTCUSDT', '1h')\n"
        "files.write(found, out)\n"
        "sys.stdout.write(hashlib.sha256(out.read_bytes()).hexdigest() + found.sha256())"
    )
    here = bars(rows=24 * 300, start=1_704_067_200_000)
    table = frame(here, moments(here, "ms").strftime("%Y-%m-%d %H:%M:%S"))
    csv(table, tmp_path / "x.csv")
    run = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "x.csv", tmp_path / "there.parquet"],
        env={**os.environ, "TZ": zone},
        capture_output=True,
        text=True,
        check=True,
    )
    files.write(files.read(tmp_path / "x.csv", "BTCUSDT", "1h"), tmp_path / "here.parquet")
    written = hashlib.sha256((tmp_path / "here.parquet").read_bytes()).hexdigest()
    assert run.stdout == written + here.sha256()


ROWS = "2024-01-01T00:00,1,2,1,2,5\n2024-01-01T01:00,2,3,2,3,5\n"
HEADER = "timestamp,open,high,low,close,volume\n"


def parquet(**columns):
    out = pa.BufferOutputStream()
    pq.write_table(pa.table(columns), out)
    return out.getvalue().to_pybytes()


def feather(**columns):
    out = io.BytesIO()
    pd.DataFrame(columns).to_feather(out)
    return out.getvalue()


def link():
    info = zipfile.ZipInfo("x.csv")
    info.external_attr = 0o120777 << 16
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as bundle:
        bundle.writestr(info, "/etc/passwd")
    return out.getvalue()


GOOD = {"open": [1.0], "high": [2.0], "low": [1.0], "close": [2.0], "volume": [3.0]}
HOSTILE = {
    "empty": ("csv", b"", "it is empty"),
    "only a newline": ("csv", b"\n", "no open column"),
    "only blanks": ("csv", b"   \n  \n", "no open column"),
    "only a header": ("csv", HEADER, "there are no rows"),
    "prose": ("csv", "Dear reader,\nno candles here.\n" * 50, "no open column among 'Dear reader'"),
    "html": ("csv", "<!doctype html><html><body>404</body></html>\n", "no open column"),
    "json": ("csv", '[[1700000000000,"1","2"]]', "no open column"),
    "utf-16": ("csv", (HEADER + ROWS).encode("utf-16"), "UTF-16; save it as UTF-8"),
    "utf-16 big endian": ("csv", b"\xfe\xff" + HEADER.encode("utf-16-be"), "UTF-16"),
    "latin-1 header": ("csv", "Zeit,Schluß\n1,2\n".encode("latin-1"), "no UTF-8 text"),
    "latin-1 cell": (
        "csv",
        HEADER.encode() + b"2024-01-01,1,2,1,\xdf,5\n",
        "cannot be read as CSV",
    ),
    "binary": ("csv", bytes(range(256)) * 40, "it is binary, not CSV"),
    "NUL in a cell": (
        "csv",
        HEADER + ROWS * 2000 + "2024-01-01,1,2,1,\0,5\n",
        r"row 4000, .* close is '\\x00'",
    ),
    "NUL at the start": ("csv", "\0" + HEADER + ROWS, "it is binary"),
    "parquet named csv": ("csv", parquet(**GOOD), "it is binary"),
    "no header": ("csv", "2024,1,2,1,2,5\n" * 3, "names no columns"),
    "no header, words": ("csv", ROWS, "no open column"),
    "no volume": ("csv", "timestamp,open,high,low,close\n2024-01-01,1,2,1,2\n", "no volume column"),
    "no time": ("csv", "open,high,low,close,volume\n1,2,1,2,5\n", "no time column"),
    "two closes": ("csv", HEADER[:-1] + ",Close\n2024-01-01,1,2,1,2,5,2\n", "more than one close"),
    "two times": ("csv", "time,TIME,o,h,l,c,v\n1,1,1,2,1,2,5\n", "more than one time"),
    "a short row": ("csv", HEADER + ROWS + "2024-01-01T02:00,1,2\n", "line 4 has 3 columns"),
    "a long row": ("csv", HEADER + ROWS + "2024-01-01T02:00,1,2,1,2,5,6,7\n", "line 4 has 8"),
    "decimal comma": ("csv", HEADER + "2024-01-01,1,5,2,5,1,5,2,5,5\n", "decimals with a point"),
    "decimal comma, semicolons": (
        "csv",
        (HEADER + "2024-01-01,1,2,1,2,5\n").replace(",", ";").replace(";2;5", ";2,5;5"),
        "row 0, counted from 0: close is '2,5', which is no number; write decimals with a point",
    ),
    "word in a cell": (
        "csv",
        HEADER + ROWS + "2024-01-01T02:00,1,x,1,2,5\n",
        "row 2, .* high is 'x'",
    ),
    "thousands": ("csv", HEADER + '2024-01-01,"1,000.5",2,1,2,5\n', "open is '1,000.5'"),
    "hexadecimal": ("csv", HEADER + "2024-01-01,0x10,2,1,2,5\n", "open is '0x10'"),
    "underscores": ("csv", HEADER + "2024-01-01,1_000,2,1,2,5\n", "open is '1_000'"),
    "no time in a row": (
        "csv",
        HEADER + ROWS + ",1,2,1,2,5\n",
        "row 2, counted from 0, has no time",
    ),
    "time of day": ("csv", HEADER + "12:00,1,2,1,2,5\n", "'12:00' is no time"),
    "American date": ("csv", HEADER + "01/31/2024 5:00,1,2,1,2,5\n", "is no time; write times as"),
    "mixed units": ("csv", HEADER + "1700000000,1,2,1,2,5\n1700003600000,1,2,1,2,5\n", "one unit"),
    "year 1970": ("csv", HEADER + "1970-01-20,1,2,1,2,5\n", "1970-01-20.* between 1980"),
    "year 9999": ("csv", HEADER + "9999-01-01,1,2,1,2,5\n", "between 1980"),
    "row numbers as time": ("csv", HEADER + "0,1,2,1,2,5\n1,1,2,1,2,5\n", "times from 0 to 1"),
    "infinite time": ("csv", HEADER + "inf,1,2,1,2,5\n", "time is inf"),
    "a million columns": ("csv", HEADER + "1," * 10**6 + "\n", "it cannot be read|1000001 columns"),
    "a million names": ("csv", "a," * 10**6 + "\n1\n", "longer than"),
    "open quote": ("csv", HEADER + '2024-01-01,"1,2,1,2,5\n', "line 2 has"),
    "text as parquet": ("parquet", HEADER + ROWS, "cannot be read as Parquet"),
    "noise as parquet": ("parquet", bytes(range(256)) * 40, "cannot be read as Parquet"),
    "half a parquet": ("parquet", parquet(**GOOD)[:-200], "cannot be read as Parquet"),
    "parquet without volume": ("parquet", parquet(time=[1], open=[1.0]), "no high column"),
    "parquet without rows": (
        "parquet",
        parquet(time=pa.array([], pa.int64()), **{k: pa.array([], pa.float64()) for k in GOOD}),
        "there are no rows",
    ),
    "lists in parquet": (
        "parquet",
        parquet(time=[1_700_000_000], **{**GOOD, "close": [[1.0]]}),
        r"close is '\[1.0\]'",
    ),
    "no times in parquet": ("parquet", parquet(time=[None], **GOOD), "has no time"),
    "true as time": ("parquet", parquet(time=[True], **GOOD), "no seconds|type bool"),
    "text as feather": ("feather", HEADER + ROWS, "cannot be read as Feather"),
    "half a feather": ("feather", feather(time=[1_700_000_000] * 500)[:-300], "as Feather"),
    "text as zip": ("zip", HEADER + ROWS, "cannot be read as zip"),
    "half a zip": ("zip", zipped(("x.csv", HEADER + ROWS))[:-30], "cannot be read as zip"),
    "two in a zip": ("zip", zipped(("a.csv", ROWS), ("b.csv", ROWS)), "holds 2 files"),
    "nothing in a zip": ("zip", zipped(), "holds 0 files"),
    "link in a zip": ("zip", link(), "holds a link"),
    "zip in a zip": ("zip", zipped(("x.csv", zipped(("y.csv", ROWS)))), "it is binary"),
    "gzip": ("csv", gzip.compress((HEADER + ROWS).encode() * 100), "binary|UTF-8"),
    "other ending": ("xlsx", b"PK", "its ending is .xlsx; known: .csv"),
    "no ending": ("", HEADER + ROWS, "its ending is missing"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_file_is_one_clear_answer(tmp_path, kind):
    ending, content, answer = HOSTILE[kind]
    path = tmp_path / ("x." + ending if ending else "x")
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(DataError, match=answer) as caught:
        files.read(path, "BTCUSDT", "1h")
    said = str(caught.value)
    assert said.startswith(f"{path}: ")
    assert "\n" not in said
    assert len(said) < len(str(path)) + 400
    assert caught.value.remedy
    assert caught.value.exit_code == 3


def test_there_are_enough_hostile_files():
    assert len(HOSTILE) >= 40


def test_places_that_are_no_file(tmp_path):
    os.mkfifo(tmp_path / "pipe.csv")
    (tmp_path / "round.csv").symlink_to("round.csv")
    (tmp_path / "folder.csv").mkdir()
    places = {
        "folder.csv": "it is a folder",
        "pipe.csv": "no plain file",
        "round.csv": "cannot be opened",
        "absent.csv": "cannot be opened",
        "n" * 300 + ".csv": "cannot be opened",
        "nul\0.csv": "cannot be opened",
    }
    for name, answer in places.items():
        with pytest.raises(DataError, match=answer):
            files.read(tmp_path / name, "BTCUSDT", "1h")


def test_a_zip_bomb_is_refused(monkeypatch):
    monkeypatch.setattr(archive, "MAX_UNPACKED_BYTES", 10_000)
    with pytest.raises(DataError, match="unpacks to more than 10,000 bytes"):
        archive.member(zipped(("x.csv", bytes(10_001))))
    assert archive.member(zipped(("x.csv", bytes(10_000)))) == bytes(10_000)


def test_a_parquet_that_promises_too_much_is_refused(tmp_path, monkeypatch):
    (tmp_path / "x.parquet").write_bytes(parquet(time=[1_700_000_000], **GOOD))
    monkeypatch.setattr(reading, "MAX_ROWS", 0)
    with pytest.raises(DataError, match="says it has 1 rows"):
        files.read(tmp_path / "x.parquet", "BTCUSDT", "1h")


def test_a_number_too_large_for_a_float_is_not_finite(tmp_path):
    (tmp_path / "x.csv").write_text(HEADER + "2024-01-01,1,1e400,1,2,5\n")
    report = checks.inspect(files.read(tmp_path / "x.csv", "BTCUSDT", "1h"))
    assert report.counts["non-finite"] == 1


@pytest.mark.parametrize("ending", ["csv", "parquet", "feather", "zip"])
@settings(
    max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(noise=st.binary(max_size=400))
def test_random_bytes_are_read_or_refused(tmp_path, ending, noise):
    path = tmp_path / f"x.{ending}"
    path.write_bytes(noise)
    try:
        files.read(path, "BTCUSDT", "1h")
    except DataError as error:
        assert error.remedy


CELL = st.one_of(st.integers(-5, 2**70).map(str), st.floats().map(repr), st.text(max_size=6))


@settings(
    max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(rows=st.lists(st.lists(CELL, min_size=6, max_size=6), min_size=1, max_size=4))
def test_random_cells_are_read_or_refused(tmp_path, rows):
    path = tmp_path / "x.csv"
    path.write_text(HEADER + "\n".join(",".join(row) for row in rows), "utf-8", "surrogatepass")
    try:
        found = files.read(path, "BTCUSDT", "1h")
    except DataError as error:
        assert error.remedy
    else:
        assert len(found) >= 1


@pytest.mark.parametrize("ending", ["parquet", "feather"])
@settings(
    max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_a_flipped_bit_is_read_or_refused(tmp_path, bars, ending, place, bit):
    path = tmp_path / f"x.{ending}"
    WRITERS[ending](frame(bars(200)), path)
    content = bytearray(path.read_bytes())
    content[int(place * len(content))] ^= 1 << bit
    path.write_bytes(content)
    try:
        files.read(path, "BTCUSDT", "1h")
    except DataError as error:
        assert error.remedy


def test_a_flipped_bit_of_any_column_that_was_written_is_refused(
    tmp_path, bars, each_column_spoilt
):
    path = tmp_path / "x.parquet"
    files.write(bars(200), path)
    for _ in each_column_spoilt(path):
        with pytest.raises(DataError, match="cannot be read as Parquet"):
            files.read(path, "BTCUSDT", "1h")


@pytest.mark.parametrize(
    ("pattern", "timeframe", "rows"),
    [
        ("crypto_ohlcv/*_1h_*", "1h", 18_000),
        ("crypto_ohlcv/*_30m_*", "30m", 43_776),
        ("futures/ES_5m_*", "5m", 13_768),
        ("equity/SPY_1h_*", "1h", 36_885),
    ],
)
def test_real_files_are_good(market_data, pattern, timeframe, rows):
    paths = sorted(market_data.glob(pattern))
    assert paths
    for path in paths:
        found = files.read(path, "X", timeframe)
        assert len(found) >= rows
        assert checks.inspect(found).fatal == ()
        assert checks.sniff(found.time) == timeframe


def test_dates_are_days(tmp_path):
    days = pa.array([19_723, 19_724], pa.date32())
    columns = {name: values * 2 for name, values in GOOD.items()}
    (tmp_path / "x.parquet").write_bytes(parquet(date=days, **columns))
    found = files.read(tmp_path / "x.parquet", "X", "1d")
    assert found.time.tolist() == [1_704_067_200_000, 1_704_153_600_000]
