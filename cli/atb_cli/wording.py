"""What is said of an event, on a terminal as in a log."""

from __future__ import annotations

from atb import events
from atb_cli.sizes import memory

JOBS = "jobs"  # the task that counts several jobs side by side
WARNING, FAILED, DONE = "bold yellow", "bold red", "green"


def epoch(event: events.EpochEnded) -> str:
    """Its number, its losses, its scores, and whether it is the best so far."""
    losses = f"loss {event.loss:.5f}  validation {event.validation_loss:.5f}"
    scores = "".join(f"  {name} {value:.4f}" for name, value in event.scores.items())
    best = "  best" if event.best else ""
    return f"epoch {event.epoch}/{event.epochs}  {losses}{scores}{best}"


def count(event: events.Progress) -> str:
    """How many, of how many if that is known."""
    return f"{event.done:,}/{event.total:,}" if event.total else f"{event.done:,}"


def began(event: events.JobBegan) -> str:
    """That a job has begun, and how often."""
    return f"{event.job}: begun{f', attempt {event.attempt}' if event.attempt > 1 else ''}"


def retried(event: events.JobRetried) -> str:
    """Why a job will be begun again."""
    return f"{event.job}: tried again: {event.problem}"


def ended(event: events.JobEnded, most: int) -> tuple[str, str]:
    """What is said of a job's end, and in which style; `most` is its memory in bytes, 0 unknown."""
    took = f"{event.seconds:.0f} s"
    if event.problem:
        return f"{event.job}: not done after {took}: {event.problem}", FAILED
    return f"{event.job}: done in {took}{f', {memory(most)} at most' if most else ''}", DONE
