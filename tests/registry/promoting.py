"""Processes that promote and roll back, killed at every step or racing each other.

A script without TensorFlow, run by `test_promotion.py`:
`promoting.py crash ROOT` and `promoting.py race ROOT PROCESSES TIMES KILLS`. It forks each victim,
which is safe and cheap in a process this small.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from atb.errors import UsageError
from atb.registry import integrity, promotion, store
from atb.registry.promotion import Grounds, OvertakenError
from atb.workspace import Workspace

SYMBOL = "BTCUSDT"
GROUNDS = Grounds("better", {"name": "default"})


def add(workspace: Workspace, count: int) -> list[Any]:
    """So many small models."""
    files = {"config.json": lambda path: path.write_bytes(os.urandom(20))}
    names = [f"20240131T12{n // 60:02d}{n % 60:02d}Z" for n in range(count)]
    return [store.add(workspace, SYMBOL, "fast", name, files) for name in names]


def register(workspace: Workspace) -> Any:
    """One more model of a name that all processes want."""
    files = {"config.json": lambda path: path.write_bytes(os.urandom(20))}
    return store.add(workspace, SYMBOL, "fast", "20240131T130000Z", files)


def promote(workspace: Workspace, version: Any) -> Any:
    """Promote without gates, again when another process was first."""
    while True:
        try:
            seen = promotion.read(workspace, SYMBOL)
            return promotion.promote(workspace, version, seen, GROUNDS)
        except OvertakenError:
            continue


def forked(act: Callable[[], None]) -> int:
    """The id of a child that does this and nothing else."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            act()
            code = 0
        finally:
            os._exit(code)
    return child


def dying(point: int) -> None:
    """Let this process end at one of its calls that reach the disk."""
    left = [point]

    def counted(call: Callable[..., Any]) -> Callable[..., Any]:
        def step(*words: Any, **options: Any) -> Any:
            left[0] -= 1
            if left[0] == 0:
                os._exit(9)
            return call(*words, **options)

        return step

    os.fsync = counted(os.fsync)
    Path.replace = counted(Path.replace)  # type: ignore[method-assign]
    Path.write_bytes = counted(Path.write_bytes)  # type: ignore[method-assign]


def state(workspace: Workspace) -> dict[str, Any]:
    """What runs, what is written down, and what lies about."""
    found = promotion.read(workspace, SYMBOL)
    try:
        runs = promotion.promoted(workspace, SYMBOL).version
    except UsageError:
        runs = None
    home = workspace.model_root / SYMBOL
    return {
        "runs": runs,
        "written": [f"{one.action} {one.model.rpartition('/')[2]}" for one in found.entries],
        "leftovers": len(list(home.glob(".*.tmp"))),
    }


def crash(root: Path) -> None:
    """One line for each step of each command: what was left, and what the command again makes."""
    base = Workspace(root / "base")
    one, other = add(base, 2)
    commands: dict[str, Callable[[Workspace], object]] = {
        "first": lambda workspace: promote(workspace, one),
        "second": lambda workspace: promote(workspace, other),
        "rollback": lambda workspace: promotion.rollback(workspace, SYMBOL, ""),
    }
    for name, command in commands.items():
        before, point, code = state(base), 0, 9
        while code == 9:
            point += 1
            copy = Workspace(root / f"{name}-{point}")
            shutil.copytree(base.root, copy.root)
            child = forked(lambda p=point, w=copy, c=command: (dying(p), c(w)))  # type: ignore[misc]
            code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            left = state(copy)
            report = {"command": name, "point": point, "code": code, "before": before, "left": left}
            if name != "rollback" or left["runs"] == before["runs"]:
                command(copy)
            report["again"] = state(copy)
            sys.stdout.write(json.dumps(report) + "\n")
        command(base)


def whole(workspace: Workspace) -> list[str]:
    """Every model that is listed, each verified."""
    found = store.versions(workspace, SYMBOL)
    for version in found:
        integrity.verify(version.path)
    return [version.reference for version in found]


def race(root: Path, processes: int, times: int, kills: int) -> None:
    """One line: what each process was told, and what is left in the end."""
    workspace, draw = Workspace(root), random.Random(1)
    models = add(workspace, 1)
    told = [root / f"told-{number}" for number in range(processes)]

    def work(number: int) -> None:
        with told[number].open("w") as said:
            for turn in range(times):
                if turn % 3 == 2:
                    try:
                        entry = promotion.rollback(workspace, SYMBOL, str(number))
                    except UsageError:
                        continue  # nothing to go back to
                else:
                    version = register(workspace)
                    said.write(f"{version.reference}\n")
                    said.flush()
                    entry = promote(workspace, version)
                said.write(f"{entry.sequence} {entry.sha256()}\n")
                said.flush()

    def watch() -> None:
        while True:
            try:
                promotion.promoted(workspace, SYMBOL)
            except UsageError:
                continue  # before the first
            with (root / "read").open("a") as seen:
                seen.write("1")
            time.sleep(0.001)

    reader = forked(watch)
    children = [forked(lambda n=number: work(n)) for number in range(processes)]  # type: ignore[misc]
    victims = draw.sample(children, kills)
    for victim in victims:
        time.sleep(draw.uniform(0.0, 0.1))
        os.kill(victim, signal.SIGKILL)
    codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    alive = os.waitpid(reader, os.WNOHANG)[0] == 0
    os.kill(reader, signal.SIGKILL)
    entries = {one.sequence: one.sha256() for one in promotion.read(workspace, SYMBOL).entries}
    begin = time.perf_counter()
    promote(workspace, models[0])
    report = {
        "codes": codes,
        "reader": alive,
        "reads": len((root / "read").read_text()),
        "versions": whole(workspace),
        "told": [path.read_text().split("\n")[:-1] for path in told],
        "entries": entries,
        "seconds": time.perf_counter() - begin,
        "left": state(workspace),
    }
    sys.stdout.write(json.dumps(report) + "\n")


if __name__ == "__main__":
    words = sys.argv[1:]
    if words[0] == "crash":
        crash(Path(words[1]))
    else:
        race(Path(words[1]), *map(int, words[2:]))
