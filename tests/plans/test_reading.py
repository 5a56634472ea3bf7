"""Plan files: read strictly, every fault with its line."""

from __future__ import annotations

import pytest

from atb.errors import ConfigError, UsageError
from atb.plans import reading

PLAN = """description: two steps
symbols: [BTCUSDT]
recipes: [fast]
set: {training.epochs: 2}
steps:
  train:
  evaluate:
    needs: [train]
    sample: 0.5
"""


def written(folder, text):
    path = folder / "mine.yaml"
    path.write_text(text)
    return path


def test_a_file_is_spelt_out(tmp_path):
    plan = reading.read(str(written(tmp_path, PLAN)))
    assert (plan.name, plan.steps) == ("mine", ("train", "evaluate"))
    assert list(plan.nodes) == ["BTCUSDT-data", "BTCUSDT-fast", "BTCUSDT-evaluate"]
    assert plan.nodes["BTCUSDT-evaluate"].settings == {"sample": 0.5}


def test_symbols_candles_and_fields_of_a_command_line_come_first(tmp_path):
    candles = tmp_path / "ETHUSDT.csv"
    candles.touch()
    path = str(written(tmp_path, PLAN))
    plan = reading.read(path, ["ETHUSDT"], ["training.batch=32"], epochs=3, candles=candles)
    config = plan.nodes["ETHUSDT-fast"].recipe.config
    assert (config.training.epochs, config.training.batch, config.data.path) == (3, 32, candles)


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("symbols:", "symbol:", 2, "unknown key 'symbol'; did you mean 'symbols'?"),
        ("sample:", "sampel:", 9, "unknown key 'sampel'; did you mean 'sample'?"),
        ("sample: 0.5", "sample: 1.5", 9, "steps.evaluate.sample: Input should be less than or eq"),
        ("  evaluate:", "  up/down:\n    kind: evaluate", 7, "steps.up/down: String should match"),
        ("needs: [train]", "needs: [trian]", 8, "needs 'trian', which is no step; did you"),
        ("evaluate:", "judge:", 7, "step 'judge' is of an unknown kind 'judge'"),
        ("recipes: [fast]", "recipes: [fats]", 3, "unknown preset 'fats'; did you mean 'fast'"),
        ("training.epochs", "training.epoch", 4, "unknown key 'training.epoch'"),
        ("description: two steps\n", "", None, "description: Field required"),
        ("sample: 0.5", "sample: &a 0.5", 9, "anchors"),
    ],
)
def test_a_fault_is_named_with_its_line(tmp_path, old, new, line, said):
    path = written(tmp_path, PLAN.replace(old, new))
    with pytest.raises((ConfigError, UsageError)) as refused:
        reading.read(str(path))
    assert said in str(refused.value)
    assert str(refused.value).startswith(f"{path}:{line}: " if line else f"{path}: ")


def test_a_seed_of_a_command_line_is_the_only_one(tmp_path):
    path = str(written(tmp_path, PLAN + "seeds: [1, 2]\n"))
    assert len(reading.read(path).of_kind("train")) == 2
    (node,) = reading.read(path, seed=5).of_kind("train")
    assert node.recipe.config.training.seed == 5


def test_unknown_plans_are_refused(tmp_path):
    with pytest.raises(UsageError, match="there is no plan file"):
        reading.read(str(tmp_path / "none.yaml"))
    with pytest.raises(UsageError, match="unknown plan 'eleven-step'; did you mean 'eleven-steps'"):
        reading.read("eleven-step")


def test_the_eleven_steps():
    plan = reading.read("eleven-steps")
    assert len(plan.steps) == 11
    trained = {node.recipe.config.name: node.needs for node in plan.of_kind("train")}
    assert set(trained) == {
        *("basic", "enhanced", "advanced", "automl"),
        *("regime", "factor", "tail_risk", "bayesian"),
    }
    assert all(needs == ("BTCUSDT-data",) for needs in trained.values())  # side by side
    last = plan.nodes[list(plan.nodes)[-1]]
    assert last.kind == "tune"
    samples = [node.settings["sample"] for node in plan.of_kind("evaluate", "drift")]
    assert samples and all(0 < share <= 1 for share in samples)
