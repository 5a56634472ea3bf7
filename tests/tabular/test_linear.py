from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import Lasso, LinearRegression, Ridge

from atb.config.book_architectures import Linear
from atb.config.targets import DirectionTarget, MidChangeTarget
from atb.errors import ConfigError

pytestmark = pytest.mark.usefixtures("tensorflow_ready")

TARGET = MidChangeTarget(horizon=(5, 9))
SPECS = {
    "ols": Linear(),
    "ridge": Linear(penalty="ridge", strengths=(0.3,)),
    "lasso": Linear(penalty="lasso", strengths=(0.05,)),
}


@pytest.fixture
def fitted(dataset: Any) -> dict[str, Any]:
    from atb.tabular.linear import fit_all

    return fit_all(SPECS, dataset, TARGET)


@pytest.mark.parametrize("name", SPECS)
def test_the_line_is_the_one_scikit_learn_finds_on_all_windows(
    name: str, dataset: Any, fitted: dict[str, Any], tmp_path: Path
) -> None:
    import skops.io

    from atb.tabular.moments import flattened

    train, test = dataset.split.train, dataset.split.test
    reference = {
        "ols": LinearRegression(),
        "ridge": Ridge(alpha=0.3 * len(train)),
        "lasso": Lasso(alpha=0.05, tol=1e-8),
    }[name]
    reference.fit(flattened(dataset, train).astype(np.float64), dataset.target[train])
    expected = reference.predict(flattened(dataset, test).astype(np.float64))
    assert fitted[name].predict(test).dtype == np.float64
    np.testing.assert_allclose(fitted[name].predict(test), expected, atol=2e-5)

    (write,) = fitted[name].files.values()
    write(tmp_path / "model.skops")
    assert skops.io.get_untrusted_types(file=tmp_path / "model.skops") == []
    kept = skops.io.load(tmp_path / "model.skops")
    assert type(kept) is type(reference)
    assert kept.get_params().get("alpha") == reference.get_params().get("alpha")
    np.testing.assert_allclose(kept.predict(flattened(dataset, test)), expected, atol=2e-5)


def test_the_network_says_what_the_line_says(dataset: Any, fitted: dict[str, Any]) -> None:
    test = dataset.split.test
    windows = dataset.matrix[test[:, np.newaxis] + np.arange(-3, 1)]
    for line in fitted.values():
        assert line.parameters == (4 * 3 + 1) * 2
        raw = line.model.predict_on_batch(windows)
        np.testing.assert_allclose(raw, line.predict(test), atol=1e-5)


def test_the_one_epoch_holds_the_errors_and_how_it_was_found(
    dataset: Any, fitted: dict[str, Any]
) -> None:
    for name, line in fitted.items():
        (epoch,) = line.history
        assert (line.best_epoch, epoch.epoch, epoch.best) == (1, 1, True)
        for ends, loss in (
            (dataset.split.train, epoch.loss),
            (dataset.split.validation, epoch.validation_loss),
        ):
            left = dataset.target[ends] - line.predict(ends)
            assert loss == pytest.approx(np.mean(left**2), rel=1e-5), name
    count = f"{len(dataset.split.train):,}"
    assert fitted["ols"].reason == f"least squares, solved on {count} windows"


@pytest.mark.parametrize("penalty", ["ridge", "lasso"])
def test_the_strength_with_the_smallest_validation_error_is_taken(
    penalty: str, dataset: Any
) -> None:
    from atb.tabular.linear import fit_all

    strengths = (1e-4, 0.02, 3.0)
    alone = {str(s): Linear(penalty=penalty, strengths=(s,)) for s in strengths}
    together = Linear(penalty=penalty, strengths=strengths)
    fitted = fit_all({**alone, "all": together}, dataset, TARGET)
    losses = {name: line.history[0].validation_loss for name, line in fitted.items()}
    chosen = losses.pop("all")
    assert chosen == min(losses.values())
    best = min(losses, key=losses.__getitem__)
    assert fitted["all"].reason.startswith(f"{penalty} strength {float(best):g} has the smallest")
    assert fitted["all"].reason.endswith("of 0.0001, 0.02, 3")


@pytest.mark.parametrize("penalty", ["ridge", "lasso"])
def test_it_is_not_the_one_with_the_smallest_train_error(penalty: str, drowned: Any) -> None:
    """Which is always the weakest."""
    from atb.tabular.linear import fit_all

    specs = {
        "weak": Linear(penalty=penalty, strengths=(1e-4,)),
        "both": Linear(penalty=penalty, strengths=(1e-4, 1000.0)),
    }
    weak, both = (line.history[0] for line in fit_all(specs, drowned, TARGET).values())
    assert both.loss > weak.loss
    assert both.validation_loss < weak.validation_loss


def test_one_line_alone_is_the_same_as_among_others(dataset: Any, fitted: dict[str, Any]) -> None:
    from atb.tabular.linear import LinearLearner

    alone = LinearLearner(SPECS["lasso"], TARGET).fit(dataset)
    test = dataset.split.test
    np.testing.assert_array_equal(alone.predict(test), fitted["lasso"].predict(test))


def test_classes_are_refused(dataset: Any) -> None:
    from atb.tabular.linear import LinearLearner

    with pytest.raises(ConfigError, match="'direction' has classes"):
        LinearLearner(Linear(), DirectionTarget()).fit(dataset)
