"""Layers made again with one setting changed, also in the layers inside them.

Knows Keras's configurations, not what any setting means.
"""

from __future__ import annotations

from typing import Any

from keras import layers


def remade(layer: layers.Layer, setting: str, value: Any) -> layers.Layer:
    """An unbuilt copy of a layer in which a setting has this value wherever it occurs."""
    made: layers.Layer = layer.__class__.from_config(_changed(layer.get_config(), setting, value))
    return made


def _changed(config: Any, setting: str, value: Any) -> Any:
    if isinstance(config, dict):
        return {
            name: value if name == setting else _changed(inner, setting, value)
            for name, inner in config.items()
        }
    return config
