"""Malicious ONNX files by what is wrong with them, made from a harmless one."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np
from onnx import GraphProto, ModelProto, TensorProto, helper, numpy_helper

OPSETS = [helper.make_opsetid("", 18)]


class Touch:
    """Unpickled, it would leave a file behind."""

    def __init__(self, marker: str) -> None:
        self.marker = marker

    def __reduce__(self) -> Any:
        return (open, (self.marker, "w"))


def constant(name: str, values: Any, kind: Any = np.int64) -> TensorProto:
    return numpy_helper.from_array(np.asarray(values, kind), name)


def graph(nodes: list[Any], constants: Any = ()) -> GraphProto:
    given = helper.make_tensor_value_info("candles", TensorProto.FLOAT, ["batch", 4, 5])
    made = helper.make_tensor_value_info("return", TensorProto.FLOAT, ["batch", 1])
    return helper.make_graph(nodes, "test", [given], [made], list(constants))


def model(nodes: list[Any], constants: Any = (), **options: Any) -> ModelProto:
    options = {"opset_imports": OPSETS, "ir_version": 9, **options}
    return helper.make_model(graph(nodes, constants), **options)


def node(operator: str, inputs: str, output: str = "return", **attributes: Any) -> Any:
    return helper.make_node(operator, inputs.split(), [output], **attributes)


def harmless() -> ModelProto:
    mean = node("ReduceMean", "candles axes", "return", keepdims=0)
    return model([mean], [constant("axes", [1, 2])])


def external(location: str) -> bytes:
    made = harmless()
    tensor = made.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=location)
    return bytes(made.SerializeToString())


def elsewhere() -> bytes:
    made = harmless()
    made.graph.initializer[0].data_location = TensorProto.EXTERNAL
    return bytes(made.SerializeToString())


def functions() -> bytes:
    """A chain of a thousand, each calling the next twice: 2^1000 operators."""
    opsets = [*OPSETS, helper.make_opsetid("chain", 1)]
    chain = [
        helper.make_function(
            "chain", f"f{n}", ["x"], ["y"],
            [
                helper.make_node(f"f{n + 1}", ["x"], ["z"], domain="chain"),
                helper.make_node(f"f{n + 1}", ["z"], ["y"], domain="chain"),
            ],
            opsets,
        )
        for n in range(1000)
    ]  # fmt: skip
    call = helper.make_node("f0", ["candles"], ["return"], domain="chain")
    return bytes(model([call], functions=chain).SerializeToString())


def nested(depth: int = 2000) -> bytes:
    """Graphs in attributes of graphs in attributes, written by hand: no library makes so many."""
    inner = b""
    for _ in range(depth):
        attribute = field(6, inner)
        inner = field(1, field(4, b"If") + field(5, attribute))
    return field(8, field(1, b"") + b"\x10\x12") + field(7, inner)


def field(number: int, content: bytes) -> bytes:
    """A length-delimited field."""
    return varint(number << 3 | 2) + varint(len(content)) + content


def varint(value: int) -> bytes:
    more = b""
    while value >= 0x80:
        more += bytes([value & 0x7F | 0x80])
        value >>= 7
    return more + bytes([value])


def control(operator: str) -> bytes:
    body = helper.make_graph([node("Identity", "candles", "x")], "body", [], [])
    return bytes(model([node(operator, "candles", body=body)]).SerializeToString())


def bomb(*nodes: Any, **constants: Any) -> bytes:
    """Small operators and constants; the last result is averaged to what is served."""
    whole = [constant(name, values, type(values[0])) for name, values in constants.items()]
    return bytes(model(list(nodes), whole).SerializeToString())


def laughs() -> bytes:
    """Doubled forty times."""
    names = ["candles", *(f"x{n}" for n in range(40))]
    doubled = [node("Concat", f"{one} {one}", two, axis=1) for one, two in pairwise(names)]
    return bomb(*doubled)


def widened() -> bytes:
    """Elementwise, but every side is another input's: 30^8 numbers."""
    names, nodes, constants = [], [], {}
    for axis in range(8):
        names.append(f"x{axis}")
        constants[f"s{axis}"] = [30 if axis == other else 1 for other in range(8)]
        nodes.append(node("Expand", f"one s{axis}", names[-1]))
    return bomb(*nodes, node("Sum", " ".join(names)), one=[1.0], **constants)


def said_large() -> bytes:
    made = harmless()
    made.graph.initializer[0].dims[:] = [10**6, 10**6]
    return bytes(made.SerializeToString())


def two_forms() -> bytes:
    """Protobuf to whom it is protobuf; by bytes 4 to 8 a file of onnxruntime's own form."""
    rest = harmless()
    rest.ClearField("ir_version")
    return b"\x08\x09\x12\x04ORTM" + bytes(rest.SerializeToString())


def wrapped(kind: type[np.integer[Any]]) -> bytes:
    """A row made longer by the least number less one, which is the largest."""
    least = np.iinfo(kind).min
    return padded([node("Sub", "least one", "less")], least=[kind(least)], one=[kind(1)])


def cast() -> bytes:
    """The same by -1 as a number without a sign."""
    return padded([node("Cast", "one", "less", to=TensorProto.UINT32)], one=[-1])


def padded(nodes: list[Any], **constants: Any) -> bytes:
    """A row made longer by `less`."""
    more = [
        node("Cast", "less", "whole", to=TensorProto.INT64),
        node("Concat", "none whole", "sides", axis=0),
        node("Pad", "candles sides"),
    ]
    return bomb(*nodes, *more, none=[0] * 5, **constants)


def by_windows() -> bytes:
    """The number of windows to the fifth."""
    count = node("Shape", "candles", "count", start=0, end=1)
    sides = node("Concat", "count " * 5, "sides", axis=0)
    return bomb(count, sides, node("Expand", "one sides"), one=[1.0])


def worked(operator: str, left: list[int], right: list[int]) -> bytes:
    """Few numbers, many products."""
    expanded = [node("Expand", "one left", "a"), node("Expand", "one right", "b")]
    return bomb(*expanded, node(operator, "a b"), one=[1.0], left=left, right=right)


def unrolled(attribute: bytes, sides: int = 0) -> bytes:
    """An operator with such an attribute, whose input has so many sides, written by hand."""
    side = field(1, b"\x08" + varint(2**63 - 1))
    given = field(1, b"candles") + field(2, field(1, field(2, side * sides)))
    names = field(1, b"candles") + field(2, b"return") + field(4, b"Squeeze")
    graph_ = field(1, names + field(5, attribute)) + field(11, given)
    return field(8, field(1, b"") + b"\x10\x12") + field(7, graph_)


def texts() -> bytes:
    text = helper.make_tensor("text", TensorProto.STRING, [1], [b"x"])
    return bytes(model([node("Identity", "text")], [text]).SerializeToString())


def trees(**changed: Any) -> bytes:
    """One split and its two leaves over what is flattened of a window."""
    told = {
        "n_targets": 1,
        "nodes_treeids": [0, 0, 0],
        "nodes_nodeids": [0, 1, 2],
        "nodes_modes": ["BRANCH_LEQ", "LEAF", "LEAF"],
        "nodes_featureids": [19, 0, 0],
        "nodes_values": [0.5, 0.0, 0.0],
        "nodes_truenodeids": [1, 0, 0],
        "nodes_falsenodeids": [2, 0, 0],
        "target_treeids": [0, 0],
        "target_nodeids": [1, 2],
        "target_ids": [0, 0],
        "target_weights": [1.0, 2.0],
    }
    learned = node("TreeEnsembleRegressor", "flat", domain="ai.onnx.ml", **{**told, **changed})
    opsets = [*OPSETS, helper.make_opsetid("ai.onnx.ml", 3)]
    nodes = [node("Flatten", "candles", "flat"), learned]
    return bytes(model(nodes, opset_imports=opsets).SerializeToString())


def with_field(number: int, content: bytes) -> bytes:
    return bytes(harmless().SerializeToString()) + field(number, content)


def corpus(marker: str) -> Mapping[str, tuple[bytes, str]]:
    """By name: the file, and a part of what is said of it."""
    shell, identity = pickle.dumps(Touch(marker)), node("Identity", "candles")
    files: dict[str, tuple[bytes, str]] = {
        "external-relative": (external("../../../../etc/passwd"), "in another file"),
        "external-absolute": (external("/etc/passwd"), "in another file"),
        "external-said": (elsewhere(), "in another file"),
        "foreign-domain": (
            bytes(
                model([helper.make_node("Run", [], ["return"], domain="evil")]).SerializeToString()
            ),
            "of 'evil'",
        ),
        "foreign-opset": (
            bytes(
                model(
                    [identity], opset_imports=[helper.make_opsetid("evil", 1)]
                ).SerializeToString()
            ),
            "operators of 'evil'",
        ),
        "unknown-operator": (
            bomb(node("RandomNormal", "", shape=[10**6, 10**6])),
            "'RandomNormal'",
        ),
        "loop": (control("Loop"), "a graph within the graph"),
        "if": (control("If"), "a graph within the graph"),
        "function-chain": (functions(), "functions of its own"),
        "nested-graphs": (nested(), "a graph within the graph"),
        "initialiser-bomb": (said_large(), "1000000000000 numbers"),
        "fill-bomb": (bomb(node("ConstantOfShape", "s"), s=[10**5, 10**5]), "more than"),
        "expand-bomb": (bomb(node("Expand", "one s"), one=[1.0], s=[10**5, 10**5]), "more than"),
        "pad-bomb": (bomb(node("Pad", "candles p"), p=[0, 0, 0, 0, 10**6, 10**6]), "more than"),
        "concat-bomb": (laughs(), "more than"),
        "broadcast-bomb": (widened(), "more than"),
        "two-forms": (two_forms(), "form of onnxruntime's own"),
        "cast-bomb": (cast(), "beyond 32 bits"),
        "wrap-bomb": (wrapped(np.int32), "beyond 32 bits"),
        "windows-bomb": (by_windows(), "one of 128, would take more than"),
        "matmul-work": (worked("MatMul", [2000, 2000], [2000, 2000]), "multiplications"),
        "conv-work": (worked("Conv", [1, 1, 10**6], [1, 1, 10**5]), "multiplications"),
        "many-axes": (
            unrolled(field(1, b"axes") + field(8, bytes(50_000_000))),
            "more than 64 numbers",
        ),
        "many-sides": (unrolled(b"", 50_000), "50000 sides"),
        "hidden-bomb": (
            bomb(node("NonZero", "candles", "n"), node("Expand", "one n"), one=[1.0]),
            "NonZero",
        ),
        "size-from-data": (
            bomb(node("Cast", "candles", "n", to=7), node("ConstantOfShape", "n")),
            "depends on what is in the window",
        ),
        "many-fields": (field(7, b"\x0a\x00" * 1_000_000), "more than 250000 fields"),
        "many-nodes": (model([identity] * 20_001).SerializeToString(), "20001 nodes"),
        "tree-in-a-circle": (trees(nodes_truenodeids=[0, 0, 0]), "are no trees"),
        "tree-of-elsewhere": (trees(nodes_falsenodeids=[7, 0, 0]), "that it has not"),
        "tree-reads-beyond": (trees(nodes_featureids=[20, 0, 0]), "features beyond 20"),
        "tree-writes-beyond": (trees(target_ids=[0, 1]), "answers beyond 1"),
        "tree-half-told": (trees(target_weights=[1.0]), "leaves are not told whole"),
        "tree-of-many": (trees(n_targets=10**9), "n_targets is 1000000000"),
        "pickle-field": (with_field(99, shell), "unknown field 99"),
        "pickle-alone": (shell, "unknown field"),
        "training-steps": (with_field(20, b""), "steps of a training"),
        "sparse": (field(7, field(15, b"")), "sparse constants"),
        "texts": (texts(), "a constant of texts"),
        "endless-length": (field(7, b"\x0a" + varint(2**62)), "it breaks off"),
        "group": (b"\x0b" * 10_000, "wire type 3"),
        "endless-number": (b"\x08" + b"\xff" * 1000, "within a number"),
        "read-before-made": (bomb(node("Abs", "later")), "reads 'later' before it is made"),
        "two-graphs": (with_field(7, b""), "two graphs"),
        "nothing": (b"", "it has no graph"),
        "too-large": (b"\x00" * 100_000_001, "100000001 bytes"),
    }
    return files
