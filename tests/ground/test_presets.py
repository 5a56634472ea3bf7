from __future__ import annotations

from pathlib import Path

import pytest

import atb
from atb import presets
from atb.config.architectures import Mlp
from atb.config.optimisation import Step
from atb.config.training import TrainingConfig
from atb.errors import AtbError, ConfigError, UsageError

TABLE = {  # name: epochs, batch, window, learning rate, patience, filters, units, dense
    "fast": (100, 64, 60, 2e-3, 10, (32,), (64, 32), (32,)),
    "balanced": (200, 48, 90, 1e-3, 15, (48, 96), (80, 40), (40,)),
    "quality": (300, 32, 120, 5e-4, 20, (64, 128, 256), (120, 60), (80, 40)),
    "legacy": (300, 32, 120, 1e-3, 20, (64, 128), (100, 50), (50,)),
}


@pytest.mark.parametrize("name", TABLE)
def test_the_four_presets_are_what_they_are_known_for(name: str) -> None:
    config = atb.create_config_from_preset(name, "BTCUSDT", timeframe="1h")
    fit, model = config.training, config.model
    assert TABLE[name] == (
        fit.epochs,
        fit.batch,
        config.window,
        fit.learning_rate,
        fit.patience,
        model.filters,
        model.units,
        model.dense,
    )
    assert (config.name, config.symbol, model.dropout) == (name, "BTCUSDT", 0.2)


def test_a_config_survives_the_way_to_json_and_back() -> None:
    config = atb.create_config_from_preset("quality", "ETHUSDT", target="direction", horizon=4)
    again = TrainingConfig.model_validate_json(config.model_dump_json())
    assert again == config
    assert again.sha256() == config.sha256()
    assert config.sha256() != atb.create_config_from_preset("quality", "ETHUSDT").sha256()


def test_each_field_says_where_it_came_from() -> None:
    recipe = presets.resolve(
        "fast", "BTCUSDT", epochs=3, patience=None, assignments=["dataset.embargo=48"]
    )
    assert recipe.config.training.epochs == 3
    assert recipe.config.dataset.embargo == 48
    assert recipe.origins["training.epochs"] == "--epochs"
    assert recipe.origins["dataset.embargo"] == "--set"
    assert recipe.origins["training.batch"] == "preset fast"
    assert recipe.origins["trading.costs.buy_fee"] == "default"
    assert recipe.origins.keys() == {name for name, _ in presets.flat(recipe.config)}


def test_two_options_for_one_field_are_refused() -> None:
    for one, other in (("candles", "bonds"), ("book", "bonds")):
        paths = {one: Path("a.csv"), other: Path("b.csv")}
        with pytest.raises(UsageError, match=f"--{one} and --{other} are given"):
            presets.resolve("fast", "UST10Y", **paths)


def test_another_target_keeps_the_horizon() -> None:
    target = presets.resolve("fast", "BTCUSDT", target="direction", horizon=6).config.target
    assert (target.kind, target.horizon) == ("direction", 6)


def test_a_kind_is_set_before_its_settings() -> None:
    size, kind = "training.schedule.size=3", "training.schedule.kind=step"
    for assignments in ([size, kind], [kind, size]):
        schedule = presets.resolve("lstm", "BTCUSDT", assignments=assignments).config.training
        assert schedule.schedule == Step(size=3)
    recipe = presets.resolve("fast", "BTCUSDT", assignments=["model.dense=[8]"], model_type="mlp")
    assert (recipe.config.model, recipe.origins["model.dense"]) == (Mlp(dense=(8,)), "--set")


def test_what_a_preset_says_wrong_is_not_blamed_on_an_option(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(GOOD + "target: {kind: direction, horizon: [5, 5]}")
    with pytest.raises(ConfigError, match="horizons must rise"):
        presets.resolve(str(path), "BTCUSDT", epochs=3)
    path.write_text(GOOD + "target:\n  horizon: 0")
    with pytest.raises(ConfigError, match=r"p\.yaml:5: target\.horizon: "):
        presets.resolve(str(path), "BTCUSDT", epochs=3)
    with pytest.raises(UsageError, match=r"^--horizon: target\.horizon: "):
        presets.resolve(str(path), "BTCUSDT", horizon=-1, epochs=3)


GOOD = "description: mine\nfeatures: technical\nwindow: 60\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (GOOD + "windw: 3", r"p\.yaml:4: unknown key 'windw'; did you mean 'window'\?"),
        (
            GOOD + "training:\n  epoch: 3",
            r"p\.yaml:5: unknown key 'training.epoch'; did you mean 'epochs'\?",
        ),
        (
            GOOD + "model: {architecture: conv_recurrent, filtres: [3]}",
            r"p\.yaml:4: unknown key 'model.filtres'; did you mean 'filters'\?",
        ),
        (
            GOOD + "target: {kind: return, horizn: 2}",
            r"p\.yaml:4: unknown key 'target.horizn'; did you mean 'horizon'\?",
        ),
        (GOOD + "training: {epochs: many}", r"p\.yaml:4: training.epochs: .*got 'many'"),
        (GOOD + "training: {epochs: '3'}", r"p\.yaml:4: training.epochs: .*got '3'"),
        (GOOD + "training: {epochs: true}", r"p\.yaml:4: training.epochs: .*got True"),
        (GOOD + "symbol: ETHUSDT", r"p\.yaml:4: a recipe names no symbol"),
        (GOOD.replace("technical", "tecnical"), r"p\.yaml:2: features: unknown feature set"),
        (GOOD + "data: {start: 2024-99-01}", r"p\.yaml:4: data.start: '2024-99-01' is not a date"),
        (GOOD + "training: {epochs: 0}", r"p\.yaml:4: training.epochs: .*got 0"),
        (GOOD + "target: {kind: moon}", r"p\.yaml:4: unknown target.kind 'moon'; known: dir"),
        (
            GOOD + "target:\n  kind: retrun",
            r"p\.yaml:5: unknown target.kind 'retrun'; did you mean 'return'\?",
        ),
        (
            GOOD + "model:\n  architecture: mlp\n  dense: [8, 0]",
            r"p\.yaml:6: model.dense: .*got 0",
        ),
        (
            GOOD + "training:\n  regularisation: {class_weights: balanced}",
            r"p\.yaml: label smoothing and class weights are for classes, not for a return;",
        ),
        (
            GOOD + "training:\n  batch: 7\n  hardware: {devices: 2, accumulation: 4}",
            r"p\.yaml:4: training: .*batch of 7 .*2 devices .* 4 parts",
        ),
        (GOOD + "dataset: {train: 0.9, validation: 0.2}", "nothing to test on"),
        (
            GOOD + "model: {architecture: cnn, filters: [8, 8], pool: [2]}",
            "needs one size for each",
        ),
        ("window: 60", r"p\.yaml: has no description"),
    ],
)
def test_a_wrong_preset_is_answered_with_file_line_and_remedy(
    tmp_path: Path, text: str, message: str
) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=message):
        presets.resolve(str(path), "BTCUSDT")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"preset": "balancd"}, "unknown preset 'balancd'; did you mean 'balanced'"),
        ({"preset": "nowhere/p.yaml"}, "there is no preset file"),
        ({"symbol": "../etc"}, "is not a symbol"),
        ({"symbol": "btcusdt"}, "is not a symbol"),
        ({"features": "tecnical"}, "unknown feature set 'tecnical'"),
        ({"epochs": 0}, "--epochs: training.epochs: .*got 0"),
        ({"model_type": "lsmt"}, "--model-type: unknown model.architecture 'lsmt'.*'lstm'"),
        ({"target": "moon"}, "--target: unknown target.kind 'moon'; known: direction, "),
        (
            {"assignments": ["training.schedule.kind=setp"]},
            "--set: unknown training.schedule.kind 'setp'; did you mean 'step'",
        ),
        ({"horizon": 0}, r"^--horizon: target\.horizon: .*got 0"),
        ({"horizon": (1, 1)}, r"^--horizon: target: horizons must rise, each once, not \[1, 1\]"),
        ({"target": "triple_barrier", "horizon": (5, 10)}, "^--horizon: target.horizon: .*one hor"),
        (
            {"epochs": 3, "assignments": ["training.regularisation.label_smoothing=0.1"]},
            "^--set: label smoothing and class weights are for classes, not for a return",
        ),
        ({"batch_size": 4, "devices": 8, "epochs": 3}, "^--devices: training: a batch of 4 "),
        ({"timeframe": "7m"}, "unknown timeframe '7m'"),
        ({"start": "2024-01-02", "end": "2024-01-01"}, "is empty"),
        ({"assignments": ["training.epoch=3"]}, "--set: unknown key 'training.epoch'"),
        ({"assignments": ["training.epochs"]}, "is no assignment"),
        ({"assignments": ["symbol=ETHUSDT"]}, "--set symbol: a recipe names no symbol"),
        ({"assignments": ["model.filters=[32,64]"]}, "--set: model: .*needs one size for each"),
        ({"assignments": ["dataset.train=0.9"]}, "--set: dataset: .*nothing to test on"),
        ({"assignments": ["a.b.c=1"]}, "--set: unknown key 'a"),
        ({"assignments": ["dataset.embargo=[1"]}, "--set dataset.embargo=.*is no valid YAML"),
    ],
)
def test_wrong_words_on_the_command_line_are_usage_errors(
    options: dict[str, object], message: str
) -> None:
    call = {"preset": "fast", "symbol": "BTCUSDT", **options}
    with pytest.raises(AtbError, match=message) as caught:
        presets.resolve(**call)  # type: ignore[arg-type]
    assert isinstance(caught.value, UsageError)


def test_a_preset_file_is_a_preset(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(GOOD + "training: {learning_rate: 2e-3}")
    config = presets.resolve(str(path), "BTCUSDT").config
    assert (config.name, config.window, config.training.learning_rate) == ("mine", 60, 2e-3)
