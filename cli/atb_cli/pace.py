"""How long what is under way will still take, from what it took so far.

Knows epochs and jobs by their numbers, nothing of how they are shown.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from atb import events


@dataclass
class Pace:
    """The epochs of one training, as far as they were seen."""

    _epochs: int = 0
    _seconds: float = 0.0

    def after(self, event: events.EpochEnded) -> float:
        """Seconds until the last epoch, if none is spared, at the mean of those seen."""
        self._epochs += 1
        self._seconds += event.seconds
        return self._seconds / self._epochs * (event.epochs - event.epoch)


@dataclass
class Standing:
    """How far a task is; several jobs are counted by the share of their epochs, too."""

    total: int = 0
    ended: int = 0
    _began: float = field(default_factory=time.monotonic)
    _shares: dict[str, float] = field(default_factory=dict)

    def progress(self, event: events.Progress) -> None:
        """So much is done; less than before is another task of that name, which begins now."""
        if event.done < self.ended:
            self._began = time.monotonic()
        self.ended, self.total = event.done, event.total

    def epoch(self, job: str, event: events.EpochEnded) -> None:
        """One under way has come so far."""
        self._shares[job] = event.epoch / event.epochs

    def over(self, job: str) -> None:
        """One is not under way any more."""
        self._shares.pop(job, None)

    @property
    def done(self) -> float:
        """Pieces that are done, or jobs and parts of jobs."""
        return self.ended + sum(self._shares.values())

    def left(self) -> float | None:
        """Seconds until all is done, at the pace so far; None as long as there is none."""
        if not self.done or not self.total:
            return None
        return (time.monotonic() - self._began) / self.done * (self.total - self.done)


def clock(seconds: float | None) -> str:
    """Seconds as a clock shows them.

    >>> clock(75), clock(7384), clock(None)
    ('1:15', '2:03:04', '-')
    """
    if seconds is None:
        return "-"
    minutes, rest = divmod(max(round(seconds), 0), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
