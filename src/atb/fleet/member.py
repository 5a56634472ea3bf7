"""A task at work, as its parent sees it: begin, listen, watch, kill, say how it ended.

Knows one process and its line; which is begun when is the scheduler's business.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing import connection, resource_tracker
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any

from atb.errors import AtbError
from atb.fleet import failure
from atb.fleet.failure import Failure
from atb.fleet.queue import Task
from atb.fleet.watch import Usage
from atb.fleet.worker import Done, Starved, work

_SPAWN = multiprocessing.get_context("spawn")


@dataclass
class Member:
    """A task and its process.

    Attributes:
        task: what it does.
        process: who does it; it leads a process group of its own.
        line: where its messages arrive.
        log: what it says on stderr.
        began: monotonic seconds.
        alive_at: monotonic seconds when it last said something or took processor time.
        used: seconds of processor time when it was last looked at.
        last_word: what it said at its end.
        killed: why it was killed from here.
        asked: whether it was asked to stop.
        hung_up: whether its end of the line is closed.
    """

    task: Task
    process: SpawnProcess
    line: connection.Connection
    log: Path
    began: float = field(default_factory=time.monotonic)
    alive_at: float = field(default_factory=time.monotonic)
    used: float = 0.0
    last_word: Done | Starved | AtbError | None = None
    killed: Failure | None = None
    asked: bool = False
    hung_up: bool = False

    @classmethod
    def begin(cls, task: Task, logs: Path) -> Member:
        """Give a task a process; it waits for its job."""
        line, far_end = _SPAWN.Pipe()
        log = logs / f"{task.job.name}.log"
        level = logging.getLogger("atb").getEffectiveLevel()
        given = (far_end, log, level, task.job.cores)
        process = _SPAWN.Process(target=work, args=given, name=task.job.name)
        with _no_interrupt():
            process.start()
        far_end.close()  # the child's alone: when it dies, the line ends
        task.attempts += 1
        return cls(task, process, line, log)

    def give(self) -> None:
        """Send it its job."""
        with suppress(BrokenPipeError, ConnectionResetError):  # it is dead; that is seen later
            self.line.send(self.task.job)

    def ask_to_stop(self) -> None:
        """Ask its process to end soon and well."""
        if not self.asked:
            self.asked = True
            self.process.terminate()

    def end(self) -> None:
        """Kill its process and all that it has begun; nothing is left of them."""
        with suppress(ProcessLookupError):  # not yet a group, or no more
            os.killpg(self.process.ident or 0, signal.SIGKILL)
        self.process.kill()
        self.process.join()

    def events(self) -> Iterator[Any]:
        """What it told since it was last asked; its last word is kept."""
        for message in self._said():
            self.alive_at = time.monotonic()
            if isinstance(message, Done | Starved | AtbError):
                self.last_word = message
            else:
                yield message

    def look(self, usage: Usage, allowed: float | None, silent_seconds: float) -> None:
        """Kill it if it holds more than it may, or hangs.

        Args:
            usage: of its process group.
            allowed: bytes; None for no limit.
            silent_seconds: how long it may do nothing.
        """
        now = time.monotonic()
        if usage.seconds != self.used:
            self.used, self.alive_at = usage.seconds, now
        self.task.memory = max(self.task.memory, usage.memory)
        if allowed is not None and usage.memory > allowed:
            self.killed = failure.greedy(usage.memory, allowed)
        elif now - self.alive_at > silent_seconds:
            self.killed = failure.hung(now - self.alive_at)
        if self.killed is not None:
            self.end()

    def ended(self) -> Done | Failure:
        """How it ended, once its process has."""
        self.end()
        self.line.close()
        self.task.seconds += time.monotonic() - self.began
        match self.last_word:
            case Done():
                self.log.unlink(missing_ok=True)
                return self.last_word
            case Starved(said):
                return failure.starved(said)
            case AtbError():
                return failure.raised(self.last_word)
        code = self.process.exitcode or 0
        return self.killed or failure.died(code, self.log, asked=self.asked)

    def _said(self) -> Iterator[Any]:
        """Its messages so far; a listener's own errors are none of the line's."""
        try:
            while not self.hung_up and self.line.poll():
                yield self.line.recv()
        except (EOFError, OSError):  # it ended, perhaps within a word
            self.hung_up = True


@contextmanager
def _no_interrupt() -> Iterator[None]:
    """Hold SIGINT back, also from a process begun meanwhile, until that takes it itself.

    Ctrl-C reaches everyone in a terminal; one that has not yet left its parent's process group
    would die of it, with a traceback for the user.
    """
    resource_tracker.ensure_running()  # where it begins with the first process, it lifts the hold
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
