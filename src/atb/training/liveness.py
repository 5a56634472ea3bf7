"""The most memory a traced TensorFlow function holds at once, from the shapes in its graph.

Operations run in the order they were traced, and a tensor lives from the one that makes it to the
last that reads it. That counts whatever a backward pass reads of the forward pass, in every kind
of layer, without knowing any. Knows graphs; it knows no layers and no devices.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

# Operations whose output is their first input's memory.
VIEWS = frozenset({"ExpandDims", "Identity", "Reshape", "Squeeze", "StopGradient"})
# Operations that hand out what exists already, or next to nothing.
FREE = frozenset({"Const", "Placeholder", "ReadVariableOp"})
LOOPS = frozenset({"StatelessWhile", "While"})
# What NVIDIA's recurrent kernels keep for the gradient has a shape they tell only when they run. By
# the equations of an LSTM it is about four gates, the cell and its tanh, each like the output.
FUSED = frozenset({"CudnnRNN", "CudnnRNNV2", "CudnnRNNV3"})
FUSED_KEEPS, FUSED_RESERVE = 6, 3


def peak(graph: Any) -> int:
    """Most bytes alive at once, leaving out the graph's inputs, outputs and variables.

    Args:
        graph: a `FuncGraph` whose shapes are all known, from
            `tf.function(...).get_concrete_function(...)`.
    """
    memory = _Memory({_source(tensor).name for tensor in graph.outputs})
    operations = _needed(graph)
    for number, op in enumerate(operations):
        memory.place(number, op)
    return memory.highest(operations)


class _Memory:
    """Which tensor owns which memory, how large it is and who reads it last.

    Tensors go by their names, which are unique in a graph.

    Args:
        outside: names of tensors that are held by whoever calls the graph.
    """

    def __init__(self, outside: set[str]) -> None:
        self._outside = outside
        self._owner: dict[str, str] = {}
        self._size: dict[str, int] = {}
        self._last: dict[str, int] = {}
        self._inside: dict[int, int] = {}

    def place(self, number: int, op: Any) -> None:
        """Say where the outputs of the next operation lie."""
        for tensor in op.inputs:
            self._last[self._home(tensor)] = number
        if op.type in LOOPS:
            self._place_loop(number, op)
        elif op.type in VIEWS:
            self._share(number, op.outputs[0], op.inputs[0])
        else:
            for tensor in op.outputs:
                self._own(number, tensor, _made(op, tensor))

    def highest(self, operations: list[Any]) -> int:
        """Most bytes alive while the operations run; all must have been placed."""
        dying = defaultdict(list)
        for name, number in self._last.items():
            dying[number].append(name)
        alive = highest = 0
        for number, op in enumerate(operations):
            new = sum(self._size.get(tensor.name, 0) for tensor in op.outputs)
            old = sum(self._size.get(name, 0) for name in dying[number])
            # A loop turns what it is handed into what it hands back, step by step.
            during = max(new, old) - old if op.type in LOOPS else new
            highest = max(highest, alive + during + self._inside.get(number, 0))
            alive += new - old
        return highest

    def _place_loop(self, number: int, op: Any) -> None:
        body = op.graph._get_function(op.get_attr("body").name).graph
        self._inside[number] = peak(body)
        held = [self._size.get(self._home(tensor), 0) for tensor in op.inputs]
        loop = _Loop(op, body, held)
        for outer, inner in zip(op.outputs, body.outputs, strict=True):
            variable = loop.variable(inner)
            if variable is None:
                self._own(number, outer, loop.bytes_after(inner))
            else:
                self._share(number, outer, op.inputs[variable])

    def _own(self, number: int, tensor: Any, size: int) -> None:
        self._size[tensor.name] = 0 if tensor.name in self._outside else size
        self._last[tensor.name] = number

    def _share(self, number: int, tensor: Any, source: Any) -> None:
        home = self._owner[tensor.name] = self._home(source)
        self._last[home] = number

    def _home(self, tensor: Any) -> str:
        name: str = tensor.name
        return self._owner.get(name, name)


@dataclass(frozen=True)
class _Loop:
    """A while loop and what its variables hold, in bytes, before it runs."""

    op: Any
    body: Any
    held: list[int]

    def variable(self, tensor: Any) -> int | None:
        """The loop variable that a tensor of the body is; None for what the body computes."""
        name = _source(tensor).name
        inputs = [given.name for given in self.body.inputs]
        return inputs.index(name) if name in inputs else None

    def bytes_after(self, tensor: Any) -> int:
        """Bytes of a loop variable that each step replaces by this tensor of the body.

        A list to which each step adds an element holds as many as there are steps.
        """
        maker = _source(tensor).op
        if maker.type == "TensorListPushBack":
            element = _source(maker.inputs[1])
            return 0 if element.op.type in FREE - {"Placeholder"} else self._steps() * size(element)
        if maker.type == "TensorListSetItem":
            return self._written(maker.inputs[0], size(maker.inputs[2]))
        if maker.type == "AddN" and tensor.dtype == tf.variant:
            return max(self.bytes_after(part) for part in maker.inputs)
        return size(tensor)

    def _written(self, target: Any, element: int) -> int:
        """Bytes of a list after elements were set in it: those it had, or its slots if empty."""
        variable = self.variable(target)
        if variable is None:
            return self._steps() * element
        origin = self.op.inputs[variable].op
        if origin.type == "TensorListReserve":
            return int(tf.get_static_value(origin.inputs[1])) * element
        return self.held[variable]

    def _steps(self) -> int:
        """How often the loop runs at most: its second variable, which Keras puts in a maximum."""
        bound = self.op.inputs[1]
        return int(tf.get_static_value(bound.op.inputs[0] if bound.op.type == "Max" else bound))


def size(tensor: Any) -> int:
    """Bytes of a tensor of known shape; 0 for the handle of a variable or a list."""
    elements = tensor.shape.num_elements()
    if elements is None or tensor.dtype in (tf.resource, tf.variant):
        return 0
    return int(elements) * int(tensor.dtype.size)


def _made(op: Any, tensor: Any) -> int:
    """Bytes that an operation allocates for one of its outputs."""
    if op.type == "TensorListFromTensor":
        return size(op.inputs[0])
    if op.type in FUSED and tensor.name == op.outputs[FUSED_RESERVE].name:
        return FUSED_KEEPS * size(op.outputs[0])
    return 0 if op.type in FREE else size(tensor)


def _source(tensor: Any) -> Any:
    """The tensor that identities hand on."""
    while tensor.op.type == "Identity":
        tensor = tensor.op.inputs[0]
    return tensor


def _needed(graph: Any) -> list[Any]:
    """The operations that some output depends on, in the order they were traced."""
    wanted: set[str] = set()
    waiting = [tensor.op for tensor in graph.outputs]
    while waiting:
        op = waiting.pop()
        if op.name not in wanted:
            wanted.add(op.name)
            waiting += [tensor.op for tensor in op.inputs]
    return [op for op in graph.get_operations() if op.name in wanted]
