"""A verified serving graph opened in onnxruntime, and what it says about its input."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import onnxruntime

from atb.errors import IntegrityError
from atb.market.candles import COLUMNS
from atb.registry.integrity import verify

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]

GRAPH = "model.onnx"


@dataclass(frozen=True)
class Session:
    """One serving graph, ready to run on one thread.

    Attributes:
        symbol: the market it was trained on.
        timeframe: length of its bars.
        rows: candles one window needs, lookback included.
        max_gap: missing bars a window may contain.
        unit: `return` (log return) or `probability` (of a rise).
    """

    symbol: str
    timeframe: str
    rows: int
    max_gap: int
    unit: Literal["return", "probability"]
    _session: onnxruntime.InferenceSession

    @classmethod
    def open(cls, model: Path) -> Session:
        """Verify a model's folder, then open its graph.

        Raises:
            IntegrityError: when a file is not what the manifest says, or the graph says nothing
                about its input.
        """
        verify(model)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        session = onnxruntime.InferenceSession(
            model / GRAPH, options, providers=["CPUExecutionProvider"]
        )
        says = session.get_modelmeta().custom_metadata_map
        columns = says.get("columns", "")
        if columns != ",".join(COLUMNS):
            raise IntegrityError(
                f"the graph takes the columns {columns!r}, candles have {','.join(COLUMNS)!r}",
                where=str(model / GRAPH),
                remedy="train the model again with this version of atb",
            )
        return cls(
            says["symbol"],
            says["timeframe"],
            int(says["window"]) + int(says["lookback"]),
            int(says["max_gap"]),
            session.get_outputs()[0].name,
            session,
        )

    def run(self, windows: Float32) -> Float64:
        """`[B, rows, 5]` float32 candles to `[B]` float64 in `unit`."""
        (output,) = self._session.run(None, {"candles": windows})
        return np.asarray(output, np.float64)[:, 0]
