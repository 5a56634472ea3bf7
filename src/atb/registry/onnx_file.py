"""Whether an ONNX file is a plain graph, asked of its bytes before any library parses them.

A plain graph computes, and does nothing else: operators of a list, constants that lie within the
file and are as long as they say, no functions, no graphs within the graph, no more memory than a
window needs. What it computes is not asked here. Needs no ONNX library.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from atb.errors import IntegrityError
from atb.registry import onnx_learned, onnx_shapes, onnx_wire
from atb.registry.onnx_known import MAX_RANK
from atb.registry.onnx_rules import RULES
from atb.registry.onnx_wire import Message, WireError

MAX_BYTES = 100_000_000
MAX_NODES = 20_000
MAX_TEXT = 100_000
OPSETS = range(13, 27)

OPERATORS = frozenset({*RULES, "Constant"})
DOMAINS = {"": OPSETS, "ai.onnx": OPSETS, onnx_learned.DOMAIN: onnx_learned.OPSETS}
# Bytes of a number, by ONNX's number of its type.
SIZES = {1: 4, 2: 1, 3: 1, 4: 2, 5: 2, 6: 4, 7: 8, 9: 1, 10: 2, 11: 8, 12: 4, 13: 8, 16: 2}


def read(path: Path) -> bytes:
    """The content of an ONNX file that is a plain graph.

    Raises:
        IntegrityError: for anything else.
    """
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise _error(f"it has {size} bytes, more than {MAX_BYTES}", str(path))
    content = path.read_bytes()
    require_plain(content, str(path))
    return content


def require_plain(content: bytes, where: str) -> None:
    """Nothing, if these bytes of an ONNX file are a plain graph.

    Args:
        content: the whole file.
        where: what to call it.

    Raises:
        IntegrityError: for anything else, with what it is.
    """
    try:
        _require(len(content) <= MAX_BYTES, f"it has more than {MAX_BYTES} bytes")
        # Marked so, onnxruntime would read the same bytes as something else than protobuf.
        _require(content[4:8] != b"ORTM", "it is in a form of onnxruntime's own")
        model = onnx_wire.model(content)
        _require_domains(model)
        _require("graph" in model, "it has no graph")
        _require_graph(model["graph"])
        onnx_shapes.require_small(model["graph"])
    except WireError as error:
        raise _error(str(error), where) from error


def _require_domains(model: Message) -> None:
    for opset in model["opset_import"]:
        domain, version = _text(opset.get("domain", b"")), opset.get("version", 0)
        _require(domain in DOMAINS, f"it uses operators of {domain!r}")
        known = DOMAINS[domain]
        _require(version in known, f"it has opset {version}, not one of {list(known)}")
    for entry in model["metadata_props"]:
        for part in entry.values():
            _text(part)


def _require_graph(graph: Message) -> None:
    nodes = graph["node"]
    _require(len(nodes) <= MAX_NODES, f"it has {len(nodes)} nodes, more than {MAX_NODES}")
    for node in nodes:
        name, domain = _text(node.get("op_type", b"")), _text(node.get("domain", b""))
        _require(domain in DOMAINS, f"it has the operator {name!r} of {domain!r}")
        known = onnx_learned.RULES if domain == onnx_learned.DOMAIN else OPERATORS
        _require(name in known, f"it has the operator {name!r}, which no model needs")
    for tensor in _constants(graph):
        _require_whole(tensor)


def _constants(graph: Message) -> Iterator[Message]:
    yield from graph["initializer"]
    for node in graph["node"]:
        yield from (one["t"] for one in node["attribute"] if "t" in one)


def _require_whole(tensor: Message) -> None:
    """Its numbers lie in it, as many as its shape says."""
    name = _text(tensor.get("name", b""))
    kind, dims = tensor.get("data_type", 0), tensor["dims"]
    _require(kind in SIZES, f"the constant {name!r} has type {kind}, which no model needs")
    _require(tensor.get("data_location", 0) == 0, f"the constant {name!r} lies in another file")
    plain = len(dims) <= MAX_RANK and all(isinstance(dim, int) for dim in dims)
    _require(plain, f"the constant {name!r} has {len(dims)} dimensions, or packed ones")
    numbers, said = _numbers(tensor, SIZES[kind]), math.prod(dims)
    _require(numbers == said, f"the constant {name!r} is to have {said} numbers, has {numbers}")


def _numbers(tensor: Message, size: int) -> float:
    """How many numbers a tensor holds, however they are written."""
    held = [len(tensor["raw_data"]) / size] if "raw_data" in tensor else []
    for field, width in (("float_data", 4), ("double_data", 8)):
        held += [sum(len(part) for part in tensor[field]) / width] if tensor[field] else []
    for field in ("int32_data", "int64_data"):
        held += [sum(map(_integers, tensor[field]))] if tensor[field] else []
    _require(len(held) <= 1, "a constant holds its numbers twice")
    return held[0] if held else 0


def _integers(part: int | memoryview) -> int:
    """How many whole numbers: one, or those that are packed; each ends with a byte below 128."""
    return 1 if isinstance(part, int) else int((np.frombuffer(part, np.uint8) < 0x80).sum())


def _text(content: bytes | memoryview) -> str:
    _require(len(content) <= MAX_TEXT, f"it has a text of {len(content)} bytes")
    try:
        return bytes(content).decode()
    except UnicodeDecodeError as error:
        raise WireError(f"it has a text that is no UTF-8 ({error.reason})") from error


def _require(holds: bool, words: str) -> None:
    if not holds:
        raise WireError(words)


def _error(what: str, where: str) -> IntegrityError:
    return IntegrityError(
        f"it is no plain graph: {what}",
        where=where,
        remedy="do not use this model; train it again or restore it from a backup",
    )
