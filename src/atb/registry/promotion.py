"""Which model of a symbol runs: a pointer, moved only together with a line in the journal.

The journal is written first, then the pointer. A crash between the two leaves the old model running
and a journal that says what was about to run; the next promotion or rollback goes on from the
journal. Knows folders and names; whether a model deserves it is asked before.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from atb import atomic
from atb.clock import iso, now_ms
from atb.errors import IntegrityError, StorageError, UsageError
from atb.registry import integrity, journal, manifest
from atb.registry.journal import Action, Entry
from atb.registry.version import Version, check_version
from atb.workspace import Workspace, check_symbol

POINTER = "promoted.json"
REMEDY = f"restore {POINTER} and {journal.NAME} from a backup, or move both away and promote again"


class OvertakenError(StorageError):
    """Another process promoted or took back a model since the journal was read."""


@dataclass(frozen=True)
class State:
    """What was promoted of a symbol, verified.

    Attributes:
        entries: the journal, oldest first.
        pointed: sequence of the entry that the pointer names; 0 where there is no pointer.
    """

    entries: Sequence[Entry]
    pointed: int

    @property
    def current(self) -> Entry | None:
        """The entry that the pointer names: the model that runs; None where none does."""
        return self.entries[self.pointed - 1] if self.pointed else None

    @property
    def pending(self) -> bool:
        """Whether a command was killed before what it wrote down took effect."""
        return self.pointed < len(self.entries)

    @property
    def line(self) -> list[Entry]:
        """The promotions that were not taken back, oldest first; the last one runs."""
        kept: list[Entry] = []
        for entry in self.entries:
            if entry.action == "rollback":
                kept.pop()
            else:
                kept.append(entry)
        return kept

    @property
    def running(self) -> Entry | None:
        """The promotion that stands, as the journal says."""
        return self.line[-1] if self.line else None


@dataclass(frozen=True)
class Grounds:
    """Why a model is promoted: the reason given, and the gates it passed."""

    why: str
    gates: Mapping[str, Any]


def read(workspace: Workspace, symbol: str) -> State:
    """What the pointer and the journal of a symbol say.

    Raises:
        UsageError: when the symbol cannot be one.
        IntegrityError: when either is damaged, or the pointer names no line of the journal.
    """
    home = _home(workspace, symbol)
    pointer = _pointer(home)
    entries = journal.read(home, symbol)
    if pointer is None and len(entries) > 1:
        pointer = _pointer(home)  # written meanwhile, or gone
    if pointer is None:
        if len(entries) > 1:
            raise _error(f"there is no {POINTER}, but a journal of {len(entries)} lines", home)
        return State(entries, 0)
    sequence = pointer.get("sequence")
    if type(sequence) is not int or not 0 < sequence <= len(entries):
        what = f"it names line {sequence!r} of a journal of {len(entries)} lines"
        raise _error(what, home / POINTER)
    if pointer != _pointed(entries[sequence - 1]):
        raise _error(f"it is not what line {sequence} of the journal says", home / POINTER)
    return State(entries, sequence)


def promoted(workspace: Workspace, symbol: str) -> Version:
    """The model that runs, with the manifest it was promoted with.

    Raises:
        UsageError: when none was promoted.
        IntegrityError: when pointer, journal or manifest are not what they were.
    """
    current = read(workspace, symbol).current
    if current is None:
        raise UsageError(
            f"no model of {symbol} is promoted",
            remedy=f"promote one with: atb models promote {symbol} VERSION",
        )
    return version_of(workspace, current)


def version_of(workspace: Workspace, entry: Entry) -> Version:
    """The model of an entry.

    Raises:
        IntegrityError: when its manifest is not the one it was promoted with.
    """
    try:
        symbol, name, word = entry.model.split("/")
        place = workspace.models(symbol, name) / check_version(word)
    except (ValueError, AttributeError, TypeError, UsageError) as error:
        what = f"line {entry.sequence} names {entry.model!r}, no model"
        raise _error(what, _home(workspace, entry.symbol) / journal.NAME) from error
    version = Version(symbol, name, word, place)
    if symbol != entry.symbol or _fingerprint(version) != entry.manifest:
        raise IntegrityError(
            "its manifest is not the one it was promoted with",
            where=str(place),
            remedy=f"restore the model from a backup, or: atb models rollback {entry.symbol}",
        )
    return version


def promote(workspace: Workspace, version: Version, seen: State, grounds: Grounds) -> Entry:
    """Let a model run from now on; nothing is written down when it does so already, unchanged.

    Args:
        workspace: where models lie.
        version: a model that has passed its gates.
        seen: what was promoted when it passed them.
        grounds: why.

    Raises:
        OvertakenError: when that has changed since.
        IntegrityError: when pointer or journal are damaged.
        StorageError: when the disk refuses.
    """
    with _locked(workspace, version.symbol) as state:
        if state.entries != seen.entries:
            raise OvertakenError(
                f"another model of {version.symbol} was promoted meanwhile",
                remedy="run it again, to be compared with that one",
            )
        running = state.running
        now = (version.reference, _fingerprint(version))
        if running is None or (running.model, running.manifest) != now:
            return _record(workspace, state, "promote", version, grounds)
        if state.pending:
            _point(workspace, state.entries[-1])
        return running


def rollback(workspace: Workspace, symbol: str, why: str) -> Entry:
    """Let the model run again that was promoted before the present one.

    A rollback that was written down and then killed takes effect now, and no further one is made.

    Raises:
        UsageError: when none was promoted before.
        IntegrityError: when that model is not as it was, or pointer or journal are damaged.
        StorageError: when the disk refuses.
    """
    if not read(workspace, symbol).entries:
        raise _first_of_all(symbol, "none is promoted")  # and no folder is made
    with _locked(workspace, symbol) as state:
        last = state.entries[-1] if state.pending else None
        if last and last.action == "rollback":
            integrity.verify(version_of(workspace, last).path)
            _point(workspace, last)
            return last
        if len(state.line) < 2:
            raise _first_of_all(symbol, f"{state.line[0].model} is the first")
        before = version_of(workspace, state.line[-2])
        integrity.verify(before.path)
        return _record(workspace, state, "rollback", before, Grounds(why, {}))


def _first_of_all(symbol: str, why: str) -> UsageError:
    return UsageError(
        f"there is no model of {symbol} to go back to: {why}",
        remedy=f"see: atb models history {symbol}",
    )


@contextmanager
def _locked(workspace: Workspace, symbol: str) -> Iterator[State]:
    """What was promoted, which no other process changes meanwhile."""
    home = atomic.make_folder(workspace.inside(_home(workspace, symbol)))
    with atomic.locked(home / ".lock"):
        atomic.remove_leftovers(home)
        yield read(workspace, symbol)


def _record(
    workspace: Workspace, state: State, action: Action, version: Version, grounds: Grounds
) -> Entry:
    """Write down what is done, then do it."""
    running, last = state.running, state.entries[-1] if state.entries else None
    entry = Entry(
        sequence=len(state.entries) + 1,
        previous=last.sha256() if last else journal.START,
        symbol=version.symbol,
        at=iso(now_ms()),
        by=journal.whoever(),
        action=action,
        model=version.reference,
        manifest=_fingerprint(version),
        instead_of=running.model if running else None,
        why=grounds.why,
        gates=dict(grounds.gates) or None,
    )
    journal.write(_home(workspace, version.symbol), [*state.entries, entry])
    _point(workspace, entry)
    return entry


def _point(workspace: Workspace, entry: Entry) -> None:
    atomic.write_json(_home(workspace, entry.symbol) / POINTER, _pointed(entry))


def _pointed(entry: Entry) -> dict[str, Any]:
    """What the pointer to an entry holds."""
    return {
        "model": entry.model,
        "manifest": entry.manifest,
        "sequence": entry.sequence,
        "entry": entry.sha256(),
    }


def _pointer(home: Path) -> dict[str, Any] | None:
    """What the pointer holds; None where there is none."""
    path = home / POINTER
    if not path.exists() and not path.is_symlink():
        return None
    if path.is_symlink() or not path.is_file() or path.stat().st_size > manifest.MAX_BYTES:
        raise _error("it is no plain small file", path)
    try:
        found = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise _error(f"it is no JSON ({type(error).__name__})", path) from error
    if not isinstance(found, dict):
        raise _error(f"it holds {found!r}, no pointer", path)
    return found


def _fingerprint(version: Version) -> str:
    """SHA-256 of a model's manifest, and so of all its files."""
    manifest.read(version.path)
    return manifest.entry_of(version.path / manifest.NAME).sha256


def _home(workspace: Workspace, symbol: str) -> Path:
    return workspace.model_root / check_symbol(symbol)


def _error(what: str, path: Path) -> IntegrityError:
    return IntegrityError(what, where=str(path), remedy=REMEDY)
