"""Bad input is an answer: one line of what, where and what to do, an exit code, nothing left."""

from __future__ import annotations

import pandas as pd
import pytest


@pytest.fixture(scope="module")
def real(market_data):
    """The first 1,900 real hours of BTCUSDT, without a gap."""
    path = market_data / "crypto_ohlcv" / "BTCUSDT_1h_2023-01-01_2024-12-31.feather"
    return pd.read_feather(path).iloc[:1900]


def tree(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


@pytest.fixture
def refused(atb, tmp_path):
    """Run a training that must be refused; its one line."""

    def run(code, *words, symbol="BTCUSDT", **extra):
        before = tree(tmp_path)
        done = atb("train", "model", symbol, "--json", *words, **extra)
        assert done.code == code, done.err
        assert done.out == ""
        assert "Traceback" not in done.err
        assert [line for line in done.err.splitlines() if line.startswith("error:")] == [done.said]
        assert tree(tmp_path) == before
        return done.said

    return run


@pytest.mark.parametrize(
    ("words", "code", "parts"),
    [
        (["--preset", "balancd"], 2, ["unknown preset 'balancd'", "did you mean 'balanced'?"]),
        (["--preset", "none.yaml"], 2, ["'none.yaml'", "check the path"]),
        (["--timeframe", "7h"], 2, ["unknown timeframe '7h'", "known: 1m"]),
        (["--start", "2024-13-01"], 2, ["'2024-13-01' is not a date", "2024-01-31"]),
        (
            ["--start", "2024-02-01", "--end", "2024-01-01"],
            2,
            ["2024-02-01 to 2024-01-01 is empty", "--end"],
        ),
        (["--features", "tecnical"], 2, ["'tecnical'", "did you mean 'technical'?"]),
        (["--epochs", "0"], 2, ["--epochs", "greater than or equal to 1"]),
        (["--model-type", "conv_recurent"], 2, ["--model-type", "conv_recurrent"]),
        (["--target", "moon"], 2, ["--target", "unknown target.kind 'moon'", "return"]),
        (["--horizon", "0"], 2, ["error: --horizon: target.horizon: ", "got 0"]),
        (["--target", "triple_barrier", "--horizon", "5,10"], 2, ["--horizon", "one horizon"]),
        (
            ["--preset", "fast", "--set", "training.regularisation.label_smoothing=0.1"],
            2,
            ["error: --set: label smoothing and class weights are for classes"],
        ),
        (["--batch-size", "1", "--devices", "2"], 2, ["--devices", "a batch of 1", "2 devices"]),
        (["--set", "training.batches=2"], 2, ["--set", "training.batches", "'batch'"]),
        (["--set", "training"], 2, ["'training' is no assignment", "training.batch=32"]),
        (["--candles", "absent.csv"], 3, ["absent.csv"]),
    ],
)
def test_words_that_cannot_be_meant(refused, words, code, parts):
    said = refused(code, *words)
    assert [part for part in parts if part not in said] == [], said


@pytest.mark.parametrize("symbol", ["btcusdt", "../../etc", "BTC USDT", "BTC/USDT", "", "A" * 99])
def test_symbols_that_are_none(refused, symbol):
    assert "is not a symbol; write capital letters" in refused(2, symbol=symbol)


def test_a_misspelt_key_in_a_preset_is_found_with_its_line(refused, tmp_path):
    mine = tmp_path / "mine.yaml"
    mine.write_text("description: mine\ntraining:\n  epochs: 3\n  patiense: 2\n")
    said = refused(4, "--preset", mine)
    assert f"{mine}:4: unknown key 'training.patiense'; did you mean 'patience'?" in said


def spoilt(real):
    """Each damage by name: a file's suffix and what writes it."""

    def shuffled(path):
        real.sample(frac=1, random_state=7).to_csv(path, index=False)

    def truncated(path):
        real.to_feather(path)
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])

    def holed(path):
        damaged = real.copy()
        damaged.loc[1000, "close"] = float("nan")
        damaged.to_csv(path, index=False)

    return {
        "empty": (".csv", lambda path: path.write_bytes(b"")),
        "truncated": (".feather", truncated),
        "shuffled": (".csv", shuffled),
        "text": (".csv", lambda path: path.write_text("Dear reader,\nno candles here.\n" * 50)),
        "directory": (".csv", lambda path: path.mkdir()),
        "no volume": (".csv", lambda path: real.drop(columns="volume").to_csv(path, index=False)),
        "few rows": (".csv", lambda path: real.iloc[:300].to_csv(path, index=False)),
        "nan": (".csv", holed),
        "binary": (".parquet", lambda path: path.write_bytes(bytes(range(256)) * 40)),
    }


@pytest.mark.parametrize(
    ("damage", "word"),
    [
        ("empty", "empty"),
        ("truncated", "Feather"),
        ("shuffled", "order"),
        ("text", "column"),
        ("directory", "no candle file"),
        ("no volume", "volume"),
        ("few rows", "300"),
        ("nan", "1000"),
        ("binary", "Parquet"),
    ],
)
def test_files_that_hold_no_good_candles(refused, tmp_path, real, damage, word):
    suffix, write = spoilt(real)[damage]
    path = tmp_path / f"{damage.replace(' ', '_')}{suffix}"
    write(path)
    said = refused(3, "--source", "file", "--candles", path)
    assert path.name in said
    assert word in said


def test_artifacts_that_cannot_be_written(refused, tmp_path, real):
    (tmp_path / "taken").write_text("a file stands here")
    real.to_csv(tmp_path / "good.csv", index=False)
    said = refused(7, "--candles", "good.csv", "--artifacts", "taken")
    assert "taken" in said


def test_no_network(refused):
    nowhere = "http://127.0.0.1:9"
    words = ("--source", "binance", "--start", "2024-01-01", "--end", "2024-01-03")
    said = refused(3, *words, HTTPS_PROXY=nowhere, HTTP_PROXY=nowhere, NO_PROXY="")
    assert "--candles" in said or "--source" in said
