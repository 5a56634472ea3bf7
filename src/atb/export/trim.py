"""Series computed only as far back as something needs them.

Each feature looks back as far as it must, and what is made from several series is cut to the end
they share; so most of a series is often computed and thrown away. Here every cut is moved to where
the series begins, and equal cuts are made once. Knows positions in time, not what is computed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

import onnx

from atb.export.editing import ELEMENTWISE, Editing, attributes

Span: TypeAlias = tuple[int, int]  # along the last axis of [B, C, T]: from, and up to

BATCH, TIME = 0, 2  # axes of [B, C, T]
ENDLESS = 2**31 - 1


def trim(model: onnx.ModelProto) -> None:
    """Rewrite a model in place so that its series `[B, C, T]` are no longer than needed."""
    trimming = _Trimming(model)
    for node in reversed(trimming.nodes):
        trimming.ask(node)
    for node in trimming.nodes:
        trimming.write(node)
    trimming.editing.finish()


class _Trimming:
    """What is known of a graph's series: which are cuts of others, and what is read of the rest."""

    def __init__(self, model: onnx.ModelProto) -> None:
        self.editing = Editing(model)
        self._cuts: dict[str, tuple[str, int]] = {}  # of which series, from where
        for node in self.editing.old():
            if node.op_type == "Slice" and self._is_cut(node):
                whole, before = self._whole(node.input[0])
                self._cuts[node.output[0]] = whole, before + self._start(node)
        self.nodes = [node for node in self.editing.old() if node.output[0] not in self._cuts]
        self._spans: dict[str, Span] = {}  # what is read of a series
        self._made: dict[str, Span] = {}  # what there is of it now

    def ask(self, node: onnx.NodeProto) -> None:
        """Widen what is read of a node's series by what it reads."""
        for name in filter(self._length, node.input):
            whole, (start, stop) = self._read(node, name)
            low, high = self._spans.get(whole, (start, stop))
            self._spans[whole] = min(low, start), max(high, stop)

    def write(self, node: onnx.NodeProto) -> None:
        """The node, on as much of its series as it reads."""
        spans = {name: self._read(node, name) for name in filter(self._length, node.input)}
        inputs = [self._cut(*spans[name]) if name in spans else name for name in node.input]
        if self._reach(node) is not None:
            self._made[node.output[0]] = self._spans[node.output[0]]
        node.input[:] = inputs
        self.editing.keep(node)

    def _read(self, node: onnx.NodeProto, name: str) -> tuple[str, Span]:
        """The uncut series behind an input, and what a node reads of it."""
        whole, before = self._whole(name)
        reach = self._reach(node)
        start, stop = (0, self._length(name)) if reach is None else self._spans[node.output[0]]
        return whole, (before + start, before + stop + (reach or 0))

    def _cut(self, name: str, span: Span) -> str:
        start, stop = self._made.get(name, (0, self._length(name)))
        if span == (start, stop):
            return name
        result = f"{name}/{span[0]}:{span[1]}"
        if result not in self._made:
            bounds = (self.editing.integers(place - start) for place in span)
            self.editing.add("Slice", [name, *bounds, self.editing.integers(TIME)], result)
            self._made[result] = span
        return result

    def _whole(self, name: str) -> tuple[str, int]:
        return self._cuts.get(name, (name, 0))

    def _length(self, name: str) -> int:
        """T of a series `[B, C, T]`, and 0 of everything else."""
        shape = self.editing.shapes.get(name, [])
        return shape[2] if len(shape) == 3 and not shape[0] else 0

    def _is_cut(self, node: onnx.NodeProto) -> bool:
        """Whether a slice cuts a series in time, row by row, and does nothing else."""
        given = [self.editing.constants.get(name) for name in node.input[1:]]
        if not self._length(node.input[0]) or len(given) != 3 or any(a is None for a in given):
            return False
        cuts = {axis: (start, stop) for start, stop, axis in zip(*given, strict=True)}
        everything = cuts.pop(BATCH, (0, ENDLESS))
        whole = everything[0] == 0 and everything[1] >= ENDLESS
        return whole and set(cuts) == {TIME} and node.output[0] not in self.editing.outputs

    def _start(self, node: onnx.NodeProto) -> int:
        starts, axes = (self.editing.constants[node.input[place]].tolist() for place in (1, 3))
        start = int(dict(zip(axes, starts, strict=True)).get(TIME, 0))
        return start if start >= 0 else start + self._length(node.input[0])

    def _reach(self, node: onnx.NodeProto) -> int | None:
        """How many earlier values each of the result is made from; None if it may be any."""
        rule, (result, *others) = _REACHES.get(node.op_type), node.output
        lengths = {self._length(name) for name in node.input if name not in self.editing.constants}
        if rule is None or others or len(lengths) != 1 or not self._length(result):
            return None
        if result in self.editing.outputs or not rule(self.editing, node):
            return None
        return lengths.pop() - self._length(result)


def _steady(editing: Editing, node: onnx.NodeProto) -> bool:
    """The same at every time."""
    known = (editing.constants[name] for name in node.input if name in editing.constants)
    return all(array.ndim == 0 or array.shape[-1] == 1 for array in known)


def _unpadded(editing: Editing, node: onnx.NodeProto) -> bool:  # noqa: ARG001 (one of the rules)
    given = attributes(node)
    free = given.get("auto_pad", b"NOTSET") == b"NOTSET" and not any(given.get("pads", [0]))
    return free and list(given.get("strides", [1])) == [1]


def _of_channels(editing: Editing, node: onnx.NodeProto) -> bool:
    axes: list[int] = editing.constants[node.input[1]].tolist()
    return axes == [1] and attributes(node)["keepdims"] == 1


def _by_channel(editing: Editing, node: onnx.NodeProto) -> bool:  # noqa: ARG001 (one of the rules)
    return bool(attributes(node)["axis"] == 1)


_REACHES: Mapping[str, Callable[[Editing, onnx.NodeProto], bool]] = {
    **dict.fromkeys(ELEMENTWISE, _steady),
    **dict.fromkeys(("Conv", "MaxPool"), _unpadded),
    **dict.fromkeys(("ReduceMean", "ReduceSum", "ReduceMax"), _of_channels),
    "Concat": _by_channel,
}
