"""The version of ONNX's operators that serving graphs are written in, and say they are."""

from __future__ import annotations

OPSET = 18  # the newest that tf2onnx 1.17 writes
