"""Events of a job, or of several side by side, as bars on a terminal and plain lines elsewhere.

Knows the records of `atb.events` and nothing of who sends them.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.text import Text

from atb import events
from atb_cli.render import console

LINE_EVERY_SECONDS = 5.0


class _View(Protocol):
    """What either kind of screen must be able to show."""

    def stage(self, name: str) -> None: ...
    def stage_ended(self, name: str, seconds: float) -> None: ...
    def epoch(self, event: events.EpochEnded) -> None: ...
    def progress(self, event: events.Progress) -> None: ...
    def line(self, text: str, style: str = "") -> None: ...
    def within(self, job: str) -> _View: ...
    def job_ended(self, event: events.JobEnded) -> None: ...


@contextmanager
def shown() -> Iterator[events.Listener]:
    """Yield a listener that shows events on stderr until the body ends."""
    screen = console()
    if not screen.is_terminal:
        yield lines(screen)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=None),
        TextColumn("{task.fields[detail]}"),
        TimeRemainingColumn(compact=True),
    )
    with Progress(*columns, console=screen, transient=True, expand=True) as bars:
        yield _listener(_Bars(bars))


def lines(screen: Console) -> events.Listener:
    """A listener that shows events as plain lines, whatever else is on the screen."""
    return _listener(_Lines(screen))


def _listener(view: _View) -> events.Listener:
    """Translate events for a view; the one place that knows every kind of event."""

    def listen(event: events.Event) -> None:
        match event:
            case events.StageStarted(stage):
                view.stage(stage)
            case events.StageEnded(stage, seconds):
                view.stage_ended(stage, seconds)
            case events.EpochEnded():
                view.epoch(event)
            case events.Progress():
                view.progress(event)
            case events.Noted(message):
                view.line(message)
            case events.Warned(message):
                view.line(f"warning: {message}", "bold yellow")
            case events.Within(job, inner):
                _listener(view.within(job))(inner)
            case events.JobEnded():
                view.job_ended(event)

    return listen


def _epoch(event: events.EpochEnded) -> str:
    losses = f"loss {event.loss:.5f}  validation {event.validation_loss:.5f}"
    scores = "".join(f"  {name} {value:.4f}" for name, value in event.scores.items())
    best = "  best" if event.best else ""
    return f"epoch {event.epoch}/{event.epochs}  {losses}{scores}{best}"


def _count(event: events.Progress) -> str:
    return f"{event.done:,}/{event.total:,}" if event.total else f"{event.done:,}"


def _end(event: events.JobEnded) -> tuple[str, str]:
    """What is said of a job's end, and in which style."""
    took = f"{event.seconds:.0f} s"
    if event.problem:
        return f"{event.job}: not done after {took}: {event.problem}", "bold red"
    return f"{event.job}: done in {took}", "green"


@dataclass
class _Lines:
    """Plain lines for files, pipes and logs; those of one of several jobs begin with its name."""

    screen: Console
    job: str = ""
    _jobs: dict[str, _Lines] = field(default_factory=dict)
    _epochs: int = 0
    _epochs_seconds: float = 0.0
    _last: float = field(default_factory=time.monotonic)
    _told: set[str] = field(default_factory=set)

    def stage(self, name: str) -> None:
        self.line(f"{name} ...")

    def stage_ended(self, name: str, seconds: float) -> None:
        self.line(f"{name}: {seconds:.1f} s", "dim")

    def epoch(self, event: events.EpochEnded) -> None:
        self._epochs += 1
        self._epochs_seconds += event.seconds
        left = self._epochs_seconds / self._epochs * (event.epochs - event.epoch)
        minutes, seconds = divmod(round(left), 60)
        self.line(f"{_epoch(event)}  ETA {minutes}:{seconds:02d}")

    def progress(self, event: events.Progress) -> None:
        """A line every few seconds, and one at the end of a task of which there was one before."""
        now = time.monotonic()
        late = now - self._last >= LINE_EVERY_SECONDS
        if event.task in self._told if event.done == event.total else late:
            self._last = now
            self._told.add(event.task)
            self.line(f"{event.task}: {_count(event)}")

    def line(self, text: str, style: str = "") -> None:
        self.screen.print(Text(f"{self.job}: {text}" if self.job else text, style=style))

    def within(self, job: str) -> _Lines:
        return self._jobs.setdefault(job, _Lines(self.screen, job))

    def job_ended(self, event: events.JobEnded) -> None:
        self.line(*_end(event))


@dataclass
class _Bars:
    """Bars that redraw in place: one for the stage or its epochs, one for each task or job."""

    bars: Progress
    _tasks: dict[str, TaskID] = field(default_factory=dict)
    _jobs: dict[str, _JobBar] = field(default_factory=dict)

    def stage(self, name: str) -> None:
        for task in self._tasks.values():
            self.bars.remove_task(task)
        self._tasks.clear()
        self._show(name, 0, 0, "")

    def stage_ended(self, name: str, seconds: float) -> None:
        if name in self._tasks:
            self.bars.remove_task(self._tasks.pop(name))
        self.line(f"{name}: {seconds:.1f} s", "dim")

    def epoch(self, event: events.EpochEnded) -> None:
        self._show("training", event.epoch, event.epochs, _epoch(event))

    def progress(self, event: events.Progress) -> None:
        self._show(event.task, event.done, event.total, _count(event))

    def line(self, text: str, style: str = "") -> None:
        self.bars.console.print(Text(text, style=style))

    def within(self, job: str) -> _JobBar:
        if job not in self._jobs:
            self._jobs[job] = _JobBar(
                self.bars, job, self.bars.add_task(job, total=None, detail="")
            )
        return self._jobs[job]

    def job_ended(self, event: events.JobEnded) -> None:
        if event.job in self._jobs:
            self.bars.remove_task(self._jobs.pop(event.job).task)
        self.line(*_end(event))

    def _show(self, name: str, done: int, total: int, detail: str) -> None:
        if name not in self._tasks:
            self._tasks[name] = self.bars.add_task(name, total=total or None, detail=detail)
        self.bars.update(self._tasks[name], completed=done, total=total or None, detail=detail)


@dataclass
class _JobBar:
    """The one bar of a job among several: its stage, or how far its epochs are."""

    bars: Progress
    job: str
    task: TaskID

    def stage(self, name: str) -> None:
        self.bars.update(self.task, detail=name)

    def stage_ended(self, name: str, seconds: float) -> None:
        """The next one shows."""

    def epoch(self, event: events.EpochEnded) -> None:
        done, total = event.epoch, event.epochs
        self.bars.update(self.task, completed=done, total=total, detail=_epoch(event))

    def progress(self, event: events.Progress) -> None:
        self.bars.update(self.task, detail=f"{event.task}: {_count(event)}")

    def line(self, text: str, style: str = "") -> None:
        self.bars.console.print(Text(f"{self.job}: {text}", style=style))

    def within(self, job: str) -> _JobBar:  # noqa: ARG002 (what is within it shows as it does)
        return self

    def job_ended(self, event: events.JobEnded) -> None:
        """Nothing to take away."""
