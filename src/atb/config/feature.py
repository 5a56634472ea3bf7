"""What is known of a feature without computing it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Feature:
    """One column of the feature matrix, or a few that belong together.

    Attributes:
        group: the file in `atb.features` that computes it.
        function: the function in that file.
        parameters: its parameters in rows or levels, in formulas `n`, or `n, m, k`.
        lookback: earlier rows it needs besides its own, no more and no fewer.
        unit: unit of its values.
        formula: how it is computed, in words and symbols.
        source: where the definition comes from.
        width: columns it makes.
        levels: price levels it reads of each side of a book; none of candles.
    """

    group: str
    function: str
    parameters: tuple[int, ...]
    lookback: int
    unit: str
    formula: str
    source: str
    width: int = 1
    levels: int = 0

    @property
    def name(self) -> str:
        """Column name, unique in the catalogue: the function and its parameters.

        >>> Feature("trend", "macd", (12, 26), 179, "share", "MACD / close", "Appel 1979").name
        'macd_12_26'
        """
        return "_".join([self.function, *map(str, self.parameters)])
