"""A registered model at work: onnxruntime, numpy and a verified folder, nothing else.

Knows no training; TensorFlow is never imported here. Open `predictor.py` first, then `live.py`.

    from atb.runtime import Predictor

    predictor = Predictor.load("artifacts", "BTCUSDT")
    predictor.warm(history)          # Candles
    answer = predictor.update(bar)   # a Candle
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from atb.market.candle import Candle as Candle
    from atb.market.candles import Candles as Candles
    from atb.runtime.decision import Decision as Decision
    from atb.runtime.decision import Hook as Hook
    from atb.runtime.predictor import Answer as Answer
    from atb.runtime.predictor import Predictor as Predictor

_HOMES = {
    "Answer": "atb.runtime.predictor",
    "Candle": "atb.market.candle",
    "Candles": "atb.market.candles",
    "Decision": "atb.runtime.decision",
    "Hook": "atb.runtime.decision",
    "Predictor": "atb.runtime.predictor",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'atb.runtime' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
