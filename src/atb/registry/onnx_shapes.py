"""How much memory a graph takes for one window, told before anything runs.

Every tensor's shape is followed through the graph by the rules of `onnx_rules`, so that a file of a
few bytes cannot ask for more memory than a machine has. Nothing is computed but shapes.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from atb.registry.onnx_rules import FEW, RULES, Known, Node
from atb.registry.onnx_wire import Message, WireError, varint

MAX_NUMBERS = 100_000_000  # of all tensors of one window together
WHOLE = {3: "<i1", 6: "<i4", 7: "<i8", 9: "?"}  # whole-number types, by ONNX's number of them


def require_small(graph: Message) -> None:
    """Nothing, if all tensors of one window have at most `MAX_NUMBERS` numbers.

    Raises:
        WireError: when they have more, or when that cannot be told.
    """
    known: dict[bytes, Known] = {b"": Known(())}
    for tensor in graph["initializer"]:
        known[bytes(tensor.get("name", b""))] = of_tensor(tensor)
    for value in graph["input"]:
        known.setdefault(bytes(value.get("name", b"")), of_input(value))
    left = MAX_NUMBERS
    for node in graph["node"]:
        for name, result in made(node, known):
            left -= math.prod(result.shape)
            if left < 0:
                raise WireError(f"a window would take more than {MAX_NUMBERS} numbers")
            if name and name in known:
                raise WireError(f"two results are named {_said(name)!r}")
            known[name] = result


def of_tensor(tensor: Message) -> Known:
    """What is known of a constant."""
    shape = tuple(tensor["dims"])
    kind = WHOLE.get(tensor.get("data_type", 0))
    if kind is None or math.prod(shape) > FEW:
        return Known(shape)
    if "raw_data" in tensor:
        return Known(shape, np.frombuffer(tensor["raw_data"], kind).astype(np.int64).reshape(shape))
    numbers = [*tensor["int32_data"], *tensor["int64_data"]]
    return Known(shape, np.array(list(whole_numbers(numbers)), np.int64).reshape(shape))


def whole_numbers(found: list[int | memoryview]) -> Iterator[int]:
    """Signed numbers of a field, whether packed or not."""
    for one in found:
        if isinstance(one, int):
            yield one - (1 << 64) if one >> 63 else one
            continue
        at = 0
        while at < len(one):
            number, at = varint(one, at)
            yield number - (1 << 64) if number >> 63 else number


def of_input(value: Message) -> Known:
    """One window of what a graph takes: sides that are free are 1."""
    shape = value.get("type", {}).get("tensor_type", {}).get("shape")
    if shape is None:
        raise WireError("it takes an input without a shape")
    return Known(tuple(side.get("dim_value", 1) for side in shape["dim"]))


def made(node: Message, known: Mapping[bytes, Known]) -> Iterator[tuple[bytes, Known]]:
    """Name and shape of each result of an operator."""
    operator, outputs = _said(node.get("op_type", b"")), [bytes(one) for one in node["output"]]
    unmade = [one for one in node["input"] if bytes(one) not in known]
    if unmade:
        raise WireError(f"its {operator} reads {_said(unmade[0])!r} before it is made")
    inputs = [known[bytes(one)] if len(one) else None for one in node["input"]]
    attributes = {_said(one.get("name", b"")): _attribute(one) for one in node["attribute"]}
    try:
        if operator == "Constant":
            results = [attributes["value"]]
        else:
            results = list(RULES[operator](Node(operator, inputs, attributes, len(outputs))))
        yield from zip(outputs, results, strict=True)
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        raise WireError(f"what its {operator} makes cannot be told ({error})") from error


def _attribute(attribute: Message) -> Any:
    """A whole number, a list of them, a word, a constant, or that there is something else."""
    if "t" in attribute:
        return of_tensor(attribute["t"])
    if "s" in attribute:
        return _said(attribute["s"])
    if attribute["ints"]:
        return list(whole_numbers(attribute["ints"]))
    return next(whole_numbers([attribute["i"]])) if "i" in attribute else None


def _said(name: bytes | memoryview) -> str:
    return bytes(name[:100]).decode(errors="replace")
