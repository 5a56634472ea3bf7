"""A registered model's serving graph written again from its Keras file, and compared with it.

The data of the comparison are simulated: whether two graphs compute the same is a question about
arithmetic, which any rows of the right form answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import keras
import numpy as np

from atb import atomic
from atb.clock import timeframe_ms
from atb.errors import IntegrityError
from atb.export import onnx, parity, sampling
from atb.export.calibrated import Isotonic
from atb.export.estimator import Estimator
from atb.export.graph import Guard
from atb.export.parity import Parity
from atb.features.layer import FeatureSet
from atb.market import sample
from atb.market.bonds import sample as bond_sample
from atb.market.bonds.build import build
from atb.market.history import Float32, History
from atb.market.lob import sample as book_sample
from atb.models.custom import OBJECTS
from atb.registry import keras_file
from atb.registry.integrity import verify

START_MS, ROWS = 1_672_531_200_000, 5_000  # 2023-01-01


def rewrite(model: Path, output: Path) -> Parity:
    """Export `model.keras` of a model's folder to an ONNX file with the same properties.

    Args:
        model: the folder; every checksum is verified first.
        output: the file to write.

    Raises:
        IntegrityError: when a file is not what the manifest says, or Keras and ONNX disagree.
        StorageError: when the file cannot be written.
    """
    verify(model)
    serving = load(model / "model.keras")
    known = parity.open_session(model / "model.onnx").get_modelmeta()
    properties = known.custom_metadata_map
    windows = _windows(properties, serving.input_shape[1])
    with atomic.file(output) as temporary:  # in place only once the two agree
        onnx.export(serving, temporary, properties)
        return parity.check(serving, temporary, windows)


def load(path: Path) -> keras.Model:
    """The serving model in a Keras file, whose checksum holds.

    Raises:
        IntegrityError: when it is no plain network, or Keras cannot load it.
    """
    keras_file.require_plain(path)
    own = (FeatureSet, Guard, Isotonic, Estimator)
    known = {**OBJECTS, **{layer.__name__: layer for layer in own}}
    try:
        return keras.saving.load_model(path, custom_objects=known, compile=False, safe_mode=True)
    except (AttributeError, LookupError, OSError, RuntimeError, TypeError, ValueError) as error:
        raise IntegrityError(
            f"Keras cannot load it ({error})".splitlines()[0],
            where=str(path),
            remedy="it may be from another version of atb; train the model again",
        ) from error


def _windows(properties: Mapping[str, str], rows: int) -> Float32:
    """Simulated windows `[n, rows, C]` float32 of the rows the model knows."""
    matrix = SIMULATED[properties["market"]](properties).matrix()
    return sampling.sample(matrix, np.arange(rows - 1, len(matrix)), rows)


def _candles(properties: Mapping[str, str]) -> History:
    timeframe = properties["timeframe"]
    end = START_MS + ROWS * timeframe_ms(timeframe)
    return sample.simulate(properties["symbol"], timeframe, START_MS, end, seed=0)


def _book(properties: Mapping[str, str]) -> History:
    levels = int(properties["levels"])
    return book_sample.simulate(properties["symbol"], ROWS, seed=0, levels=levels)


def _bonds(properties: Mapping[str, str]) -> History:
    return build(bond_sample.simulate(ROWS), properties["symbol"])


SIMULATED: Mapping[str, Callable[[Mapping[str, str]], History]] = {
    "candles": _candles,
    "book": _book,
    "bonds": _bonds,
}
