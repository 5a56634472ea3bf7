"""Par yield curves: what a bond of each maturity would have to pay to be worth its face.

They know days and maturities, nothing of files or discounting.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from atb.errors import UsageError

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]

_TENOR = re.compile(r"(\d{1,2})([MY])")
_SYMBOL = re.compile(r"[A-Z]+(\d{1,2}[MY])")


@dataclass(frozen=True)
class ParCurves:
    """N days of par yields, immutable.

    Attributes:
        time: `[N]` int64 ms UTC, midnight of each day, rising.
        years: `[K]` float64 maturities, rising.
        yields: `[N, K]` float64 percent per year, paid half-yearly; NaN where not published.
        source: where they came from, for people.
        synthetic: true when a simulator made any of it.
    """

    time: Int64
    years: Float64
    yields: Float64
    source: str = "memory"
    synthetic: bool = False

    def __post_init__(self) -> None:
        if self.yields.shape != (len(self.time), len(self.years)):
            raise ValueError(
                f"yields {self.yields.shape} are not {len(self.time)} days by {len(self.years)}"
            )

    def __len__(self) -> int:
        """Number of days."""
        return len(self.time)

    def of(self, years: float) -> Float64:
        """`[N]` float64 percent of one maturity; all NaN where the curves do not have it."""
        found = np.flatnonzero(self.years == years)
        return self.yields[:, found[0]] if len(found) else np.full(len(self), np.nan)


def years_of(tenor: str) -> float:
    """A tenor's length in years.

    >>> years_of("6M"), years_of("10Y")
    (0.5, 10.0)

    Raises:
        ValueError: when it is none.
    """
    found = _TENOR.fullmatch(tenor)
    if not found or not int(found[1]):
        raise ValueError(f"{tenor!r} is no tenor")
    return int(found[1]) / (12 if found[2] == "M" else 1)


def tenor_of(years: float) -> str:
    """The tenor of so many years, as `years_of` reads it.

    >>> tenor_of(0.25), tenor_of(30.0)
    ('3M', '30Y')
    """
    return f"{years:.0f}Y" if years >= 1 else f"{years * 12:.0f}M"


def maturity_of(symbol: str) -> float:
    """The maturity in years that a bond's symbol ends in.

    >>> maturity_of("UST10Y")
    10.0

    Raises:
        UsageError: when it names none.
    """
    found = _SYMBOL.fullmatch(symbol)
    if not found:
        raise UsageError(
            f"{symbol} names no bond",
            remedy="end it in a maturity, as UST6M, UST2Y or UST10Y",
        )
    return years_of(found[1])
