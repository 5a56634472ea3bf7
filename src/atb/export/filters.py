"""Filters of one series as one convolution: one row of weights each, zeros before the shorter ones.

A convolution of one output channel costs nearly what one of eight does. Knows kernels, not what
they weigh.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import onnx

from atb.export.editing import Array, Editing, attributes

CHANNELS = 1  # the axis of [B, C, T] along which series lie side by side


@dataclass(frozen=True)
class _Filter:
    """One output of a convolution: where its input begins in the uncut series, and its weights."""

    result: str
    start: int
    kernel: Array  # [1, C, bars]


def join_filters(model: onnx.ModelProto) -> None:
    """Rewrite a model in place so that filters of one series that end together are one."""
    editing = Editing(model)
    groups, readers = _groups(editing), editing.readers()
    for group in groups.values():  # those that are used alike beside one another
        group.sort(key=lambda one: _use(readers, one.result))
    wanted = {one.result: key for key, group in groups.items() for one in group if len(group) > 1}
    for node in editing.old():
        key = wanted.get(node.output[0])
        if key is None:
            editing.keep(node)
        elif key in groups:
            _write(editing, *key, groups.pop(key))
    editing.finish()


def _groups(editing: Editing) -> dict[tuple[str, int], list[_Filter]]:
    """The filters of each uncut series with results of each length."""
    cuts: dict[str, tuple[str, int]] = {}
    groups: dict[tuple[str, int], list[_Filter]] = defaultdict(list)
    for node in editing.old():
        result = node.output[0]
        if node.op_type == "Slice" and _is_cut(editing, node):
            cuts[result] = node.input[0], int(editing.constants[node.input[1]][0])
        if node.op_type == "Conv" and is_filter(editing, node):
            series, start = cuts.get(node.input[0], (node.input[0], 0))
            one = _Filter(result, start, editing.constants[node.input[1]])
            groups[series, editing.shapes[result][-1]].append(one)
    return groups


def _use(readers: Mapping[str, Sequence[onnx.NodeProto]], name: str) -> tuple[list[str], int]:
    """What is done to a series until it is put beside others, and its place among those."""
    steps: list[str] = []
    while len(readers.get(name, ())) == 1:
        (node,) = readers[name]
        if node.op_type == "Concat":
            return steps, list(node.input).index(name)
        steps += [node.op_type, *(other for other in node.input if other != name)]
        name = node.output[0]
    return steps, 0


def _write(editing: Editing, series: str, length: int, filters: list[_Filter]) -> None:
    start = min(one.start for one in filters)
    stop = max(one.start + one.kernel.shape[-1] for one in filters)
    kernel = np.zeros((len(filters), filters[0].kernel.shape[1], stop - start), np.float32)
    for row, one in zip(kernel, filters, strict=True):
        first = one.start - start
        row[:, first : first + one.kernel.shape[-1]] = one.kernel[0]
    name = f"{filters[0].result}/filters"
    if (start, stop + length - 1) != (0, editing.shapes[series][-1]):
        bounds = (editing.integers(place) for place in (start, stop + length - 1, 2))
        series = editing.add("Slice", [series, *bounds], f"{name}/cut")
    weights = editing.constant(f"{name}/kernel", kernel)
    joined = editing.add("Conv", [series, weights], name, kernel_shape=[stop - start])
    for row, one in enumerate(filters):
        bounds = (editing.integers(place) for place in (row, row + 1, CHANNELS))
        editing.add("Slice", [joined, *bounds], one.result)


def _is_cut(editing: Editing, node: onnx.NodeProto) -> bool:
    """A cut in time, from a place counted from the beginning, that leaves out nothing between."""
    start, axes = (editing.constants.get(name) for name in (node.input[1], node.input[-1]))
    if len(node.input) != 4 or start is None or axes is None or axes.tolist() != [2]:
        return False
    return bool(start[0] >= 0) and len(editing.shapes.get(node.output[0], [])) == 3


def is_filter(editing: Editing, node: onnx.NodeProto) -> bool:
    """One output channel, no bias, no padding, no jumps."""
    given, (_, weights, *bias) = attributes(node), node.input
    plain = given.get("strides", [1]) == [1] == given.get("dilations", [1])
    unpadded = given.get("auto_pad", b"NOTSET") == b"NOTSET" and not any(given.get("pads", [0]))
    free = unpadded and given.get("group", 1) == 1
    shape = editing.constants[weights].shape if weights in editing.constants else ()
    return plain and free and not bias and len(shape) == 3 and shape[0] == 1
