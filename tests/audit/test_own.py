"""Somebody's features: what counts as one, what they are given, and what goes wrong with them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from atb.audit import own
from atb.audit.report import require_clean
from atb.errors import ConfigError, DataError, UsageError
from atb.market.sample import DEFAULT_START_MS, simulate

CANDLES = simulate("X", "1h", DEFAULT_START_MS, DEFAULT_START_MS + 200 * 3_600_000, 1)
BARS = 40


@pytest.fixture
def write(tmp_path: Path):
    def written(text: str, name: str = "mine.py") -> str:
        (tmp_path / name).write_text(text)
        return str(tmp_path / name)

    return written


def verdicts(path: str) -> dict[str, str]:
    made = own.audit(own.load(path), CANDLES, BARS)
    return {found.name: found.verdict for found in made.findings}


def test_series_arrays_lists_and_frames(write) -> None:
    path = write("""
import numpy as np

def series(candles): return candles["close"].pct_change()
def array(candles): return candles["high"].to_numpy() - candles["low"].to_numpy()
def values(candles): return [1 if c > o else 0 for o, c in zip(candles["open"], candles["close"])]
def populate_indicators(dataframe):
    dataframe["fair"] = dataframe["close"].rolling(9).mean()
    dataframe["centred"] = dataframe["close"].rolling(9, center=True).mean()
    return dataframe
def hour(candles, scale=24): return candles["date"].dt.hour / scale
""")
    assert verdicts(path) == {
        "series": "clean",
        "array": "clean",
        "values": "clean",
        "fair": "clean",
        "centred": "leak",
        "hour": "clean",
    }


def test_a_column_that_was_given_and_is_changed_is_a_feature(write) -> None:
    path = write("""
def populate_indicators(dataframe):
    dataframe["close"] = dataframe["close"].shift(-1)
    dataframe["volume"] = dataframe["volume"].shift(1)
    dataframe["made"] = dataframe["open"]
    return dataframe
def now_and_then(candles):
    jumps = candles.index == 190
    return candles.assign(high=candles["high"].where(~jumps, candles["high"].shift(-1)))
""")
    assert verdicts(path) == {"close": "leak", "volume": "clean", "made": "clean", "high": "leak"}


@pytest.mark.parametrize(
    "body",
    [
        "candles['close'].shift(-1)",
        "candles['close'].bfill().where(candles.index % 5 == 0).bfill()",
        "candles['close'].where(candles.index % 5 == 0).interpolate()",
        "candles['close'].rank(pct=True)",
        "candles['close'] / candles['close'].mean()",
        "candles.groupby(candles['date'].dt.hour)['close'].transform('mean')",
        "candles.set_index('date')['close'].resample('4h').last()"
        ".reindex(candles['date'], method='ffill')",
        "candles['close'][::-1].ewm(span=5).mean()[::-1]",
        "pd.merge_asof(candles, candles[::4].assign(x=candles['close']), on='date',"
        " direction='forward')['x']",
    ],
)
def test_leaks_as_people_write_them(write, body: str) -> None:
    path = write(f"import pandas as pd\ndef feature(candles): return {body}\n")
    assert verdicts(path) == {"feature": "leak"}


@pytest.mark.parametrize(
    "body",
    [
        "candles['close'].shift(1)",
        "candles['close'].ewm(span=5).mean()",
        "candles['close'].expanding().std()",
        "candles['volume'].rolling(30).rank(pct=True)",
        "candles.set_index('date')['close'].resample('4h').last().shift(1)"
        ".reindex(candles['date'], method='ffill')",
        "candles.groupby(candles['date'].dt.hour)['close'].cumsum()",
        "candles['close'].diff().dropna()",
        "candles['close'].diff()[::-1]",
    ],
)
def test_honest_features_as_people_write_them(write, body: str) -> None:
    path = write(f"import pandas as pd\ndef feature(candles): return {body}\n")
    assert verdicts(path) == {"feature": "clean"}


def test_what_refuses_nan_is_judged_by_what_came_before(write) -> None:
    path = write("""
def strict(candles):
    if candles["close"].isna().any(): raise ValueError("no NaN, please")
    return candles["close"]
def strict_leak(candles):
    if candles["close"].isna().any(): raise ValueError("no NaN, please")
    return candles["close"].shift(-1)
""")
    assert verdicts(path) == {"strict": "clean", "strict_leak": "leak"}


def test_only_public_functions_of_its_own_that_take_one_argument(write) -> None:
    path = write("""
from math import sqrt
from textwrap import dedent

def feature(candles, span=3, *more, **options): return candles["close"]
def several(candles, other): return candles["close"]
def none(): return 1
def _hidden(candles): return candles["close"].shift(-1)
class Thing: ...
""")
    found = own.load(path)
    assert list(found.features) == ["feature"]
    assert found.left_out == ("none", "several")


def test_what_lies_beside_a_file_can_be_imported(write) -> None:
    write("def last(frame): return frame['close']", "beside_it.py")
    path = write("import beside_it\ndef feature(candles): return beside_it.last(candles)")
    before = list(sys.path)
    assert verdicts(path) == {"feature": "clean"}
    assert sys.path == before


def test_a_module_of_this_folder(write, tmp_path, monkeypatch) -> None:
    write("def feature(candles): return candles['close']", "own_module_here.py")
    monkeypatch.chdir(tmp_path)
    assert verdicts("own_module_here") == {"feature": "clean"}


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        ("x = 1", UsageError, "no public function of one argument"),
        ("def f(:", ConfigError, "SyntaxError"),
        ("1 / 0", ConfigError, "ZeroDivisionError"),
        ("import no_such_library_here", UsageError, "no_such_library_here"),
        ("import sys; sys.exit(0)", ConfigError, "SystemExit"),
    ],
)
def test_a_file_that_cannot_be_used(write, text: str, error: type, words: str) -> None:
    with pytest.raises(error, match=words):
        own.load(write(text))


@pytest.mark.parametrize("name", ["absent.py", "no_such_module_here", "os.no_such_part"])
def test_a_file_or_module_that_is_not_there(name: str) -> None:
    with pytest.raises(UsageError, match=r"absent|no_such"):
        own.load(name)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("candles['price']", "KeyError"),
        ("candles['close'].to_numpy()[5:]", r"shape \(195,\)"),
        ("candles['close'].mean()", r"shape \(\)"),
        ("candles", "no new or changed column"),
        ("['up'] * len(candles)", "could not convert"),
        ("__import__('no_such_library_here')", "ModuleNotFoundError"),
        ("next(iter(()))", "StopIteration"),
        ("exit(0)", "SystemExit"),
    ],
)
def test_a_function_that_gives_no_feature(write, body: str, words: str) -> None:
    found = own.load(write(f"def feature(candles): return {body}\n"))
    with pytest.raises(DataError, match=words) as refused:
        own.audit(found, CANDLES, BARS)
    assert "feature" in str(refused.value)


def test_too_few_candles(write) -> None:
    found = own.load(write("def feature(candles): return candles['close']"))
    with pytest.raises(DataError, match="40 rows are too few"):
        own.audit(found, CANDLES.rows(0, 40), 40)


def test_a_leak_is_refused_by_name(write) -> None:
    found = own.load(write("def ahead(candles): return candles['close'].shift(-1)"))
    audit = own.audit(found, CANDLES, BARS)
    assert not audit.clean
    assert audit.to_json() == {
        "kind": "module",
        "name": found.where,
        "rows": 200,
        "clean": False,
        "features": [
            {
                "name": "ahead",
                "verdict": "leak",
                "rows": 40,
                "row": 159,
                "time": "2023-01-07T15:00:00Z",
                "ahead": 1,
                "read": ["close"],
                "check": "prefix",
            }
        ],
        "checks": [],
        "faults": [],
    }
    with pytest.raises(DataError, match=r"ahead \(leak\)"):
        require_clean([audit])
