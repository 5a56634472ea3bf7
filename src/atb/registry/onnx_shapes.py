"""How much memory and work a graph takes, told before anything runs.

Every tensor's shape is followed through the graph by the rules of `onnx_rules`, so that a file of a
few bytes cannot ask for more memory or time than a machine has. Nothing is computed but shapes. How
they grow with the number of windows cannot be told from one, so they are followed for each number
of windows that a graph is ever asked at once.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from atb.registry import onnx_learned
from atb.registry.onnx_known import FEW, MAX_RANK, WHOLE, Known, Node, Shape
from atb.registry.onnx_rules import RULES
from atb.registry.onnx_wire import Message, WireError, varint

BATCH = 128  # windows that a graph is asked at once, when not only one
MAX_NUMBER = 2**31  # in an attribute: sides, steps and axes
MAX_NUMBERS = 20_000_000  # of all tensors together, for each window
MAX_PRODUCTS = 2_000_000_000  # for each window


def require_small(graph: Message) -> None:
    """Nothing, if a window takes at most `MAX_NUMBERS` numbers and `MAX_PRODUCTS` multiplications.

    Raises:
        WireError: when it takes more, alone or among `BATCH`, or when that cannot be told.
    """
    for windows in (1, BATCH):
        _require_small(graph, windows)


def _require_small(graph: Message, windows: int) -> None:
    known: dict[bytes, Known] = {b"": Known(())}
    for tensor in graph["initializer"]:
        known[bytes(tensor.get("name", b""))] = of_tensor(tensor)
    for value in graph["input"]:
        known.setdefault(bytes(value.get("name", b"")), of_input(value, windows))
    numbers, products = MAX_NUMBERS * windows, MAX_PRODUCTS * windows
    for node in graph["node"]:
        for name, result in made(node, known):
            _require_few_sides(result.shape)
            numbers -= math.prod(result.shape)
            products -= result.products
            if min(numbers, products) < 0:
                limits = f"{MAX_NUMBERS} numbers or {MAX_PRODUCTS} multiplications"
                raise WireError(f"a window, one of {windows}, would take more than {limits}")
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
        return Known(shape, np.frombuffer(tensor["raw_data"], kind).reshape(shape))
    numbers = list(whole_numbers([*tensor["int32_data"], *tensor["int64_data"]]))
    return Known(shape, np.array(numbers, np.int64).astype(kind).reshape(shape))


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


def of_input(value: Message, windows: int = 1) -> Known:
    """So many windows of what a graph takes: sides that are free are as long."""
    shape = value.get("type", {}).get("tensor_type", {}).get("shape")
    if shape is None:
        raise WireError("it takes an input without a shape")
    sides = tuple(side.get("dim_value", windows) for side in shape["dim"])
    _require_few_sides(sides)
    return Known(sides)


def made(node: Message, known: Mapping[bytes, Known]) -> Iterator[tuple[bytes, Known]]:
    """Name and shape of each result of an operator."""
    operator, outputs = _said(node.get("op_type", b"")), [bytes(one) for one in node["output"]]
    unmade = [one for one in node["input"] if bytes(one) not in known]
    if unmade:
        raise WireError(f"its {operator} reads {_said(unmade[0])!r} before it is made")
    inputs = [known[bytes(one)] if len(one) else None for one in node["input"]]
    said = {_said(one.get("name", b"")): one for one in node["attribute"]}
    if len(said) != len(node["attribute"]):
        raise WireError(f"its {operator} says something twice")
    try:
        if bytes(node.get("domain", b"")) == onnx_learned.DOMAIN.encode():
            results = [onnx_learned.made(operator, said, Node(operator, inputs, {}, 1)[0])]
        else:
            results = _standard(operator, said, inputs, len(outputs))
        yield from zip(outputs, results, strict=True)
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        raise WireError(f"what its {operator} makes cannot be told ({error})") from error


def _standard(
    operator: str, said: Mapping[str, Message], inputs: list[Known | None], outputs: int
) -> list[Known]:
    attributes = {name: _attribute(one) for name, one in said.items()}
    if operator == "Constant":
        return [attributes["value"]]
    return list(RULES[operator](Node(operator, inputs, attributes, outputs)))


def _attribute(attribute: Message) -> Any:
    """A whole number, a list of them, a word, a constant, or that there is something else."""
    if "t" in attribute:
        return of_tensor(attribute["t"])
    if "s" in attribute:
        return _said(attribute["s"])
    if attribute["ints"]:
        held = sum(1 if isinstance(one, int) else len(one) for one in attribute["ints"])
        if held > 10 * FEW:  # bytes, of which a packed number has at most 10
            raise WireError(f"it has an attribute of more than {FEW} numbers")
        return [_reasonable(one) for one in whole_numbers(attribute["ints"])]
    return _reasonable(next(whole_numbers([attribute["i"]]))) if "i" in attribute else None


def _reasonable(number: int) -> int:
    if abs(number) > MAX_NUMBER:
        raise WireError(f"it has an attribute of {number}")
    return number


def _require_few_sides(shape: Shape) -> None:
    if len(shape) > MAX_RANK:
        raise WireError(f"it has a tensor of {len(shape)} sides, more than {MAX_RANK}")


def _said(name: bytes | memoryview) -> str:
    return bytes(name[:100]).decode(errors="replace")
