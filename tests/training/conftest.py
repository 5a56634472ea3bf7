"""A small planted relation that a small network learns in seconds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from atb.config.architectures import ConvRecurrent
from atb.config.dataset import DatasetSpec
from atb.config.optimisation import Optimisation
from atb.config.targets import ReturnTarget, Target
from atb.targets.labels import Labels

N, WINDOW = 1200, 8
RETURN = ReturnTarget()
SMALL = ConvRecurrent(filters=(8,), pool=(2,), units=(8,), dense=(8,), dropout=0.1)


def make(target: Target = RETURN, noise: float = 0.1) -> Any:
    """The label is the last row's first feature, plus noise; or the class it falls into."""
    from atb.dataset.build import build

    rng = np.random.default_rng(0)
    matrix = rng.normal(size=(N, 3)).astype(np.float32)
    value = matrix[:, :1] + rng.normal(size=(N, len(target.horizons))) * noise
    thresholds = {1: None, 2: [0.0], 3: [-0.5, 0.5]}[target.classes]
    value = value if thresholds is None else np.digitize(value, thresholds).astype(float)
    labels = Labels(value, np.arange(N) + 1, target.classes)
    spec = DatasetSpec(scaler="standard", embargo=2)
    return build(matrix, labels, np.zeros(N, int), WINDOW, 0, spec)


@pytest.fixture(scope="session")
def planted(tensorflow_ready: None) -> Callable[..., Any]:
    """`planted(target, noise=0.1)`: the dataset."""
    return make


@pytest.fixture
def fit(tmp_path: Path, tensorflow_ready: None) -> Callable[..., Any]:
    """`fit(target, data=..., folder=..., listen=..., **optimisation)`: the fitted network."""
    from atb.training.fit import NetworkLearner

    count = iter(range(1000))

    def fit(
        target: Target = RETURN,
        data: Any = None,
        folder: Path | None = None,
        listen: Any = lambda event: None,
        architecture: Any = SMALL,
        **options: Any,
    ) -> Any:
        spec = Optimisation(**{"epochs": 12, "batch": 32, "learning_rate": 1e-2, **options})
        place = folder or tmp_path / f"checkpoints-{next(count)}"
        learner = NetworkLearner(architecture, target, spec, place, None, listen)
        return learner.fit(make(target) if data is None else data)

    return fit
