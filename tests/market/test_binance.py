"""The exchange's archives and klines, fetched whole through faults of every kind."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import requests

from atb.clock import now_ms, parse_time
from atb.errors import DataError, SourceUnavailableError, UsageError
from atb.market import binance, sample
from atb.market.binance import closed, days, months, spans
from atb.market.download import MissingError, Patience, RefusedError, get
from atb.market.klines import SAFETY_MS, Endpoints

HOUR = 3_600_000
FIRST, LAST = parse_time("2024-10-01"), parse_time("2025-02-15")


@pytest.fixture
def fetch(exchange, tmp_path):
    """Download from the loopback exchange, the bars from `start` to `end`."""

    def run(start=FIRST, end=LAST, symbol="BTCUSDT", heard=None):
        listen = (lambda event: None) if heard is None else heard.append
        folder = tmp_path / "downloads"
        return binance.download(symbol, "1h", start, end, folder, listen, exchange.endpoints)

    return run


def same(found, expected):
    return found.sha256() == expected.sha256()


def test_months_hold_every_bar_across_the_switch_to_microseconds(exchange, fetch):
    found = fetch()
    assert same(found, exchange.candles)
    assert (found.source, found.synthetic) == ("binance", False)
    assert exchange.count("monthly/klines/BTCUSDT/1h/BTCUSDT-1h-2025-01.zip") == 2
    assert exchange.count("/daily/") == 0


def test_archives_with_a_header_line(exchange, fetch):
    exchange.header = True
    assert same(fetch(), exchange.candles)


def test_a_part_of_the_range(exchange, fetch):
    start, end = FIRST + 100 * HOUR + 1, FIRST + 900 * HOUR
    found = fetch(start, end)
    assert same(found, exchange.candles.rows(101, 900))


def test_years_before_the_listing_are_not_searched(exchange, fetch):
    assert same(fetch(parse_time("2017-01-01")), exchange.candles)
    assert exchange.count("-2017-") == exchange.count("-2024-09") == 0


def test_days_stand_in_for_a_missing_month_and_klines_for_missing_days(exchange, fetch):
    exchange.absent = {"BTCUSDT-1h-2024-11.zip"}
    exchange.absent |= {f"BTCUSDT-1h-2024-11-{day:02d}.zip" for day in (3, 4, 9)}
    assert same(fetch(), exchange.candles)
    assert exchange.count("/daily/klines/BTCUSDT/1h/BTCUSDT-1h-2024-11-01.zip") == 2
    assert exchange.count("/api/v3/klines") == 1 + 2 + 0  # the question, days 3 and 4, day 9


def test_klines_come_page_by_page_when_there_are_no_archives(exchange, fetch):
    exchange.absent = {f"BTCUSDT-1h-2024-{month}.zip" for month in (10, 11, 12)}
    exchange.absent |= {
        f"BTCUSDT-1h-2024-{month}-{day:02d}.zip" for month in (10, 11, 12) for day in range(1, 32)
    }
    found = fetch(FIRST, parse_time("2024-12-20"))
    assert same(found, exchange.candles.between(None, parse_time("2024-12-20")))
    assert exchange.count("/api/v3/klines") == 1 + 2  # the question, then 1,000 and 920 bars


@pytest.mark.parametrize("fault", [500, 503, 429, "cut"])
@pytest.mark.parametrize("part", ["/klines?", "2024-11.zip", "2024-12.zip.CHECKSUM"])
def test_passing_faults_are_outlasted(exchange, fetch, fault, part):
    exchange.faults = {part: [fault] * 3}
    assert same(fetch(), exchange.candles)


def test_a_server_that_asks_for_patience_gets_it(exchange, fetch):
    exchange.retry_after = "0.4"
    exchange.faults = {"/klines?": [429]}
    started = time.monotonic()
    fetch(LAST - 10 * HOUR)
    assert time.monotonic() - started >= 0.4


def test_a_server_that_asks_for_too_much_patience_is_unavailable(exchange, fetch):
    exchange.retry_after = "3600"
    exchange.faults = {"/klines?": [429]}
    with pytest.raises(SourceUnavailableError, match="answers 429; try again later"):
        fetch()
    assert exchange.count("/klines?") == 1


def test_lasting_faults_are_an_answer(exchange, fetch):
    exchange.faults = {"2024-11.zip": [502] * 50}
    with pytest.raises(SourceUnavailableError, match="answers 502"):
        fetch()


def test_a_corrupt_archive_is_fetched_again_once(exchange, fetch, tmp_path):
    exchange.faults = {"2024-11.zip": [None, "corrupt"]}
    assert same(fetch(), exchange.candles)
    assert exchange.count("2024-11.zip") == 4


def test_an_archive_that_stays_corrupt_is_a_data_error(exchange, fetch, tmp_path):
    exchange.faults = {"2024-11.zip": [None, "corrupt", None, "corrupt"]}
    with pytest.raises(DataError, match=r"2024-11.zip: its SHA-256 is .* the checksum beside it"):
        fetch()
    assert not list(tmp_path.rglob("*2024-11.zip"))


def test_an_interrupted_download_goes_on_where_it_stopped(exchange, fetch, tmp_path):
    exchange.faults = {"2024-12.zip": [500] * 5}
    with pytest.raises(SourceUnavailableError):
        fetch()
    exchange.asked.clear()
    exchange.faults.clear()
    assert same(fetch(), exchange.candles)
    assert exchange.count("2024-10.zip") == exchange.count("2024-11.zip") == 0
    assert exchange.count("2024-12.zip") == 2


def test_a_killed_download_goes_on_where_it_stopped(exchange, fetch, tmp_path):
    exchange.faults = {"2024-12.zip": ["stall"]}
    code = (
        "import sys; from pathlib import Path; from atb.market import binance, klines\n"
        "binance.download('BTCUSDT', '1h', int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]),"
        " print, klines.Endpoints(sys.argv[4], sys.argv[5]))"
    )
    urls = exchange.endpoints.archives, exchange.endpoints.rest
    words = [str(FIRST), str(LAST), str(tmp_path / "downloads"), *urls]
    process = subprocess.Popen([sys.executable, "-c", code, *words], stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while len(list(tmp_path.rglob("BTC*.zip"))) < 4 and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    exchange.asked.clear()
    assert same(fetch(), exchange.candles)
    assert exchange.count("2024-10.zip") == exchange.count("2025-01.zip") == 0
    assert exchange.count("2024-12.zip") == 2


def test_a_kept_archive_that_rotted_is_fetched_again(exchange, fetch, tmp_path):
    fetch()
    kept = next(tmp_path.rglob("*2024-10.zip"))
    content = bytearray(kept.read_bytes())
    content[500] ^= 1
    kept.write_bytes(content)
    exchange.asked.clear()
    assert same(fetch(), exchange.candles)
    assert exchange.count("2024-10.zip") == 2
    assert exchange.count("2024-11.zip") == 0


def test_an_unknown_symbol_is_a_word_that_cannot_be_meant(exchange, fetch):
    with pytest.raises(UsageError, match="Binance lists no spot market 'BTCUSTD'"):
        fetch(symbol="BTCUSTD")
    assert len(exchange.asked) == 1


def test_a_range_without_bars_is_empty(exchange, fetch):
    assert len(fetch(LAST, LAST + 1000 * HOUR)) == 0


def test_progress_is_told(fetch):
    heard = []
    fetch(heard=heard)
    monthly = [event for event in heard if "monthly" in event.task]
    assert [(event.done, event.total) for event in monthly] == [(n, 5) for n in range(1, 6)]


def test_the_unfinished_bar_is_never_returned(exchange, fetch):
    now = now_ms()
    start = now // HOUR * HOUR - 5 * HOUR
    exchange.candles = sample.simulate("BTCUSDT", "1h", start, now + HOUR, 7)
    found = fetch(start, now + HOUR)
    assert exchange.candles.time[-1] > now - HOUR
    assert found.close_time[-1] <= now_ms() - SAFETY_MS
    assert len(found) >= 4


def test_the_exchange_says_what_is_finished(exchange, fetch):
    behind = now_ms() - 30 * HOUR
    exchange.candles = sample.simulate("BTCUSDT", "1h", behind - 50 * HOUR, behind + 50 * HOUR, 7)
    exchange.now = lambda: behind
    found = fetch(behind - 50 * HOUR, behind + 50 * HOUR)
    assert behind - HOUR - SAFETY_MS < found.close_time[-1] <= behind - SAFETY_MS


def test_a_bar_is_used_exactly_when_it_is_closed_and_settled(real):
    part = real.rows(0, 200)
    for row, end in enumerate(part.close_time.tolist()):
        for late, rows in ((-1, row), (0, row + 1), (1, row + 1)):
            assert len(closed(part, end + SAFETY_MS + late)) == rows


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"<html>", b"{}", b"[[1]]", b'[["a","b","c","d","e","f"]]', b"[1, 2]", b"null"),
        b"[[%d, 1, 2], [1, 1.5, 3]]" % FIRST,  # two halves are no bar
        b"[[%d, 1, 2, 1, 1.5, 3]]" % 10**400,
    ],
)
def test_answers_that_are_no_klines(exchange, fetch, body):
    exchange.klines = lambda query: (200, body)
    with pytest.raises(DataError, match="try again later"):
        fetch()


def test_klines_that_do_not_advance_do_not_loop(exchange, fetch):
    answer = exchange.klines
    exchange.klines = lambda query: answer({**query, "startTime": str(FIRST)})
    with pytest.raises(DataError, match="not in order"):
        fetch(FIRST + HOUR)


def test_no_server_is_noticed_after_few_and_short_waits(tmp_path, monkeypatch):
    waits: list[float] = []
    monkeypatch.setattr("time.sleep", waits.append)
    nowhere = Endpoints("http://127.0.0.1:9/data", "http://127.0.0.1:9/api")
    with pytest.raises(SourceUnavailableError, match=r"127\.0\.0\.1:9: cannot be reached"):
        binance.download("BTCUSDT", "1h", FIRST, LAST, tmp_path, print, nowhere)
    assert waits == [0.5]


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (404, MissingError),
        (302, RefusedError),
        (403, RefusedError),
        (418, RefusedError),
        (451, RefusedError),
    ],
)
def test_refusals_are_not_tried_again(exchange, status, error):
    exchange.faults = {"/ping": [status] * 5}
    url = f"{exchange.endpoints.rest}/ping"
    with requests.Session() as session, pytest.raises(error, match=f"answers {status}"):
        get(session, url, Patience())
    assert exchange.count("/ping") == 1


def test_calendar():
    start, end = parse_time("2023-12-30T05:00"), parse_time("2024-02-02")
    assert [month.name for month in months(start, end)] == ["2023-12", "2024-01", "2024-02"]
    found = days(months(start, end)[::2], start, end)
    assert [day.name for day in found] == ["2023-12-30", "2023-12-31", "2024-02-01"]
    assert spans(found, start, end) == [
        (start, parse_time("2024-01-01")),
        (parse_time("2024-02-01"), end),
    ]
    assert np.all([day.end - day.start == 24 * HOUR for day in found])
