"""atb: train market models with Keras, measure them honestly, serve them as ONNX.

    >>> import atb
    >>> config = atb.create_config_from_preset("fast", "BTCUSDT", timeframe="1h")
    >>> config.window
    60

`atb.train_model(config)` walks the whole path. Importing this package imports no TensorFlow.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from atb.config.training import TrainingConfig as TrainingConfig
    from atb.pipeline import train_model as train_model
    from atb.presets import create_config_from_preset as create_config_from_preset

# From 1.29 on onnxruntime tells its maker's servers of each model that is opened, unless this is
# set before it is first imported. Whoever wants that sets it to 0.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

__version__ = "0.1.0"
__all__ = ["TrainingConfig", "__version__", "create_config_from_preset", "train_model"]

_HOMES = {
    "TrainingConfig": "atb.config.training",
    "create_config_from_preset": "atb.presets",
    "train_model": "atb.pipeline",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'atb' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
