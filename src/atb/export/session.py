"""A graph opened to be compared, on one thread.

Knows bytes; whether they are plain is asked before.
"""

from __future__ import annotations

import onnxruntime


def opened(content: bytes) -> onnxruntime.InferenceSession:
    """A plain graph in onnxruntime.

    Args:
        content: of its file.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
