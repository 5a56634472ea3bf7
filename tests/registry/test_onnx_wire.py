"""Protobuf read by hand: the bytes of its definition, and what a library writes."""

from __future__ import annotations

from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given
from onnx import TensorProto, helper

from atb.registry import onnx_wire
from atb.registry.onnx_shapes import whole_numbers
from atb.registry.onnx_wire import WireError, varint


def test_the_number_of_the_format_s_own_description() -> None:
    assert varint(memoryview(b"\x96\x01"), 0) == (150, 2)
    assert varint(memoryview(b"\xff" * 9 + b"\x01"), 0) == (2**64 - 1, 10)


@pytest.mark.parametrize("content", [b"", b"\x80", b"\xff" * 9 + b"\x02", b"\x80" * 11])
def test_what_is_no_number(content: bytes) -> None:
    with pytest.raises(WireError, match="number"):
        varint(memoryview(content), 0)


def test_a_message_by_hand() -> None:
    content = b"\x08\x09" + b"\x42\x04\x0a\x00\x10\x12" + b"\x3a\x06\x0a\x04\x22\x02Up"
    found = onnx_wire.model(content)
    assert found["ir_version"] == 9
    assert found["opset_import"] == [{"domain": b"", "version": 18}]
    (node,) = found["graph"]["node"]
    assert bytes(node["op_type"]) == b"Up" and node["input"] == []


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\x0b", "wire type 3"),
        (b"\x0a\x01x", "ir_version of a model has wire type 2"),
        (b"\x08\x01\x08\x01", "two ir_versions"),
        (b"\x3a\x05\x0a", "5 bytes are said, 1 left"),
        (b"\xca\x01\x00", "functions of its own"),
        (b"\xa2\x06\x00", "the unknown field 100 in a model"),
    ],
)
def test_what_a_plain_graph_has_not(content: bytes, words: str) -> None:
    with pytest.raises(WireError, match=words):
        onnx_wire.model(content)


@given(st.lists(st.integers(-(2**63), 2**63 - 1)), st.lists(st.integers(-(2**63), 2**63 - 1)))
def test_whole_numbers_are_those_a_library_wrote(packed: Any, loose: Any) -> None:
    node = helper.make_node("Op", [], [])
    node.attribute.add(name="a", ints=loose)
    node.attribute.add(name="t", t=TensorProto(dims=[len(packed)], int64_data=packed))
    written = helper.make_model(helper.make_graph([node], "g", [], []))
    (read,) = onnx_wire.model(written.SerializeToString())["graph"]["node"]
    first, second = read["attribute"]
    assert list(whole_numbers(first["ints"])) == loose
    assert list(whole_numbers(second["t"]["int64_data"])) == packed


@given(st.binary(max_size=60))
def test_any_bytes_end_in_fields_or_in_its_error(content: bytes) -> None:
    try:
        assert isinstance(onnx_wire.model(content), dict)
    except WireError as error:
        assert str(error)
