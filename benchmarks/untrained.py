"""A preset's serving model with untrained weights, whose speed is that of a trained one."""

from __future__ import annotations

from typing import Any

import numpy as np

from atb.config.features import width
from atb.config.training import TrainingConfig


def serving(config: TrainingConfig, columns: int) -> Any:
    """From raw rows of so many columns to the signal."""
    from atb.export.graph import serving_model
    from atb.features.scaling import Scaling
    from atb.models.build import network

    features = width(config.features)
    return serving_model(
        network(config.model, config.target, (config.window, features)),
        features=config.features,
        columns=columns,
        window=config.window,
        # No ones and zeros: what changes nothing is left out of a graph.
        scaling=Scaling(np.full(features, 2, np.float32), np.full(features, -0.25, np.float32)),
        target=config.target,
        target_scale=5e-3,
        target_offset=1e-4,
    )
