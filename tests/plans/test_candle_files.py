"""Candle files by name: the one that is meant, or an error that lists what there is."""

from __future__ import annotations

import pytest

from atb.errors import DataError, UsageError
from atb.plans.candle_files import find

NAMES = (
    "BTCUSDT_1h_2023-01-01.feather",
    "BTCUSDT_perp_1h_2023.parquet",
    "BTCUSDT_perp_30m_2023.parquet",
    "BTCUSD_1h.csv",
    "ETHUSDT_perp_1h_2023.parquet",
    "ETHUSDT_perp_30m_2023.parquet",
    "sol-usdt.csv",
    "LTCUSDT.csv",
    "notes.txt",
)


@pytest.fixture
def folder(tmp_path):
    for name in NAMES:
        (tmp_path / name).touch()
    (tmp_path / "DOGEUSDT_1h.csv").mkdir()  # a folder is no candle file
    return tmp_path


@pytest.mark.parametrize(
    ("symbol", "timeframe", "name"),
    [
        ("BTCUSD", "1h", "BTCUSD_1h.csv"),  # and not BTCUSDT
        ("ETHUSDT", "1h", "ETHUSDT_perp_1h_2023.parquet"),
        ("ETHUSDT", "30m", "ETHUSDT_perp_30m_2023.parquet"),
        ("BTCUSDT_PERP", "1h", "BTCUSDT_perp_1h_2023.parquet"),
        ("BTCUSDT", "30m", "BTCUSDT_perp_30m_2023.parquet"),
        ("SOL-USDT", "4h", "sol-usdt.csv"),  # it says no timeframe, so it may be any
        ("LTCUSDT", "1h", "LTCUSDT.csv"),
    ],
)
def test_a_file_is_found_by_symbol_and_timeframe(folder, symbol, timeframe, name):
    asked = (symbol, timeframe)
    assert find(folder, [asked]) == {asked: folder / name}


def test_what_may_be_several_is_listed_with_a_pattern_that_works(folder):
    asked = [("BTCUSDT", "1h"), ("ETHUSDT", "1h")]
    with pytest.raises(UsageError) as refused:
        find(folder, asked)
    assert refused.value.what == (
        "BTCUSDT 1h may be BTCUSDT_1h_2023-01-01.feather or BTCUSDT_perp_1h_2023.parquet"
    )
    assert f"--candles '{folder}/*perp*'" in refused.value.remedy
    found = find(folder / "*perp*", asked)
    assert [path.name for path in found.values()] == [NAMES[1], NAMES[4]]


def test_a_pattern_is_only_advised_where_it_leaves_a_file_for_each(folder):
    with pytest.raises(UsageError) as refused:
        find(folder, [("BTCUSDT", "1h"), ("LTCUSDT", "1h")])
    assert "*WORD*" in refused.value.remedy and "perp" not in refused.value.remedy
    with pytest.raises(UsageError) as refused:
        find(folder, [("BTCUSDT", "1h")])
    assert refused.value.remedy.endswith(f"--candles {folder / NAMES[0]}")


def test_whatever_is_missing_is_said_at_once(folder):
    asked = [("BTCUSDT", "1h"), ("DOGEUSDT", "1h"), ("ETHUSDT", "1d")]
    with pytest.raises(DataError) as refused:
        find(folder, asked)
    said = refused.value.what
    assert "no file is named DOGEUSDT with 1h; there is BTCUSDT_1h" in said
    assert "no file is named ETHUSDT with 1d; of it there is ETHUSDT_perp_1h_2023.parquet, " in said
    assert "BTCUSDT 1h may be" in said and "notes.txt" not in said


def test_many_names_are_cut_short(tmp_path):
    for number in range(12):
        (tmp_path / f"A{number:02d}_1h.csv").touch()
    with pytest.raises(DataError, match=r"A07_1h\.csv and 4 more"):
        find(tmp_path, [("BTCUSDT", "1h")])


def test_one_file_is_for_one_symbol(folder, tmp_path):
    path = folder / "LTCUSDT.csv"
    assert find(path, [("ANY", "1h")]) == {("ANY", "1h"): path}  # its name does not matter
    with pytest.raises(UsageError, match="one file cannot be the candles of A1 1h, B2 1h"):
        find(path, [("A1", "1h"), ("B2", "1h")])
    with pytest.raises(DataError, match="there is no such folder"):
        find(tmp_path / "nowhere" / "*perp*", [("A1", "1h")])
    with pytest.raises(DataError, match="there is no candle file"):
        find(tmp_path / "*.nothing", [("A1", "1h")])


def test_real_files_of_several_timeframes(market_data):
    place = market_data / "crypto_ohlcv"
    wanted = [(symbol, "30m") for symbol in ("BTCUSDT", "ETHUSDT")]
    assert all("perp_30m" in path.name for path in find(place, wanted).values())
    five = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "LTCUSDT", "DOGEUSDT")
    with pytest.raises(UsageError, match=r"BTCUSDT 1h may be .*feather or .*perp_1h.*/\*perp\*'"):
        find(place, [(symbol, "1h") for symbol in five])
    found = find(place / "*perp*", [(symbol, "1h") for symbol in five])
    assert [path.name.split("_")[0] for path in found.values()] == list(five)
