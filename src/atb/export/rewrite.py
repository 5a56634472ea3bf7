"""The serving graph of a registered model, written again from its Keras file and compared.

Knows the files of a model's folder, and leaves that folder as it is.
"""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import onnxruntime

from atb import atomic
from atb.clock import timeframe_ms
from atb.errors import UsageError
from atb.export import onnx, parity
from atb.export.graph import INPUT
from atb.market.sample import simulate
from atb.registry import integrity

SEED = 7


def rewrite(model: Path, output: Path) -> parity.Parity:
    """Export a registered model's Keras file to ONNX, and compare both on simulated candles.

    Args:
        model: the model's folder; verified first.
        output: the ONNX file to write, whole or not at all.

    Raises:
        UsageError: when `output` lies in the model's folder, whose files are final.
        IntegrityError: when the folder is not what its manifest says, or the two differ.
        StorageError: when `output` cannot be written.
    """
    if output.resolve().is_relative_to(model.resolve()):
        raise UsageError(
            f"{output} lies in the model's folder, whose files are final",
            remedy="choose another place with --output",
        )
    integrity.verify(model)
    properties = _properties(model / "model.onnx")
    serving = keras.models.load_model(model / "model.keras", compile=False)
    rows = serving.get_layer(INPUT).output.shape[1]
    bars = rows + parity.WINDOWS - 1
    end = bars * timeframe_ms(properties["timeframe"])
    candles = simulate(properties["symbol"], properties["timeframe"], 0, end, SEED).matrix()
    windows = parity.sample(candles, np.arange(rows - 1, bars), rows)
    with atomic.file(output) as temporary:
        onnx.export(serving, temporary, properties)
        return parity.check(serving, temporary, windows)


def _properties(graph: Path) -> dict[str, str]:
    """What a serving graph says about itself."""
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    return dict(session.get_modelmeta().custom_metadata_map)
