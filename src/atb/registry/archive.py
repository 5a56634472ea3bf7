"""Zip archives read strictly: known members, stored as they are, and nothing else in the file.

Since nothing is compressed, nothing can grow; since the end record is where it belongs and small,
the list of members cannot either. Nothing is ever unpacked to disk.
"""

from __future__ import annotations

import json
import re
import stat
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

MAX_BYTES = 100_000_000
MAX_MEMBERS = 32
_END = struct.Struct("<4s4H2LH")  # end of central directory, APPNOTE 4.3.16
_LOCATOR = 20  # bytes of what stands before the end in the 64-bit form
_DAMAGED = (zipfile.BadZipFile, EOFError, NotImplementedError, OSError, RuntimeError, ValueError)


class ArchiveError(Exception):
    """A file that is no archive as `atb` writes them."""


def contents(path: Path, limits: Mapping[str, int]) -> dict[str, bytes]:
    """Every member of an archive by name.

    Args:
        path: the file.
        limits: the most bytes of a member, by a pattern of its whole name.

    Raises:
        ArchiveError: for a member that is not expected, is too large, compressed, encrypted,
            repeated or no plain file, and for anything that is no such archive.
    """
    size = path.stat().st_size
    _require(size <= MAX_BYTES, f"it has {size} bytes, more than {MAX_BYTES}")
    _require_end(path, size)
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            _require_members(members, limits, size)
            return {member.filename: archive.read(member) for member in members}
    except _DAMAGED as error:
        raise ArchiveError(f"it is no whole archive ({error})") from error


def parsed(content: bytes) -> Any:
    """What JSON within an archive says.

    Raises:
        ArchiveError: when it is none, or nested without end.
    """
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ArchiveError(f"it holds JSON that is none ({type(error).__name__})") from error


def _require_end(path: Path, size: int) -> None:
    """The last bytes of the file are the end of a small list of members."""
    _require(size >= _END.size, f"it has {size} bytes, no archive")
    length = min(size, _END.size + _LOCATOR)
    with path.open("rb") as stream:
        stream.seek(size - length)
        tail = stream.read(length)
    mark, disk, start, here, members, _, _, comment = _END.unpack(tail[-_END.size :])
    plain = mark == b"PK\5\6" and disk == start == comment == 0 and here == members
    _require(plain, "it does not end as an archive does")
    _require(not tail.startswith(b"PK\6\7"), "it is an archive of the 64-bit form")
    _require(members <= MAX_MEMBERS, f"it has {members} members, more than {MAX_MEMBERS}")


def _require_members(members: list[zipfile.ZipInfo], limits: Mapping[str, int], size: int) -> None:
    names = [member.filename for member in members]
    _require(len(names) == len(set(names)), f"it has a member twice: {names[:MAX_MEMBERS]}")
    _require(len(names) <= MAX_MEMBERS, f"it has {len(names)} members, more than {MAX_MEMBERS}")
    _require(bool(members) and members[0].header_offset == 0, "it does not begin as an archive")
    whole = sum(member.file_size for member in members)
    _require(whole <= size, f"its members are to have {whole} bytes, the file has {size}")
    for member in members:
        name = member.filename
        limit = next((limits[one] for one in limits if re.fullmatch(one, name)), None)
        if limit is None:
            raise ArchiveError(f"it has the member {name!r}, which does not belong there")
        _require(
            member.file_size <= limit, f"{name} has {member.file_size} bytes, more than {limit}"
        )
        kind = stat.S_IFMT(member.external_attr >> 16)
        _require(kind in (0, stat.S_IFREG), f"{name} is no plain file")
        _require(not member.flag_bits & 1, f"{name} is encrypted")
        stored = member.compress_type == zipfile.ZIP_STORED
        _require(stored and member.compress_size == member.file_size, f"{name} is compressed")


def _require(holds: bool, words: str) -> None:
    if not holds:
        raise ArchiveError(words)
