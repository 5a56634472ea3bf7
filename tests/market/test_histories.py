"""Histories kept by their hash: as they were, once, and never others than the name says."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from atb.config.data import BookData, CandleData
from atb.errors import IntegrityError, UsageError
from atb.market import histories, sample
from atb.market.candles import Candles
from atb.market.lob import sample as book_sample
from atb.workspace import Workspace

START = 1_704_067_200_000


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path)


def _candles(symbol: str = "BTCUSDT", bars: int = 50) -> Candles:
    made = sample.simulate(symbol, "1h", START, START + bars * 3_600_000, 7)
    return replace(made, synthetic=False, source="file")


def test_candles_come_back_as_they_were(workspace: Workspace) -> None:
    candles = _candles()
    sha256 = histories.keep(workspace, candles)
    found = histories.read(workspace, sha256, "BTCUSDT", CandleData())
    assert sha256 == candles.sha256() == found.sha256()
    assert (found.source, found.synthetic, len(found)) == ("file", False, 50)


def test_books_come_back_as_they_were(workspace: Workspace) -> None:
    book = book_sample.simulate("GOOG", 200, 7)
    sha256 = histories.keep(workspace, book)
    found = histories.read(workspace, sha256, "GOOG", BookData())
    assert found.sha256() == book.sha256()
    assert found.synthetic


def test_a_history_is_written_once(workspace: Workspace) -> None:
    place = histories.path(workspace, histories.keep(workspace, _candles()))
    before = place.stat()
    histories.keep(workspace, _candles())
    assert place.stat().st_ino == before.st_ino
    assert [path.name for path in workspace.histories.glob("[!.]*")] == [place.name]


@pytest.mark.parametrize("damage", [b"", b"PAR1", b"\0" * 2000])
def test_a_damaged_file_is_refused_and_written_again(workspace: Workspace, damage: bytes) -> None:
    sha256 = histories.keep(workspace, _candles())
    histories.path(workspace, sha256).write_bytes(damage)
    with pytest.raises(IntegrityError, match="run the command again"):
        histories.read(workspace, sha256, "BTCUSDT", CandleData())
    histories.keep(workspace, _candles())
    assert len(histories.read(workspace, sha256, "BTCUSDT", CandleData())) == 50


def test_every_flipped_bit_is_seen(workspace: Workspace) -> None:
    sha256 = histories.keep(workspace, _candles(bars=20))
    place = histories.path(workspace, sha256)
    whole = place.read_bytes()
    expected = _candles(bars=20)
    for position in range(0, len(whole), 37):
        flipped = bytearray(whole)
        flipped[position] ^= 1 << position % 8
        place.write_bytes(bytes(flipped))
        try:
            found = histories.read(workspace, sha256, "BTCUSDT", CandleData())
        except IntegrityError:
            continue
        assert found.sha256() == expected.sha256()  # the bit was in words that nobody reads


def test_rows_of_another_history_are_refused(workspace: Workspace) -> None:
    one, other = (histories.keep(workspace, _candles(bars=bars)) for bars in (50, 60))
    histories.path(workspace, other).replace(histories.path(workspace, one))
    with pytest.raises(IntegrityError, match=other):
        histories.read(workspace, one, "BTCUSDT", CandleData())


@pytest.mark.parametrize(
    ("symbol", "data"), [("ETHUSDT", CandleData()), ("BTCUSDT", CandleData(timeframe="4h"))]
)
def test_rows_of_another_market_are_refused(
    workspace: Workspace, symbol: str, data: CandleData
) -> None:
    sha256 = histories.keep(workspace, _candles())
    with pytest.raises(IntegrityError, match="have the SHA-256"):
        histories.read(workspace, sha256, symbol, data)


def test_what_is_not_there_is_said(workspace: Workspace) -> None:
    with pytest.raises(IntegrityError, match="cannot be opened"):
        histories.read(workspace, "0" * 64, "BTCUSDT", CandleData())


@pytest.mark.parametrize("word", ["", "../../etc/passwd", "0" * 63, "A" * 64, "0" * 64 + "\n"])
def test_a_name_that_is_no_hash_leaves_the_folder_alone(workspace: Workspace, word: str) -> None:
    with pytest.raises(UsageError, match="no SHA-256"):
        histories.path(workspace, word)


def test_simulated_rows_stay_simulated(workspace: Workspace) -> None:
    real = _candles()
    sha256 = histories.keep(workspace, real)
    for first in (replace(real, synthetic=True), real):
        assert histories.keep(workspace, first) == sha256
        assert histories.read(workspace, sha256, "BTCUSDT", CandleData()).synthetic
