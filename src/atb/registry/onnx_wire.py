"""The bytes of an ONNX file as plain fields: a protobuf reader for the little that a graph needs.

It knows the messages that a graph without control flow is made of, and no others: what is not in
its table is refused unread, so its depth is the table's. Numbers in bulk are counted, not copied.
What the fields mean is for `onnx_file`. Format: protobuf.dev/programming-guides/encoding, field
numbers: onnx.proto3 of ONNX 1.23.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

MAX_FIELDS = 250_000  # ten times those of the largest network that comes with `atb`

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
Message: TypeAlias = Mapping[str, Any]
# By what it begins with, how an attribute writes its many numbers one by one: the tag before each.
RUNS: Mapping[int, re.Pattern[bytes]] = {
    0x3D: re.compile(rb"(?:\x3d.{4})++", re.DOTALL),
    0x40: re.compile(rb"(?:\x40[\x80-\xff]{0,9}[\x00-\x7f])++"),
}


class WireError(Exception):
    """Bytes that are no ONNX graph, or one with parts that a plain graph has not."""


@dataclass(frozen=True)
class Field:
    """What a field is called, how it is written, and whether it may come many times.

    Attributes:
        name: as onnx.proto calls it.
        wire: protobuf's wire type.
        message: the message it holds, if it holds one.
        many: whether it is a list.
    """

    name: str
    wire: int
    message: str = ""
    many: bool = False


def _text(name: str, many: bool = False) -> Field:
    return Field(name, BYTES, many=many)


def _number(name: str, wire: int = VARINT, many: bool = False) -> Field:
    return Field(name, wire, many=many)


def _part(name: str, message: str, many: bool = False) -> Field:
    return Field(name, BYTES, message, many)


SCHEMA: Mapping[str, Mapping[int, Field]] = {
    "model": {
        1: _number("ir_version"),
        2: _text("producer_name"),
        3: _text("producer_version"),
        4: _text("domain"),
        5: _number("model_version"),
        6: _text("doc_string"),
        7: _part("graph", "graph"),
        8: _part("opset_import", "opset", many=True),
        14: _part("metadata_props", "property", many=True),
    },
    "opset": {1: _text("domain"), 2: _number("version")},
    "property": {1: _text("key"), 2: _text("value")},
    "graph": {
        1: _part("node", "node", many=True),
        2: _text("name"),
        5: _part("initializer", "tensor", many=True),
        10: _text("doc_string"),
        11: _part("input", "value", many=True),
        12: _part("output", "value", many=True),
        13: _part("value_info", "value", many=True),
    },
    "node": {
        1: _text("input", many=True),
        2: _text("output", many=True),
        3: _text("name"),
        4: _text("op_type"),
        5: _part("attribute", "attribute", many=True),
        6: _text("doc_string"),
        7: _text("domain"),
    },
    "attribute": {
        1: _text("name"),
        2: _number("f", FIXED32),
        3: _number("i"),
        4: _text("s"),
        5: _part("t", "tensor"),
        7: _number("floats", FIXED32, many=True),
        8: _number("ints", many=True),
        9: _text("strings", many=True),
        13: _text("doc_string"),
        20: _number("type"),
    },
    "tensor": {
        1: _number("dims", many=True),
        2: _number("data_type"),
        4: _number("float_data", FIXED32, many=True),
        5: _number("int32_data", many=True),
        7: _number("int64_data", many=True),
        8: _text("name"),
        9: _text("raw_data"),
        10: _number("double_data", FIXED64, many=True),
        12: _text("doc_string"),
        14: _number("data_location"),
    },
    "value": {1: _text("name"), 2: _part("type", "type"), 3: _text("doc_string")},
    "type": {1: _part("tensor_type", "tensor_type"), 6: _text("denotation")},
    "tensor_type": {1: _number("elem_type"), 2: _part("shape", "shape")},
    "shape": {1: _part("dim", "dim", many=True)},
    "dim": {1: _number("dim_value"), 2: _text("dim_param"), 3: _text("denotation")},
}
# What else ONNX has, by what it would mean to a person.
STRANGE: Mapping[tuple[str, int], str] = {
    ("model", 20): "steps of a training",
    ("model", 25): "functions of its own",
    ("graph", 15): "sparse constants",
    ("attribute", 6): "a graph within the graph",
    ("attribute", 11): "graphs within the graph",
    ("attribute", 21): "an attribute of a function",
    ("attribute", 22): "a sparse constant",
    ("attribute", 23): "sparse constants",
    ("tensor", 3): "a constant in segments",
    ("tensor", 6): "a constant of texts",
    ("tensor", 13): "numbers that lie in another file",
    ("type", 4): "a value that is a sequence",
    ("type", 5): "a value that is a map",
    ("type", 8): "a value that is a sparse tensor",
    ("type", 9): "a value that is optional",
}


def model(content: bytes) -> Message:
    """The fields of a whole file by name; lists where a field may come many times.

    Texts are memoryviews; packed numbers are one memoryview among the numbers of their list.

    Raises:
        WireError: for anything that a plain graph has not.
    """
    return _Reader().message("model", memoryview(content))


class _Reader:
    """One pass over a file that never reads more fields than `MAX_FIELDS`."""

    def __init__(self) -> None:
        self._left = MAX_FIELDS

    def message(self, name: str, content: memoryview) -> Message:
        """The fields of one message."""
        known = SCHEMA[name]
        found: dict[str, Any] = {field.name: [] for field in known.values() if field.many}
        for number, wire, value in self._fields(content, RUNS if name == "attribute" else {}):
            field = known.get(number)
            if field is None:
                strange = STRANGE.get((name, number), f"the unknown field {number} in a {name}")
                raise WireError(f"it has {strange}")
            _require(
                wire in (field.wire, BYTES) if field.many else wire == field.wire,
                f"the {field.name} of a {name} has wire type {wire}",
            )
            part = self.message(field.message, value) if field.message else value
            if field.many:
                found[field.name].append(part)
            else:
                _require(field.name not in found, f"a {name} has two {field.name}s")
                found[field.name] = part
        return found

    def _fields(
        self, content: memoryview, runs: Mapping[int, re.Pattern[bytes]]
    ) -> Iterator[tuple[int, int, Any]]:
        """Number, wire type and value of each field, in order; of a run, as if it were packed."""
        at, end = 0, len(content)
        while at < end:
            self._left -= 1
            _require(self._left >= 0, f"it has more than {MAX_FIELDS} fields")
            run = runs[content[at]].match(content, at) if content[at] in runs else None
            if run is not None:
                yield content[at] >> 3, BYTES, _packed(content[at : run.end()])
                at = run.end()
                continue
            key, at = varint(content, at)
            wire = key & 7
            if wire == VARINT:
                value, at = varint(content, at)
                yield key >> 3, wire, value
                continue
            _require(wire in (FIXED64, BYTES, FIXED32), f"byte {at} has wire type {wire}")
            size = {FIXED64: 8, FIXED32: 4}.get(wire)
            if size is None:
                size, at = varint(content, at)
            _require(size <= end - at, f"it breaks off: {size} bytes are said, {end - at} left")
            yield key >> 3, wire, content[at : at + size]
            at += size


def _packed(run: memoryview) -> memoryview:
    """The numbers of a run without the tags before them."""
    held = np.frombuffer(run, np.uint8)
    if held[0] & 7 == FIXED32:
        return memoryview(held.reshape(-1, 5)[:, 1:].tobytes())
    ends = np.flatnonzero(held < 0x80)  # of each tag, and of each number
    return memoryview(np.delete(held, ends[::2]).tobytes())


def whole(packed: Sequence[memoryview | int]) -> npt.NDArray[np.int64]:
    """Whole numbers, none negative, of a list of packed ones.

    Raises:
        WireError: when one is negative, or beyond 32 bits.
    """
    if any(isinstance(part, int) for part in packed):
        raise WireError("a list of numbers is neither packed nor a run")
    held = np.frombuffer(b"".join(packed), np.uint8)  # type: ignore[arg-type]
    ends = np.flatnonzero(held < 0x80)
    if not len(ends) or ends[-1] != len(held) - 1:
        raise WireError("a list of numbers is empty, or breaks off")
    starts = np.concatenate([[0], ends[:-1] + 1])
    lengths = ends - starts + 1
    if lengths.max() > 5:
        raise WireError("a number of a list is negative or beyond 32 bits")
    shifts = 7 * (np.arange(len(held)) - np.repeat(starts, lengths))
    return np.add.reduceat((held & 0x7F).astype(np.int64) << shifts, starts)


def varint(content: memoryview, at: int) -> tuple[int, int]:
    """The number of 64 bits that begins at a byte, and the byte after it."""
    value, shift = 0, 0
    while at < len(content) and shift < 64:
        byte = content[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            _require(value < 1 << 64, "a number has more than 64 bits")
            return value, at
    raise WireError("it breaks off within a number")


def _require(holds: bool, words: str) -> None:
    if not holds:
        raise WireError(words)
