"""`atb train cv`: what is refused at once, and that its options reach the recipe."""

from __future__ import annotations

import pytest

from atb.clock import parse_time
from atb.market import files
from atb.market.sample import simulate
from atb_cli.main import main


@pytest.fixture(scope="module")
def candles(tmp_path_factory):
    start = parse_time("2024-01-01")
    path = tmp_path_factory.mktemp("candles") / "sample.parquet"
    files.write(simulate("SAMPLE", "1h", start, start + 600 * 3_600_000, seed=5), path)
    return path


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--splits", "1"], 2, "--splits"),
        (["--scheme", "combinatorial", "--splits", "2"], 2, "2 of 2 groups cannot be tested"),
        (["--scheme", "combinatorial", "--splits", "50"], 2, "1,225 folds, more than 1,000"),
        (["--scheme", "blocked"], 2, "blocked"),
        (["--embargo", "-1"], 2, "--embargo"),
        (["--from", "SAMPLE/fast"], 2, "may have learned from windows that folds are tested on"),
        (["--set", "trading.hook=none"], 2, "unknown backtest 'none'"),
        (["--engine", "dusk"], 2, "there is no engine 'dusk'; did you mean 'dask'?"),
        (["--engine", "dask"], 2, "--address: no address of a Dask scheduler"),
        (["--address", "tcp://127.0.0.1:1"], 2, "the local engine has no address"),
        ([], 3, "600 rows are too few: "),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_written(
    words, code, said, candles, tmp_path, capsys
):
    artifacts = tmp_path / "out"
    asked = ["train", "cv", "SAMPLE", "--preset", "fast", "--candles", str(candles)]
    assert main([*asked, "--artifacts", str(artifacts), *words]) == code
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("error: ") and said in last
    assert not (artifacts / "studies").exists()


def test_options_are_part_of_the_recipe(candles, tmp_path, capsys):
    asked = ["train", "cv", "SAMPLE", "--preset", "fast", "--candles", str(candles)]
    more = ["--scheme", "kfold", "--splits", "9", "--embargo", "48", "--horizons", "1,20"]
    assert main([*asked, "--artifacts", str(tmp_path), *more]) == 3
    lines = capsys.readouterr().err.splitlines()
    said = {line.split(maxsplit=1)[0]: line.split(maxsplit=1)[1].strip() for line in lines}
    assert said["folds"] == "9, kfold over 9 groups that are tested"
    assert said["apart"] == "labels known, and 48 more bars"
    assert said["target"] == "return, 1, 20 bars ahead"
