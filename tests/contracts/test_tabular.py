"""What every tabular learner must do with every target it can predict: tested by existing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any, get_args

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from atb.config.dataset import DatasetSpec
from atb.config.tabular import Advanced, AnyTabular, Automl, Boosted, Enhanced, TailRisk
from atb.config.targets import DirectionTarget, ReturnTarget, TernaryTarget
from atb.config.training import TrainingConfig

pytestmark = pytest.mark.usefixtures("tensorflow_ready")

ROWS, WINDOW = 1_500, 3
FEW = {"trees": 8, "leaves": 4}
# Small where the default takes its time.
SMALL = {
    Enhanced: Enhanced(**FEW),
    Advanced: Advanced(trees=4, boosted=Boosted(**FEW)),
    Automl: Automl(trials=2),
    TailRisk: TailRisk(levels=(0.05,), boosted=Boosted(**FEW)),
}
SPECS = {spec().architecture: SMALL.get(spec, spec()) for spec in get_args(AnyTabular)}
TARGETS = {
    "return": ReturnTarget(horizon=(1, 4)),
    "direction": DirectionTarget(),
    "ternary": TernaryTarget(),
}
OF_QUANTITIES = {"tail_risk", "bayesian"}
CASES = [
    (name, target)
    for name in SPECS
    for target in TARGETS
    if target == "return" or name not in OF_QUANTITIES
]
# Each is exported once, of several logits where it has any; but for those whose file is another's:
# factors are one line, what a search finds is one of the others.
EXPORTED = [
    (name, "return" if name in OF_QUANTITIES else "ternary")
    for name in SPECS
    if name not in {"factor", "automl"}
]


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """As learners do: more threads wait for each other where another process has the cores."""
    with threadpool_limits(1):
        yield


@pytest.fixture(scope="module")
def fitted(
    market_data: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str, str], SimpleNamespace]:
    """`fitted(architecture, target)`: what it learned of real candles, made once."""
    from atb.events import Stopwatch
    from atb.learning import prepare
    from atb.market.files import read
    from atb.runs import Recipe
    from atb.tabular.fit import TabularLearner
    from atb.targets.build import build
    from atb.workspace import Workspace

    workspace = Workspace(tmp_path_factory.mktemp("tabular"))
    file = market_data / "crypto_ohlcv" / "BTCUSDT_1h_2023-01-01_2024-12-31.feather"
    history = read(file, "BTCUSDT", "1h").rows(0, ROWS)

    @cache
    def fitted(architecture: str, target: str) -> SimpleNamespace:
        config = TrainingConfig(
            symbol="BTCUSDT",
            features="price",
            window=WINDOW,
            target=TARGETS[target],
            model=SPECS[architecture],
            dataset=DatasetSpec(embargo=4, scaler="standard"),
        )
        labels = build(config.target, history, config.dataset.max_gap)
        dataset = prepare(Recipe(config, history, {}), labels, workspace, Stopwatch())
        learner = TabularLearner(config.model, config.target, seed=3, embargo=4)
        return SimpleNamespace(
            config=config,
            history=history,
            dataset=dataset,
            learner=learner,
            fitted=learner.fit(dataset),
        )

    return fitted


def test_each_spec_has_a_file_that_solves() -> None:
    for name in SPECS:
        assert callable(import_module(f"atb.tabular.{name}").solve)


@pytest.mark.parametrize(("name", "target"), CASES)
def test_raw_outputs_are_finite_and_better_than_nothing_on_train_rows(
    fitted: Callable[[str, str], SimpleNamespace], name: str, target: str
) -> None:
    from atb.tabular.scores import naive, scores

    case = fitted(name, target)
    ends = case.dataset.split.train
    raw = case.fitted.predict(ends)
    logits = 3 if target == "ternary" else len(TARGETS[target].horizons)
    assert raw.shape == (len(ends), logits) and np.isfinite(raw).all()
    # A line over answers to later windows need not be the best for those before them.
    allowed = 1.1 if name == "advanced" else 1.001
    assert scores(case.dataset, ends, raw)["loss"] < naive(case.dataset, ends)["loss"] * allowed
    assert case.fitted.parameters > 0 and case.fitted.reason


@pytest.mark.parametrize(("name", "target"), EXPORTED)
def test_one_plain_file_answers_as_keras_does(
    fitted: Callable[[str, str], SimpleNamespace], tmp_path: Path, name: str, target: str
) -> None:
    import keras

    from atb.export import onnx, parity, rewrite, sampling
    from atb.export.graph import serving_model

    case = fitted(name, target)
    serving = serving_model(
        case.fitted.model,
        features="price",
        columns=5,
        window=WINDOW,
        scaling=case.dataset.scaling,
        target=case.config.target,
        target_scale=case.dataset.target_scale,
        target_offset=case.dataset.target_offset,
    )
    onnx.export(serving, tmp_path / "model.onnx", {"symbol": "BTCUSDT"})
    ends = case.dataset.split.ends
    windows = sampling.sample(case.history.matrix(), ends, case.config.reach, 300)
    found = parity.check(serving, tmp_path / "model.onnx", windows)
    assert max(found.max_difference, found.max_feature_difference) <= parity.TOLERANCE
    serving.save(tmp_path / "model.keras")
    again = rewrite.load(tmp_path / "model.keras")
    first, second = (_signal(keras, one, windows[:7]) for one in (serving, again))
    np.testing.assert_array_equal(first, second)


def _signal(keras: Any, model: Any, windows: np.ndarray) -> np.ndarray:
    said = model.predict(windows, verbose=0)
    return np.concatenate([np.ravel(one) for one in keras.tree.flatten(said)])


@pytest.mark.parametrize("name", SPECS)
def test_what_is_kept_is_plain_and_can_be_fitted_again(
    fitted: Callable[[str, str], SimpleNamespace], tmp_path: Path, name: str
) -> None:
    import skops.io
    from sklearn.exceptions import NotFittedError
    from sklearn.utils.validation import check_is_fitted

    from atb.registry import skops_file
    from atb.tabular.moments import flattened

    case = fitted(name, "return")
    path = tmp_path / "model.skops"
    case.fitted.files["model.skops"](path)
    skops_file.require_plain(path)
    kept = skops.io.load(path, trusted=skops.io.get_untrusted_types(file=path))
    assert list(kept) == ["1", "4"]
    ends = case.dataset.split.train
    windows, actual = flattened(case.dataset, ends), case.dataset.target[ends, 0]
    for estimator in kept["1"].values():
        with pytest.raises(NotFittedError):
            check_is_fitted(estimator)
        estimator.fit(windows, actual.astype(np.float64))
    if len(kept["1"]) == 1:  # it is the model: fitted to the same windows, it says the same
        (only,) = kept["1"].values()
        served = case.fitted.predict(ends)[:, 0]
        np.testing.assert_allclose(only.predict(windows), served, atol=1e-5)


@pytest.mark.parametrize("name", ["advanced", "regime"])
def test_the_same_seed_gives_the_same_model(
    fitted: Callable[[str, str], SimpleNamespace], name: str
) -> None:
    case = fitted(name, "ternary")
    ends = case.dataset.split.validation
    again = case.learner.fit(case.dataset)
    np.testing.assert_array_equal(again.predict(ends), case.fitted.predict(ends))
