"""A model made by hand on its own market, on a changed one, and on files that do not serve."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from atb.clock import iso
from atb.config.targets import ReturnTarget
from atb.config.training import TrainingConfig
from atb.errors import DataError, IntegrityError
from atb.events import Warned
from atb.market import files
from atb.market.candles import Candles
from atb.market.lob.sample import simulate
from atb.monitor.profile import Profile
from atb.presets import create_config_from_preset
from atb.registry import manifest
from atb.runtime.drift import outcomes_of, watch
from atb.runtime.scoring import observe
from atb.targets.build import build

BARS, TRAINED = 4000, 2600
JUDGED = BARS - 702  # the last row whose outcome the profile knows
COLUMNS = ("open", "high", "low", "close", "volume")


def market(volatility: np.ndarray) -> Candles:
    """Prices that stay around 100, with steps of the deviation given."""
    draw = np.random.default_rng(5)
    level = np.zeros(len(volatility))
    for i in range(1, len(level)):
        level[i] = 0.8 * level[i - 1] + draw.normal(0, volatility[i])
    close = 100 * np.exp(level)
    columns = {
        "time": 1_704_067_200_000 + np.arange(len(close)) * 3_600_000,
        **dict.fromkeys(("open", "high", "low", "close"), close),
        "volume": draw.lognormal(size=len(close)),
    }
    return Candles.from_columns("BTCUSDT", "1h", columns)


@pytest.fixture
def made(model: Callable[..., Path], tmp_path: Path) -> Callable[..., tuple[Path, Path]]:
    """`made(volatility of the last 700 bars)`: a model's folder and a file of all candles."""

    def made(later: float = 0.01, **left_out: bool) -> tuple[Path, Path]:
        target = ReturnTarget()
        candles = market(np.repeat([0.01, later], [BARS - 700, 700]))
        folder = model()
        known = candles.rows(0, BARS - 700)
        predictions, features = observe(folder, known)
        rows = predictions.rows[predictions.rows < len(known) - 1]
        test, train = rows[rows > TRAINED], rows[rows <= TRAINED]
        said = predictions.value[np.searchsorted(predictions.rows, test)]
        truth = build(target, known).value[:, 0]
        seen = features[np.searchsorted(predictions.rows, train)]
        profile = Profile.of(COLUMNS, seen, said, truth[test], truth[train], target.classes)
        judged = [iso(int(candles.time[row])) for row in (TRAINED + 1, JUDGED)]
        config = TrainingConfig(symbol="BTCUSDT", name="hand", target=target)
        contents = {
            "config.json": config.model_dump(mode="json"),
            "metadata.json": {"synthetic": False, "dataset": {"periods": {"test": judged}}},
            "profile.json": profile.to_json(),
        }
        (folder / manifest.NAME).unlink()
        for name, content in contents.items():
            if not left_out.get(name.partition(".")[0]):
                (folder / name).write_text(json.dumps(content))
        manifest.write(folder)
        files.write(candles, tmp_path / "candles.parquet")
        return folder, tmp_path / "candles.parquet"

    return made


def test_the_same_market_is_stable(made):
    found = watch(*made())
    assert not found.drift.drifted and found.drift.words().startswith("stable: none of 7 columns")
    said = found.to_json()
    assert (said["drifted"], said["changed"], said["synthetic"]) == (False, None, False)
    assert {column["part"] for column in said["columns"]} == {"feature", "prediction", "residual"}
    later = BARS - JUDGED - 1
    assert {column["rows"] for column in said["columns"]} == {later, later - 1}


def test_rows_up_to_the_last_that_the_model_was_judged_on_only_warm_up(made):
    folder, path = made()
    candles = files.read(path, "BTCUSDT", "1h")
    found = watch(folder, path)
    assert found.first == iso(int(candles.time[JUDGED + 1]))
    assert found.last == iso(int(candles.time[-1]))
    later = watch(
        folder,
        path,
        start=iso(int(candles.time[JUDGED + 100])),
        end=iso(int(candles.time[JUDGED + 600])),
    )
    assert later.drift.columns[0].rows <= 500
    assert (later.first, later.last) == (
        iso(int(candles.time[JUDGED + 100])),
        iso(int(candles.time[JUDGED + 599])),
    )


def test_a_market_that_moves_five_times_as_much_has_drifted(made):
    folder, path = made(later=0.05)
    candles = files.read(path, "BTCUSDT", "1h")
    found = watch(folder, path, start=iso(int(candles.time[BARS - 700])))
    assert found.drift.drifted
    states = {column.name: column.state for column in found.drift.columns}
    assert (states["close"], states["prediction"], states["volume"]) == (
        "drifted",
        "drifted",
        "stable",
    )
    assert found.drift.errors is not None and found.drift.errors.state == "drifted"
    assert found.changed is not None and found.first < found.changed <= found.last


def test_moves_of_a_book_become_classes_by_the_thresholds_of_train_rows():
    book = simulate("BOOK", 600, seed=0)
    config = create_config_from_preset("deeplob", "BOOK")
    assert build(config.target, book).pending
    count = len(config.target.horizons)
    wide, narrow = (
        outcomes_of(config, {"dataset": {"thresholds": [threshold] * count}}, book)
        for threshold in (1e6, 0.0)
    )
    known = np.isfinite(wide)
    assert set(wide[known]) == {1.0} and {0.0, 2.0} <= set(narrow[known])
    assert np.isnan(wide[-1])


def test_outcomes_are_those_of_the_first_of_several_horizons():
    config = create_config_from_preset("lob-mlp", "TEST")
    first, *others = config.target.horizons
    metadata = {"dataset": {"thresholds": [0.0, *(1e9 for _ in others)]}}
    found = outcomes_of(config, metadata, simulate("TEST", 300, seed=0))
    assert np.isnan(found[-first:]).all() and len(others) > 0
    assert set(found[:-first]) == {0, 1, 2}


def test_rows_the_model_knows_are_warned_of(made):
    told: list[Any] = []
    watch(*made(), start="2024-01-05", listen=told.append)
    assert any(
        "the model was trained and judged on rows up to" in one.message
        for one in told
        if isinstance(one, Warned)
    )


def test_a_file_without_newer_rows_is_refused(made, tmp_path):
    folder, path = made()
    old = files.read(path, "BTCUSDT", "1h").rows(0, JUDGED)
    files.write(old, tmp_path / "old.parquet")
    with pytest.raises(
        DataError, match="the model was trained and judged on all of its rows, up to 2024"
    ):
        watch(folder, tmp_path / "old.parquet")
    with pytest.raises(DataError, match="no row comes at or after 2030-01-01"):
        watch(folder, path, start="2030-01-01")


def test_a_model_without_a_profile_is_refused(made):
    with pytest.raises(IntegrityError, match="there is no profile to compare with"):
        watch(*made(profile=True))


def test_nothing_is_parsed_before_checksums_hold(made):
    folder, path = made()
    (folder / "profile.json").write_text("{}")
    with pytest.raises(IntegrityError, match="bytes, the manifest says"):
        watch(folder, path)
