"""Networks: one file per architecture, each with `build(spec, window)`, and the heads they share.

Knows shapes and layers; it knows no candles, no training and no files. Open `build.py` first, then
`conv_recurrent.py`. `atb.models.hidden_states(model, windows)` looks inside a recurrent network;
importing this package imports no Keras.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from atb.models.hidden import hidden_states as hidden_states

__all__ = ["hidden_states"]

_HOMES = {"hidden_states": "atb.models.hidden"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'atb.models' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
