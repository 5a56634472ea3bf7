"""The journal of a symbol's promotions: lines of JSON, each with the hash of the one before.

Whoever changes, drops, adds or moves a line breaks the chain, and a journal whose chain is broken
is neither read nor written. It knows how entries are written down, not what follows from them.
"""

from __future__ import annotations

import getpass
import hashlib
import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from atb import atomic
from atb.errors import IntegrityError

NAME = "promotions.jsonl"
START = "0" * 64  # the hash before the first line
REMEDY = "do not promote; restore the journal from a backup"

Action = Literal["promote", "rollback"]


@dataclass(frozen=True)
class Entry:
    """One thing that was done.

    Attributes:
        sequence: its number, from 1.
        previous: SHA-256 of the line before, without its line end; zeros before the first.
        symbol: whose journal it stands in.
        at: when, ISO 8601, UTC.
        by: user and machine.
        action: whether a model was promoted, or the one before it taken back.
        model: `SYMBOL/NAME/VERSION` that runs from then on.
        manifest: SHA-256 of that model's manifest.
        instead_of: the model that was promoted until then, if any.
        why: what whoever did it gave as the reason.
        gates: name, limits and figures of the gates that were passed; None for a rollback.
    """

    sequence: int
    previous: str
    symbol: str
    at: str
    by: str
    action: Action
    model: str
    manifest: str
    instead_of: str | None
    why: str
    gates: Mapping[str, Any] | None

    def to_json(self) -> dict[str, Any]:
        """The fields, ready for JSON."""
        return asdict(self)

    def line(self) -> bytes:
        """How it is written down, the line end left out."""
        return json.dumps(self.to_json(), sort_keys=True, allow_nan=False).encode()

    def sha256(self) -> str:
        """Hash of its line, which the next one names."""
        return hashlib.sha256(self.line()).hexdigest()


def whoever() -> str:
    """User and machine of this process."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container may run under a number without a name
        user = f"uid {os.getuid()}"
    return f"{user}@{platform.node()}"


def read(folder: Path, symbol: str) -> list[Entry]:
    """Every entry of a symbol's journal, oldest first; none where there is no journal.

    Raises:
        IntegrityError: naming the first line that is not as it was written, or not in its place.
    """
    path = folder / NAME
    if not path.exists() and not path.is_symlink():
        return []
    if path.is_symlink() or not path.is_file():
        raise IntegrityError("it is no plain file", where=str(path), remedy=REMEDY)
    content = path.read_bytes()
    *lines, rest = content.split(b"\n")
    entries: list[Entry] = []
    for number, line in enumerate(lines, 1):
        previous = entries[-1].sha256() if entries else START
        entries.append(_entry(line, (number, previous, symbol), f"{path}:{number}"))
    if rest or not entries:
        raise IntegrityError("it breaks off", where=f"{path}:{len(lines) + 1}", remedy=REMEDY)
    return entries


def write(folder: Path, entries: Sequence[Entry]) -> None:
    """Write a journal with one more entry; a crash leaves it without or with it, never half.

    Raises:
        StorageError: when the disk refuses.
    """
    atomic.write_bytes(folder / NAME, b"".join(entry.line() + b"\n" for entry in entries))


def _entry(line: bytes, expected: tuple[int, str, str], where: str) -> Entry:
    """The entry of a line that stands where it belongs."""
    try:
        entry = Entry(**json.loads(line))
        whole = entry.line() == line and entry.action in get_args(Action)
    except (ValueError, TypeError, RecursionError) as error:
        what = f"it is no entry of a journal ({type(error).__name__})"
        raise IntegrityError(what, where=where, remedy=REMEDY) from error
    if not whole:
        raise IntegrityError("it is not written the way an entry is", where=where, remedy=REMEDY)
    found = (entry.sequence, entry.previous, entry.symbol)
    for name, one, other in zip(("number", "line before", "symbol"), found, expected, strict=True):
        if one != other or type(one) is not type(other):
            what = f"the chain is broken: its {name} is {one!r}, not {other!r}"
            raise IntegrityError(what, where=where, remedy=REMEDY)
    return entry
