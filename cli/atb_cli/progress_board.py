"""Progress as one screen that redraws itself: a bar for all jobs, a line for each under way.

What is over scrolls away above it. Knows the records of `atb.events` and nothing of who sends
them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, Progress, TaskID, TextColumn
from rich.table import Column
from rich.text import Text

from atb import events
from atb.redaction import redacted
from atb_cli import wording
from atb_cli.pace import Pace, Standing, clock
from atb_cli.sizes import memory

REDRAWS = 4  # a second
WIDE = 76  # characters; where there are fewer, jobs have no bars, losses and memory


@contextmanager
def shown(screen: Console) -> Iterator[_Board]:
    """A board on the screen until the body ends."""
    board = _Board(screen)
    live = Live(
        board.drawn(),
        console=screen,
        transient=True,
        refresh_per_second=REDRAWS,
        vertical_overflow="ellipsis",
    )
    with live:
        yield board


class _Board:
    """Bars for what this process does, and under them a line for each job of others."""

    def __init__(self, screen: Console) -> None:
        self.screen = screen
        self.own = _bars(screen, [BarColumn(bar_width=None)], screen.width, "detail", "eta")
        self.jobs = _job_bars(screen)
        self._tasks: dict[str, TaskID] = {}
        self._lines: dict[str, _JobLine] = {}
        self._most: dict[str, int] = {}
        self._pace = Pace()
        self._standings: defaultdict[str, Standing] = defaultdict(Standing)

    def drawn(self) -> Group:
        """Its own bars first: on a low screen the last jobs are cut off, never the total."""
        return Group(self.own, self.jobs)

    def stage(self, name: str) -> None:
        self._pace = Pace()
        for task in self._tasks.values():
            self.own.remove_task(task)
        self._tasks.clear()
        self._standings.clear()
        self._show(name, 0, 0, "")

    def stage_ended(self, name: str, seconds: float) -> None:
        if name in self._tasks:
            self.own.remove_task(self._tasks.pop(name))
        self.line(f"{name}: {seconds:.1f} s", "dim")

    def epoch(self, event: events.EpochEnded) -> None:
        left = clock(self._pace.after(event))
        self._show("training", event.epoch, event.epochs, wording.epoch(event), left)

    def progress(self, event: events.Progress) -> None:
        self._standings[event.task].progress(event)
        self._show_standing(event.task)

    def line(self, text: str, style: str = "") -> None:
        self.screen.print(Text(redacted(text), style=style))

    def memory(self, size: int) -> None:
        """Not shown of this process."""

    def within(self, job: str) -> _JobLine:
        if job not in self._lines:
            self._lines[job] = _JobLine(self, job)
        return self._lines[job]

    def job_began(self, event: events.JobBegan) -> None:
        self._over(event.job)
        self.within(event.job).stage(f"attempt {event.attempt}" if event.attempt > 1 else "begun")

    def job_retried(self, event: events.JobRetried) -> None:
        self._over(event.job)
        self.line(wording.retried(event), wording.WARNING)

    def job_ended(self, event: events.JobEnded) -> None:
        most = self._lines[event.job].most if event.job in self._lines else 0
        self._over(event.job)
        self.line(*wording.ended(event, most))

    def job_epoch(self, job: str, event: events.EpochEnded) -> None:
        """A job has come so far."""
        self._standings[wording.JOBS].epoch(job, event)
        if wording.JOBS in self._tasks:
            self._show_standing(wording.JOBS)

    def _over(self, job: str) -> None:
        self._standings[wording.JOBS].over(job)
        if job in self._lines:
            self.jobs.remove_task(self._lines.pop(job).task)

    def _show_standing(self, task: str) -> None:
        now = self._standings[task]
        count = wording.count(events.Progress(task, now.ended, now.total))
        self._show(task, now.done, now.total, count, clock(now.left()))

    def _show(self, name: str, done: float, total: int, detail: str, eta: str = "") -> None:
        if name not in self._tasks:
            self._tasks[name] = self.own.add_task(name, total=total or None, detail="", eta="")
        self.own.update(
            self._tasks[name],
            completed=done,
            total=total or None,
            detail=detail,
            eta=_until(eta),
        )


@dataclass
class _JobLine:
    """One job under way: its stage or epoch, its losses, its memory, how long it will take."""

    board: _Board
    job: str
    most: int = 0
    task: TaskID = field(init=False)
    _pace: Pace = field(default_factory=Pace)

    def __post_init__(self) -> None:
        self.task = self.board.jobs.add_task(
            self.job, total=None, doing="", loss="", memory="", eta=""
        )

    def stage(self, name: str) -> None:
        self.board.jobs.update(self.task, doing=name, eta="")

    def stage_ended(self, name: str, seconds: float) -> None:
        """The next one shows."""

    def epoch(self, event: events.EpochEnded) -> None:
        left = clock(self._pace.after(event))
        self.board.jobs.update(
            self.task,
            completed=event.epoch,
            total=event.epochs,
            doing=f"epoch {event.epoch}/{event.epochs}",
            loss=f"loss {event.loss:.4f}, {event.validation_loss:.4f}",
            eta=_until(left),
        )
        self.board.job_epoch(self.job, event)

    def progress(self, event: events.Progress) -> None:
        self.board.jobs.update(self.task, doing=f"{event.task} {wording.count(event)}")

    def line(self, text: str, style: str = "") -> None:
        self.board.line(f"{self.job}: {text}", style)

    def memory(self, size: int) -> None:
        self.most = max(self.most, size)
        self.board.jobs.update(self.task, memory=memory(size))

    def within(self, job: str) -> _JobLine:  # noqa: ARG002 (what is within it shows as it does)
        return self

    def job_began(self, event: events.JobBegan) -> None:
        """Those within a job have no lines of their own."""

    def job_retried(self, event: events.JobRetried) -> None:
        """Likewise."""

    def job_ended(self, event: events.JobEnded) -> None:
        """Likewise."""


def _job_bars(screen: Console) -> Progress:
    """Bars of jobs, with as much after them as there is room for."""
    if screen.width < WIDE:
        return _bars(screen, [], 14, "doing", "eta")
    bar, widest = [BarColumn(bar_width=None)], max(screen.width // 4, 20)
    return _bars(screen, bar, widest, "doing", "loss", "memory", "eta")


def _bars(screen: Console, bar: list[BarColumn], widest: int, *fields: str) -> Progress:
    """Names, bars, and after them a column of at most so many characters for each field."""
    first = _text("{task.description}", max(screen.width // 5, 12))
    rest = (_text(f"{{task.fields[{name}]}}", widest) for name in fields)
    return Progress(first, *bar, *rest, console=screen, expand=True)


def _text(pattern: str, widest: int) -> TextColumn:
    column = Column(no_wrap=True, overflow="ellipsis", max_width=widest)
    return TextColumn(pattern, markup=False, table_column=column)


def _until(eta: str) -> str:
    return f"ETA {eta}" if eta else ""
