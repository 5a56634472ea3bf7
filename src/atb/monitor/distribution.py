"""One column as it was in the reference rows: where its values lay, and how long they stay there.

Quantiles and counts, a kilobyte in all, are enough for a stability index, a Kolmogorov-Smirnov
test and an effective number of rows. Knows numbers in time order, not what they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from atb.monitor import memory

Float64 = npt.NDArray[np.float64]

BINS = 50
GROUPS = 10  # of the stability index: deciles, by custom
NEARLY = 1e-3  # of a deviation: two ways of computing one value differ by less


@dataclass(frozen=True)
class Distribution:
    """A column of the reference.

    Attributes:
        name: of the column.
        edges: `[E]` rising; bin i holds values above edge i - 1 up to edge i. The first bin is
            below every reference value, the last above.
        counts: `[E + 1]` reference rows in each bin.
        memory: `[J]` inflation of variance, see `atb.monitor.memory`.
    """

    name: str
    edges: Float64
    counts: Float64
    memory: Float64

    @classmethod
    def of(cls, name: str, values: npt.NDArray[np.floating[Any]]) -> Self:
        """The distribution of `[n]` finite values in time order.

        Each edge stands a little above the value it is taken from: many values may be equal, and
        what is computed in another way must fall into the same bin.
        """
        column = values.astype(np.float64)
        nearly = NEARLY * column.std() or NEARLY * max(1.0, abs(float(column[0])))
        quantiles = np.quantile(column, np.arange(1, BINS + 1) / BINS, method="inverted_cdf")
        raised = np.concatenate([[column.min() - nearly], quantiles + nearly])
        edges = np.unique([float(f"{edge:.7g}") for edge in raised])
        deciles = np.quantile(column, np.arange(1, GROUPS) / GROUPS, method="inverted_cdf")
        below = column[:, np.newaxis] <= np.unique(deciles) + nearly
        return cls(name, edges, counted(edges, column), memory.inflation(below))

    @property
    def rows(self) -> int:
        """Reference rows."""
        return int(self.counts.sum())

    def effective(self, rows: int) -> float:
        """Independent draws that say as much as so many rows in a run."""
        return memory.effective(rows, self.memory)

    def remembering(self, other: Float64) -> Self:
        """The same, with the memory of another run where that is larger or reaches further."""
        shorter, longer = sorted((self.memory, other), key=len)
        known = np.pad(shorter, (0, len(longer) - len(shorter)), mode="edge")
        return replace(self, memory=np.maximum(known, longer))

    def grouped(self, counts: Float64) -> Float64:
        """Counts by bin as counts by group.

        Groups are tenths of the reference, or what comes nearest, and one beyond each of its ends.
        """
        reached = np.cumsum(self.counts)[:-1] / self.rows
        cuts = [int(np.abs(reached - k / GROUPS).argmin()) + 1 for k in range(1, GROUPS)]
        return np.add.reduceat(counts, np.unique([0, 1, *cuts, len(counts) - 1]))

    def ranks(self, values: npt.NDArray[np.floating[Any]]) -> Float64:
        """Where values stand among the reference, 0 to 1: the middle rank of their bin.

        The mean of the reference is 0.5.
        """
        bins = np.searchsorted(self.edges, values, side="left")
        middle: Float64 = (np.cumsum(self.counts) - self.counts / 2) / self.rows
        return middle[bins]

    @property
    def rank_variance(self) -> float:
        """Variance of the reference's own ranks; a twelfth, or less where values are equal."""
        middle = (np.cumsum(self.counts) - self.counts / 2) / self.rows
        return float(((middle - 0.5) ** 2 * self.counts).sum() / self.rows)

    def to_json(self) -> dict[str, Any]:
        """The fields, ready for JSON."""
        return {
            "name": self.name,
            "edges": self.edges.tolist(),
            "counts": self.counts.astype(int).tolist(),
            "memory": [round(value, 3) for value in self.memory.tolist()],
        }

    @classmethod
    def from_json(cls, said: Mapping[str, Any]) -> Self:
        """What `to_json` wrote.

        Raises:
            ValueError, KeyError, TypeError: for anything else.
        """
        edges, counts, inflated = (
            np.array(said[part], np.float64) for part in ("edges", "counts", "memory")
        )
        whole = len(counts) == len(edges) + 1 and counts.sum() > 0 and counts.min() >= 0
        if not (whole and np.all(np.diff(edges) > 0) and len(inflated) and inflated.min() >= 1):
            raise ValueError(f"the distribution of {said['name']!r} does not hold together")
        return cls(str(said["name"]), edges, counts, inflated)


def counted(edges: Float64, values: npt.NDArray[np.floating[Any]]) -> Float64:
    """`[E + 1]` how many values lie in each bin."""
    bins = np.searchsorted(edges, values, side="left")
    return np.bincount(bins, minlength=len(edges) + 1).astype(np.float64)
