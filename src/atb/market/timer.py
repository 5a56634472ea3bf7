"""Steady time for feeds, let pass in small pieces.

It is no wall clock: setting this machine's date moves it by nothing. It knows no markets.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from atb.market.feed import Stop

_PIECE_S = 0.1  # a wait ends this soon after it is told to


@dataclass(frozen=True)
class Timer:
    """What tells the seconds since some moment, and what sleeps for so many."""

    seconds: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    def wait(self, seconds: float, stop: Stop) -> None:
        """Let so many seconds pass, fewer once `stop` is true."""
        end = self.seconds() + seconds
        while not stop() and (left := end - self.seconds()) > 0:
            self.sleep(min(left, _PIECE_S))
