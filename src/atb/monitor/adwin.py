"""ADWIN: a window over a stream that shrinks where its mean has changed.

After Bifet and Gavaldà 2007, Learning from Time-Changing Data with Adaptive Windowing, SIAM
International Conference on Data Mining: buckets of 1, 2, 4, ... values keep memory logarithmic.
The bound of a difference there is for independent values. Of dependent ones the variance of a mean
is that of as many draws as say as much; the bound's second term, for single values that lie far
out, counts values as they are. Knows values between 0 and 1.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

PER_SIZE = 5  # buckets of each size before two become one of the next
SHORTEST = 5  # values a part of the window must exceed to be compared
GRACE = 10  # values before the first comparison


@dataclass(frozen=True)
class _Bucket:
    """Sum of some values, and the sum of their squared distances from their mean."""

    values: int
    total: float
    spread: float

    def joined(self, other: _Bucket) -> _Bucket:
        values = self.values + other.values
        apart = self.total / self.values - other.total / other.values
        spread = self.spread + other.spread + self.values * other.values * apart**2 / values
        return _Bucket(values, self.total + other.total, spread)

    def without(self, part: _Bucket) -> _Bucket:
        values, total = self.values - part.values, self.total - part.total
        apart = part.total / part.values - total / values
        spread = self.spread - part.spread - part.values * values * apart**2 / self.values
        return _Bucket(values, total, max(spread, 0.0))


class Adwin:
    """The newest values among which no change of the mean is seen.

    Args:
        delta: bound of the probability that a change is seen where there is none, of independent
            values between 0 and 1.
        clock: values from one comparison to the next.
        draws: how many independent values say as much as so many in a run.
    """

    def __init__(
        self, delta: float = 0.002, clock: int = 32, draws: Callable[[int], float] = float
    ) -> None:
        self._delta, self._clock, self._draws = delta, clock, draws
        self._seen = 0
        self._sizes: list[deque[_Bucket]] = [deque()]  # by size; newest on the right
        self._whole = _Bucket(0, 0.0, 0.0)

    @property
    def width(self) -> int:
        """Values in the window."""
        return self._whole.values

    @property
    def mean(self) -> float:
        """Of the window; 0 before the first value."""
        return self._whole.total / max(self._whole.values, 1)

    def update(self, value: float) -> bool:
        """Take one value in; whether the mean has changed, so that older values were dropped."""
        self._seen += 1
        one = _Bucket(1, value, 0.0)
        self._whole = self._whole.joined(one) if self._whole.values else one
        self._sizes[0].append(one)
        self._compress()
        due = self._seen % self._clock == 0 and self.width > GRACE
        return due and self._shrink()

    def remember(self, values: int, mean: float, variance: float) -> None:
        """Put what was seen before the stream in front of it: so many values of such a mean."""
        kept = [_Bucket(2**size, mean * 2**size, variance * 2**size) for size in _powers(values)]
        self._sizes = [deque() for _ in range(max(_powers(values)) + 1)]
        for size, bucket in zip(_powers(values), kept, strict=True):
            self._sizes[size].append(bucket)
        self._whole = _Bucket(values, mean * values, variance * values)

    def _compress(self) -> None:
        for size, buckets in enumerate(self._sizes):
            if len(buckets) <= PER_SIZE:
                return
            if size + 1 == len(self._sizes):
                self._sizes.append(deque())
            self._sizes[size + 1].append(buckets.popleft().joined(buckets.popleft()))

    def _shrink(self) -> bool:
        """Drop the oldest bucket as long as some older part differs from what follows it."""
        changed = False
        while self._differs():
            changed = True
            self._whole = self._whole.without(self._sizes[-1].popleft())
            while not self._sizes[-1]:
                self._sizes.pop()
        return changed

    def _differs(self) -> bool:
        """Whether a cut between two buckets parts the window into two of different means."""
        older, total = 0, 0.0
        for bucket in self._oldest_first():
            older, total = older + bucket.values, total + bucket.total
            newer = self.width - older
            if newer <= SHORTEST:
                return False
            apart = abs(total / older - (self._whole.total - total) / newer)
            if older > SHORTEST and apart > self._bound(older, newer):
                return True
        return False

    def _oldest_first(self) -> Iterator[_Bucket]:
        for buckets in reversed(self._sizes):
            yield from buckets

    def _bound(self, older: int, newer: int) -> float:
        """Difference of two means that chance does not exceed."""
        sureness = math.log(2 * math.log(self.width) / self._delta)
        parts = older - SHORTEST + 1, newer - SHORTEST + 1
        by_draws = sum(1 / self._draws(part) for part in parts)
        by_values = sum(1 / part for part in parts)
        variance = self._whole.spread / self.width
        return math.sqrt(2 * by_draws * variance * sureness) + 2 / 3 * by_values * sureness


def _powers(values: int) -> list[int]:
    """Exponents of the powers of two that make up a number."""
    return [power for power in range(values.bit_length()) if values >> power & 1]
