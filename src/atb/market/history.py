"""What a model learns from, whatever market it is of: rows in time order that say their origin.

`Candles`, `Book` and `Bonds` are histories. Whoever needs rows, a price and a time asks for no more
than this and so serves all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:  # whoever only serves a model needs no pydantic
    from atb.config.data import Market

Float64 = npt.NDArray[np.float64]
Float32 = npt.NDArray[np.float32]
Int64 = npt.NDArray[np.int64]


class History(Protocol):
    """N rows in time order.

    Attributes:
        kind: what the rows are: `candles`, `book` or `bonds`; names the input of serving graphs.
    """

    kind: ClassVar[Market]

    @property
    def symbol(self) -> str:
        """The market."""
        ...

    @property
    def source(self) -> str:
        """Where they came from, for people."""
        ...

    @property
    def synthetic(self) -> bool:
        """Whether a simulator made any of it."""
        ...

    @property
    def time(self) -> Int64:
        """`[N]` int64 ms UTC that name the rows."""
        ...

    @property
    def close_time(self) -> Int64:
        """`[N]` int64 ms UTC from which each row may be used."""
        ...

    @property
    def price(self) -> Float64:
        """`[N]` float64 in the quote currency: what labels and naive forecasts go by."""
        ...

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the C columns of `matrix`."""
        ...

    @property
    def breaks(self) -> int:
        """How often the rows are interrupted: by missing bars, by ends of sessions."""
        ...

    def __len__(self) -> int: ...

    def facts(self) -> dict[str, Any]:
        """What its numbers are counted in, as a model of it must say: JSON-ready."""
        ...

    def matrix(self) -> Float32:
        """`[N, C]` float32: what features and serving graphs take."""
        ...

    def rows(self, start: int, stop: int) -> Self:
        """Rows `start` to `stop` (exclusive) by position."""
        ...

    def segments(self, max_gap: int = 0) -> Int64:
        """`[N]` number of the unbroken run each row belongs to, from 0, rising."""
        ...

    def sha256(self) -> str:
        """Hash of times and values: equal for equal histories, wherever they were read from."""
        ...
