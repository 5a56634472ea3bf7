"""Events of a job, or of several side by side, as one screen on a terminal, plain lines elsewhere.

Knows every record of `atb.events` and nothing of who sends them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console

from atb import events
from atb_cli import progress_board, progress_lines
from atb_cli.render import console
from atb_cli.wording import WARNING


class _View(Protocol):
    """What either kind of screen must be able to show."""

    def stage(self, name: str) -> None: ...
    def stage_ended(self, name: str, seconds: float) -> None: ...
    def epoch(self, event: events.EpochEnded) -> None: ...
    def progress(self, event: events.Progress) -> None: ...
    def line(self, text: str, style: str = "") -> None: ...
    def memory(self, size: int) -> None: ...
    def within(self, job: str) -> _View: ...
    def job_began(self, event: events.JobBegan) -> None: ...
    def job_retried(self, event: events.JobRetried) -> None: ...
    def job_ended(self, event: events.JobEnded) -> None: ...


@contextmanager
def shown() -> Iterator[events.Listener]:
    """Yield a listener that shows events on stderr until the body ends."""
    screen = console()
    if not screen.is_terminal or screen.is_dumb_terminal:  # which cannot redraw a line
        yield lines(screen)
        return
    with progress_board.shown(screen) as board:
        yield _listener(board)


def lines(screen: Console) -> events.Listener:
    """A listener that shows events as plain lines, whatever else is on the screen."""
    return _listener(progress_lines.view(screen))


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
                view.line(f"warning: {message}", WARNING)
            case events.Memory(size):
                view.memory(size)
            case events.Within(job, inner):
                _listener(view.within(job))(inner)
            case events.JobBegan():
                view.job_began(event)
            case events.JobRetried():
                view.job_retried(event)
            case events.JobEnded():
                view.job_ended(event)

    return listen
