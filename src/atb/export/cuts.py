"""A part of a part of a tensor, cut out at once; parts that lie beside one another, cut together.

Knows positions along axes, not what lies there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import onnx

from atb.export.editing import Editing, attributes

Span: TypeAlias = tuple[int, int]  # from, and up to

ENDLESS = 2**31 - 1
CHANNELS = 1  # the axis of [B, C, T] along which series lie side by side


def cut_once(model: onnx.ModelProto) -> None:
    """Rewrite a model in place: no slice of a slice, and none beside the next; the same bits."""
    editing = Editing(model)
    parts: dict[str, _Part] = {}
    for node in editing.old():
        result = node.output[0]
        if (part := _part(editing, node)) is not None:
            parts[result] = part.within(parts.get(part.source))
            _cut(editing, parts[result], result)
        elif node.op_type == "Concat" and attributes(node)["axis"] == CHANNELS:
            _join(editing, node, parts)
        else:
            editing.keep(node)
    editing.finish()


@dataclass(frozen=True)
class _Part:
    """What is cut out of a tensor along some of its axes."""

    source: str
    spans: Mapping[int, Span]

    def within(self, outer: _Part | None) -> _Part:
        """The same part, of what the tensor it is cut from was cut from."""
        if outer is None:
            return self
        spans = dict(outer.spans)
        for axis, (start, stop) in self.spans.items():
            before, _ = spans.get(axis, (0, 0))
            spans[axis] = before + start, before + stop
        return _Part(outer.source, spans)

    def with_next(self, other: _Part) -> _Part | None:
        """Both as one, where the other follows in the channels."""
        mine, others = dict(self.spans), dict(other.spans)
        start, end = mine.pop(CHANNELS, (0, 0))
        begin, stop = others.pop(CHANNELS, (0, 0))
        if not end or end != begin or (self.source, mine) != (other.source, others):
            return None
        return _Part(self.source, {**mine, CHANNELS: (start, stop)})


def _part(editing: Editing, node: onnx.NodeProto) -> _Part | None:
    """What a slice cuts out, if it is known where, and nothing in between is left out."""
    if node.op_type != "Slice" or len(node.input) != 4:
        return None
    source, *bounds = node.input
    shape = editing.shapes.get(source)
    if not shape or any(name not in editing.constants for name in bounds):
        return None
    spans: dict[int, Span] = {}
    given = (editing.constants[name].tolist() for name in bounds)
    for start, stop, axis in zip(*given, strict=True):
        if shape[axis]:
            spans[axis % len(shape)] = slice(start, stop).indices(shape[axis])[:2]
        elif start != 0 or stop < ENDLESS:
            return None
    return _Part(source, spans) if spans else None


def _cut(editing: Editing, part: _Part, result: str) -> None:
    starts, stops = zip(*part.spans.values(), strict=True)
    bounds = (editing.integers(*given) for given in (starts, stops, part.spans))
    editing.add("Slice", [part.source, *bounds], result)


def _join(editing: Editing, node: onnx.NodeProto, parts: dict[str, _Part]) -> None:
    """Series put together, those that lay beside one another before as one."""
    (result,), names = node.output, list[str]()
    for name in node.input:
        last = parts.get(names[-1]) if names else None
        both = last.with_next(parts[name]) if last and name in parts else None
        if both is None:
            names.append(name)
        else:
            names[-1] = f"{result}/cut/{len(names)}"
            parts[names[-1]] = both
    for name in sorted(set(names).difference(node.input)):
        _cut(editing, parts[name], name)
    if len(names) == 1:
        editing.replace(result, names[0])
    else:
        editing.add("Concat", names, result, axis=CHANNELS)
