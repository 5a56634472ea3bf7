"""A book tensor seen as named sides, and the levels as they are."""

from __future__ import annotations

from atb.features.causal import Series


class Levels:
    """View of a book `[B, T, 4 * L + 2]` as sides `[B, T, L]` and flow `[B, T, 1]`."""

    def __init__(self, book: Series) -> None:
        self.depth = book.shape[-1] // 4
        self.book = book


def raw(levels: Levels, depth: int) -> Series:
    """The best `depth` levels as they are: `[B, T, 4 * depth]`."""
    return levels.book[:, :, : 4 * depth]
