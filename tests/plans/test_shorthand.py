"""Several symbols and presets on a command line; one of each is a plan of none."""

from __future__ import annotations

import pytest

from atb.errors import DataError, UsageError
from atb.plans import shorthand


@pytest.fixture
def folder(tmp_path):
    for name in ("BTCUSDT_1h.csv", "ETHUSDT_1h.csv"):
        (tmp_path / name).touch()
    return tmp_path


def test_presets_with_commas_between_them():
    assert shorthand.presets_of("fast, balanced,") == ["fast", "balanced"]
    for text, said in (("", "no preset is named"), ("fast,fast", "names a preset twice")):
        with pytest.raises(UsageError, match=said):
            shorthand.presets_of(text)


def test_each_preset_is_trained_for_each_symbol_from_its_own_file(folder):
    plan = shorthand.several(["BTCUSDT", "ETHUSDT"], ["fast", "gru"], candles=folder, epochs=2)
    trained = {node.name: node.recipe.config for node in plan.of_kind("train")}
    assert list(trained) == ["BTCUSDT-fast", "BTCUSDT-gru", "ETHUSDT-fast", "ETHUSDT-gru"]
    assert {config.training.epochs for config in trained.values()} == {2}
    assert trained["ETHUSDT-gru"].data.path == folder / "ETHUSDT_1h.csv"
    assert (plan.name, plan.steps) == ("models", ("train",))


def test_a_single_model_finds_its_file_too(folder):
    found = shorthand.one("ETHUSDT", "fast", candles=folder)
    assert found.config.data.path == folder / "ETHUSDT_1h.csv"
    path = folder / "BTCUSDT_1h.csv"
    assert shorthand.one("ETHUSDT", "fast", candles=path).config.data.path == path
    assert shorthand.one("ETHUSDT", "fast", ["training.batch=8"]).config.training.batch == 8
    with pytest.raises(DataError, match="no file is named ETHUSDT with 1d"):
        shorthand.one("ETHUSDT", "fast", candles=folder / "*", timeframe="1d")


def test_what_is_no_set_of_models_of_candles_is_refused(folder):
    with pytest.raises(UsageError, match="BTCUSDT is named twice"):
        shorthand.several(["BTCUSDT", "BTCUSDT"], ["fast"])
    file = str(folder / "ETHUSDT_1h.csv")  # of a pattern that a shell has spelt out
    with pytest.raises(UsageError, match="put a pattern for --candles in quotes"):
        shorthand.several(["BTCUSDT", file], ["fast"])
    for refused in (
        lambda: shorthand.several(["BTCUSDT", "ETHUSDT"], ["deeplob"]),
        lambda: shorthand.one("BTCUSDT", "deeplob"),
    ):
        with pytest.raises(UsageError, match="atb train lob PATH --suite deeplob"):
            refused()
