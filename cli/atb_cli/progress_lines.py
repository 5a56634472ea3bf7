"""Progress as plain lines, for files, pipes and logs.

Knows the records of `atb.events` and nothing of who sends them.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from rich.console import Console
from rich.text import Text

from atb import events
from atb.redaction import redacted
from atb_cli import wording
from atb_cli.pace import Pace, Standing, clock

LINE_EVERY_SECONDS = 5.0


def view(screen: Console) -> _Lines:
    """What shows each thing that happens as a line."""
    return _Lines(screen)


@dataclass
class _Lines:
    """Those of one of several jobs begin with its name."""

    screen: Console
    job: str = ""
    _jobs: dict[str, _Lines] = field(default_factory=dict)
    _pace: Pace = field(default_factory=Pace)
    _standing: Standing = field(default_factory=Standing)
    _last: float = field(default_factory=time.monotonic)
    _told: set[str] = field(default_factory=set)
    _most: int = 0

    def stage(self, name: str) -> None:
        self.line(f"{name} ...")

    def stage_ended(self, name: str, seconds: float) -> None:
        self.line(f"{name}: {seconds:.1f} s", "dim")

    def epoch(self, event: events.EpochEnded) -> None:
        self.line(f"{wording.epoch(event)}  ETA {clock(self._pace.after(event))}")

    def progress(self, event: events.Progress) -> None:
        """A line every few seconds, and one at the end of a task of which there was one before."""
        now = time.monotonic()
        late = now - self._last >= LINE_EVERY_SECONDS
        if event.task == wording.JOBS:
            self._standing.progress(event)
        if event.task in self._told if event.done == event.total else late:
            self._last = now
            self._told.add(event.task)
            self.line(f"{event.task}: {wording.count(event)}{self._until_all(event)}")

    def line(self, text: str, style: str = "") -> None:
        said = redacted(f"{self.job}: {text}" if self.job else text)
        self.screen.print(Text(said, style=style))

    def memory(self, size: int) -> None:
        self._most = max(self._most, size)

    def within(self, job: str) -> _Lines:
        return self._jobs.setdefault(job, _Lines(self.screen, job))

    def job_began(self, event: events.JobBegan) -> None:
        self._jobs.pop(event.job, None)
        self.line(wording.began(event))

    def job_retried(self, event: events.JobRetried) -> None:
        self.line(wording.retried(event), wording.WARNING)

    def job_ended(self, event: events.JobEnded) -> None:
        self.line(*wording.ended(event, self.within(event.job)._most))

    def _until_all(self, event: events.Progress) -> str:
        return f"  ETA {clock(self._standing.left())}" if event.task == wording.JOBS else ""
