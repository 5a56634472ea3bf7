"""What is known of a tensor before anything runs: its sides, and a few whole numbers.

Shapes are made of such numbers, so they are computed along, by `onnx_rules`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Shape: TypeAlias = tuple[int, ...]
Numbers: TypeAlias = npt.NDArray[Any]
FEW = 64  # numbers that are computed along
MAX_RANK = 8
# Whole-number types that are computed along, by ONNX's number of them.
WHOLE: Mapping[int, str] = {
    **{2: "<u1", 3: "<i1", 4: "<u2", 5: "<i2", 6: "<i4"},
    **{7: "<i8", 9: "?", 12: "<u4", 13: "<u8"},
}


class ShapeError(ValueError):
    """Shapes that do not fit their operator, or cannot be told."""


@dataclass(frozen=True)
class Known:
    """What is known of a tensor before anything runs.

    Attributes:
        shape: its sides.
        value: its numbers, where they are few and whole and do not depend on the window.
        products: multiplications that it takes.
    """

    shape: Shape
    value: Numbers | None = None
    products: int = 0

    @property
    def numbers(self) -> Numbers:
        """Its value.

        Raises:
            ShapeError: when it depends on the window, or is too large to be told.
        """
        if self.value is None:
            raise ShapeError(
                "a shape depends on what is in the window, or on numbers beyond 32 bits"
            )
        return self.value


@dataclass(frozen=True)
class Node:
    """One operator: what it reads, its whole-number attributes by name, how much it makes."""

    operator: str
    inputs: Sequence[Known | None]
    attributes: Mapping[str, Any]
    outputs: int

    def __getitem__(self, position: int) -> Known:
        """An input that must be there."""
        found = self.inputs[position]
        if found is None:
            raise ShapeError(f"its input {position} is missing")
        return found

    def optional(self, position: int) -> Known | None:
        """An input that may be left out."""
        return self.inputs[position] if position < len(self.inputs) else None

    def listed(self, name: str, position: int) -> list[int] | None:
        """Whole numbers given as an attribute or, in newer opsets, as an input."""
        given = self.optional(position)
        found = given.numbers.ravel().tolist() if given is not None else self.attributes.get(name)
        return None if found is None else [int(one) for one in found]

    def axis(self, rank: int, default: int = 0) -> int:
        """The attribute `axis`, counted from the front."""
        return front([self.attributes.get("axis", default)], rank)[0]


def front(axes: Sequence[int], rank: int) -> list[int]:
    """Axes counted from the front.

    Raises:
        ShapeError: for one that is not among so many.
    """
    if any(not -rank <= axis < rank for axis in axes):
        raise ShapeError(f"the axes {list(axes)} are not among {rank}")
    return [axis % rank for axis in axes]


def wide(value: Numbers | None) -> Numbers | None:
    """Numbers to compute with, which cannot wrap around; None where they might."""
    if value is None or value.dtype == bool:
        return value
    return held(value, np.dtype(np.int64))


def held(value: Any, kind: np.dtype[Any]) -> Numbers | None:
    """Numbers in a type; None where it or 32 bits do not hold them: there, libraries differ."""
    low, high = (0, 1) if kind.kind == "b" else (np.iinfo(kind).min, np.iinfo(kind).max)
    fits = (value >= max(low, -(2**31))) & (value < min(high + 1, 2**31))
    return np.asarray(value, kind) if fits.all() else None
