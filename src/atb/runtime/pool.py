"""Graphs opened in onnxruntime once for all who use them at the same time.

Knows bytes, not what they answer.
"""

from __future__ import annotations

import hashlib
from threading import Lock
from weakref import WeakValueDictionary

import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as state

from atb.errors import IntegrityError
from atb.registry.onnx_file import require_plain

# onnxruntime's errors share no base class; reading or running a graph can end in these.
REFUSALS = (
    state.Fail,
    state.InvalidArgument,
    state.InvalidGraph,
    state.InvalidProtobuf,
    state.NotImplemented,
    state.RuntimeException,
)

_LOCK = Lock()
_OPEN: WeakValueDictionary[str, onnxruntime.InferenceSession] = WeakValueDictionary()


def shared(content: bytes, where: str) -> onnxruntime.InferenceSession:
    """The session of a graph, on one thread: the one that is open already, or a new one.

    Any number of threads may run it at once. It is closed when nobody holds it any more.

    Args:
        content: of the graph's file.
        where: its place, for messages.

    Raises:
        IntegrityError: when it is no plain graph, or onnxruntime cannot read it.
    """
    digest = hashlib.sha256(content).hexdigest()
    with _LOCK:
        session = _OPEN.get(digest)
        if session is None:
            session = _OPEN[digest] = _opened(content, where)
        return session


def _opened(content: bytes, where: str) -> onnxruntime.InferenceSession:
    require_plain(content, where)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4  # what it refuses is raised, and said once
    try:
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except REFUSALS as error:
        reason = str(error).splitlines()[0]
        version = onnxruntime.__version__
        raise IntegrityError(
            f"onnxruntime {version} cannot read the graph: {reason}",
            where=where,
            remedy="train the model again",
        ) from error
