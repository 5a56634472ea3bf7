"""LOBSTER's message and orderbook files, found two by two in a zip, a folder or side by side.

It knows names and how to open what they stand for, nothing of what is inside. A zip is read as
streams, never unpacked to the disk, so that no name in it ever becomes a path.
"""

from __future__ import annotations

import re
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import date
from functools import partial
from itertools import pairwise
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO

from atb.errors import DataError

NAME = re.compile(
    r"(?P<symbol>[A-Za-z0-9.\-]{1,30})_(?P<date>\d{4}-\d\d-\d\d)_(?P<start>\d{1,9})_(?P<end>\d{1,9})"
    r"_(?P<kind>message|orderbook)_(?P<depth>[1-9]\d{0,2})\.csv"
)
MAX_UNPACKED_BYTES = 64 * 2**30  # a day of 200 levels and some ten million events
MAX_RATIO = 500  # real books deflate 10 to 50 times, zeros 1,000 times
_TRUSTED_BYTES = 2**20  # whatever its ratio, a member as small as this harms nobody
_EXPECTED = "expected are TICKER_DATE_START_END_message_LEVELS.csv and ..._orderbook_LEVELS.csv"


@dataclass(frozen=True)
class Member:
    """One file, in a folder or a zip: `where` it is for errors, its `size` in bytes."""

    name: str
    where: str
    size: int
    open: Callable[[], AbstractContextManager[IO[bytes]]]


@dataclass(frozen=True)
class Pair:
    """The message and the orderbook file of one stretch of one day.

    Attributes:
        symbol: the ticker.
        date: the day in New York.
        start: ms after midnight at which the stretch begins.
        end: ms after midnight at which it ends.
        depth: number of levels of the orderbook file.
        message: the file of events.
        book: the file of states.
    """

    symbol: str
    date: date
    start: int
    end: int
    depth: int
    message: Member
    book: Member


def find(path: Path, symbol: str | None = None) -> list[Pair]:
    """All pairs of one ticker in a zip, a folder, or beside one of its two files, in time order.

    Args:
        path: the zip, the folder or the file.
        symbol: the ticker; needed where several lie together.

    Raises:
        DataError: when there are none, one lacks its other half, several tickers or levels are
            mixed, two overlap in time, or the zip is damaged, hostile or absurdly large.
    """
    pairs = _paired(_members(path), str(path))
    symbols = sorted({pair.symbol for pair in pairs})
    if len(symbols) > 1:
        pairs = [pair for pair in pairs if pair.symbol == symbol]
    if not pairs:
        raise DataError(
            f"it holds several tickers: {', '.join(symbols[:10])}",
            where=str(path),
            remedy="name one of them as the symbol",
        )
    depths = sorted({pair.depth for pair in pairs})
    if len(depths) > 1:
        raise DataError(
            f"it holds files of {' and '.join(map(str, depths))} levels",
            where=str(path),
            remedy="keep those of one depth together",
        )
    return _in_order(pairs, str(path))


def is_lobster(path: Path) -> bool:
    """Whether it is a zip or a folder with a file of LOBSTER's name, or such a file."""
    try:
        return bool(_members(path))
    except DataError:
        return False


@contextmanager
def unzipping(where: str) -> Iterator[None]:
    """Turn what `zipfile` raises, on opening and on reading, into a `DataError`."""
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise DataError(
            f"it cannot be read as zip ({error})", where=where, remedy="download it again"
        ) from error
    except (NotImplementedError, RuntimeError) as error:
        raise DataError(
            f"its zip is encrypted or packed in an unusual way ({error})",
            where=where,
            remedy="pack it again",
        ) from error
    except OSError as error:
        raise DataError(
            f"it cannot be read ({error.strerror or error})", where=where, remedy="check the path"
        ) from error


def _members(path: Path) -> list[Member]:
    """The files whose names are LOBSTER's."""
    with unzipping(str(path)):
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            return [_plain(file) for file in path.iterdir() if NAME.fullmatch(file.name)]
        if not stat.S_ISREG(mode):
            raise DataError("it is no plain file", where=str(path), remedy="give a zip or a folder")
        if NAME.fullmatch(path.name):
            kinds = (("_message_", "_orderbook_"), ("_orderbook_", "_message_"))
            both = (path.with_name(path.name.replace(*kind)) for kind in kinds)
            return [_plain(file) for file in both if file.exists()]
        return _zipped(path)


def _plain(path: Path) -> Member:
    if not path.is_file():
        raise DataError("it is no plain file", where=str(path), remedy="give the file itself")
    return Member(path.name, str(path), path.stat().st_size, lambda: path.open("rb"))


def _zipped(path: Path) -> list[Member]:
    """LOBSTER's files in a zip, of which no member may be hostile."""
    with zipfile.ZipFile(path) as bundle:
        infos = bundle.infolist()
    for info in infos:
        _refuse_outside(info.filename, path)
    wanted = [info for info in infos if NAME.fullmatch(PurePosixPath(info.filename).name)]
    for info in wanted:
        _refuse_absurd(info, path)
    return [
        Member(
            info.filename,
            f"{path}, {info.filename}",
            info.file_size,
            partial(_stream, path, info),
        )
        for info in wanted
    ]


@contextmanager
def _stream(path: Path, info: zipfile.ZipInfo) -> Iterator[IO[bytes]]:
    with zipfile.ZipFile(path) as bundle, bundle.open(info) as stream:
        yield stream


def _refuse_outside(name: str, path: Path) -> None:
    windows = PureWindowsPath(name)
    if windows.is_absolute() or windows.drive or windows.root or ".." in windows.parts:
        raise DataError(
            f"a member's path leaves the folder: {name[:60]!r}",
            where=str(path),
            remedy="take it from a source you trust",
        )


def _refuse_absurd(info: zipfile.ZipInfo, path: Path) -> None:
    """Refuse links, and what could only have been made to fill memory or disk."""
    if stat.S_ISLNK(info.external_attr >> 16):
        raise DataError(
            f"the zip holds a link, {info.filename[:60]!r}",
            where=str(path),
            remedy="pack the file itself",
        )
    ratio = info.file_size / max(info.compress_size, 1)
    large = info.file_size > _TRUSTED_BYTES and ratio > MAX_RATIO
    if large or info.file_size > MAX_UNPACKED_BYTES:
        raise DataError(
            f"{info.filename[:60]!r} would unpack to {info.file_size:,} bytes, {ratio:,.0f} times "
            f"its packed size; {MAX_UNPACKED_BYTES:,} bytes and {MAX_RATIO} times are allowed",
            where=str(path),
            remedy="unzip it yourself if you trust it, and give the folder",
        )


def _paired(members: Iterable[Member], where: str) -> list[Pair]:
    """Members two by two, by their folder and name."""
    halves: dict[tuple[str, ...], dict[str, Member]] = {}
    for member in members:
        place = PurePosixPath(member.name)
        match = NAME.fullmatch(place.name)
        if match is not None:
            symbol, day, start, end, kind, depth = match.groups()
            key = (str(place.parent), symbol, day, start, end, depth)
            halves.setdefault(key, {})[kind] = member
    if not halves:
        raise DataError("no LOBSTER files are in it", where=where, remedy=_EXPECTED)
    for both in halves.values():
        if len(both) == 1:
            kind, member = next(iter(both.items()))
            other = {"message": "orderbook", "orderbook": "message"}[kind]
            raise DataError(
                f"its {other} file is missing",
                where=member.where,
                remedy=f"put {other} and {kind} file beside each other",
            )
    return [_pair(key, both) for key, both in halves.items()]


def _pair(key: tuple[str, ...], both: dict[str, Member]) -> Pair:
    _, symbol, day, start, end, depth = key
    try:
        when = date.fromisoformat(day)
    except ValueError as error:
        raise DataError(
            f"{day} in its name is no date ({error})",
            where=both["message"].where,
            remedy="name the file as LOBSTER does",
        ) from error
    return Pair(symbol, when, int(start), int(end), int(depth), both["message"], both["orderbook"])


def _in_order(pairs: list[Pair], where: str) -> list[Pair]:
    ordered = sorted(pairs, key=lambda pair: (pair.date, pair.start))
    for before, after in pairwise(ordered):
        if before.date == after.date and after.start < before.end:
            raise DataError(
                f"{before.book.name} and {after.book.name} overlap in time",
                where=where,
                remedy="keep one of them",
            )
    return ordered
