"""Each symbol's candle file in a folder, found by its name.

A file's name begins with the symbol, and may say the timeframe: `BTCUSDT_perp_1h_2023.parquet`.
Knows names alone; what is in a file is for whoever reads it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from atb.clock import TIMEFRAMES
from atb.errors import AtbError, DataError, UsageError
from atb.market.files import ENDINGS

Asked = tuple[str, str]  # symbol and timeframe
SHOWN = 8  # names in a message at most


@dataclass(frozen=True)
class _File:
    """A candle file and the words of its name."""

    path: Path
    words: tuple[str, ...]

    def is_of(self, symbol: str) -> bool:
        wanted = _words(symbol)
        return self.words[: len(wanted)] == wanted

    @property
    def timeframes(self) -> set[str]:
        return {word for word in self.words if word in TIMEFRAMES}


def find(place: Path, asked: Iterable[Asked]) -> dict[Asked, Path]:
    """The file of each symbol and timeframe.

    Args:
        place: a folder, or a pattern for the names in one, such as `data/*perp*`; or one file, for
            a single symbol and timeframe.
        asked: what is looked for.

    Raises:
        UsageError: when several files could be meant, or a file is given for several symbols;
            lists them, and says how to choose.
        DataError: when there is none for a symbol; lists what was found.
    """
    wanted = list(dict.fromkeys(asked))
    if not place.is_dir() and not _is_pattern(place):
        return _one(place, wanted)
    files = _files(place)
    fitting = {one: _fitting(files, *one) for one in wanted}
    if any(len(found) != 1 for found in fitting.values()):
        raise _refusal(place, files, fitting)
    return {one: found[0].path for one, found in fitting.items()}


def _one(path: Path, wanted: Sequence[Asked]) -> dict[Asked, Path]:
    """A single file, for what alone is asked for; whether it is there is seen when it is read."""
    if len(wanted) > 1:
        raise UsageError(
            f"one file cannot be the candles of {', '.join(' '.join(one) for one in wanted)}",
            where=str(path),
            remedy="give the folder that holds a file for each of them",
        )
    return dict.fromkeys(wanted, path)


def _is_pattern(place: Path) -> bool:
    return not place.exists() and any(sign in place.name for sign in "*?[")


def _files(place: Path) -> list[_File]:
    """Candle files of a folder, or those in it whose names fit the pattern."""
    folder, pattern = (place, "*") if place.is_dir() else (place.parent, place.name)
    if not folder.is_dir():
        raise DataError("there is no such folder", where=str(folder), remedy="check the path")
    return [
        _File(path, _words(path.stem))
        for path in sorted(folder.iterdir())
        if path.suffix in ENDINGS and path.is_file() and fnmatchcase(path.name, pattern)
    ]


def _words(name: str) -> tuple[str, ...]:
    """The words of a name; a symbol is one however it is written, a timeframe as it stands.

    >>> _words("btc-perp_1h_2023")
    ('BTC', 'PERP', '1h', '2023')
    """
    found = filter(None, re.split(r"[^A-Za-z0-9]+", name))
    return tuple(word if word in TIMEFRAMES else word.upper() for word in found)


def _fitting(files: Sequence[_File], symbol: str, timeframe: str) -> list[_File]:
    """Files of a symbol that say the timeframe, or else those that say none."""
    own = [one for one in files if one.is_of(symbol)]
    saying = [one for one in own if timeframe in one.timeframes]
    return saying or [one for one in own if not one.timeframes]


def _refusal(
    place: Path, files: Sequence[_File], fitting: Mapping[Asked, Sequence[_File]]
) -> AtbError:
    """What is ambiguous or missing of all that was asked for, at once."""
    said, missing = [], False
    for (symbol, timeframe), found in fitting.items():
        if len(found) > 1:
            said.append(f"{symbol} {timeframe} may be {_listed(found, ' or ')}")
        elif not found:
            missing = True
            own = [one for one in files if one.is_of(symbol)]
            there = f"of it there is {_listed(own)}" if own else f"there is {_listed(files)}"
            said.append(f"no file is named {symbol} with {timeframe}; {there}")
    what = "; ".join(said)
    if missing:
        remedy = "leave that symbol out, or give another --candles or --timeframe"
        return DataError(what, where=str(place), remedy=remedy)
    return UsageError(what, where=str(place), remedy=_choice(place, files, fitting))


def _choice(place: Path, files: Sequence[_File], fitting: Mapping[Asked, Sequence[_File]]) -> str:
    """How to say which is meant: by a word that one file of each symbol has, where there is one."""
    folder = place if place.is_dir() else place.parent
    several = [found for found in fitting.values() if len(found) > 1]
    if len(fitting) == 1:
        return f"name the one that is meant, as --candles {several[0][0].path}"
    words = sorted(
        {w for found in several for w in _telling(found)}, key=lambda w: (w.isdigit(), w)
    )
    for word in words:
        left = [one for one in files if word in one.words]
        if all(len(_fitting(left, *one)) == 1 for one in fitting):
            written = re.search(word, " ".join(one.path.name for one in left), re.IGNORECASE)
            shown = written.group() if written else word
            return f"say which with a pattern in quotes, as --candles '{folder / f'*{shown}*'}'"
    return (
        "say which with a pattern in quotes, as "
        f"--candles '{folder / '*WORD*'}', or put one file for each symbol into a folder"
    )


def _telling(found: Sequence[_File]) -> set[str]:
    """Words that some of the files have and others have not."""
    each = [set(one.words) for one in found]
    return each[0].union(*each) - each[0].intersection(*each)


def _listed(files: Sequence[_File], joint: str = ", ") -> str:
    """Names of files, the first few of many."""
    names = [one.path.name for one in files]
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return (joint.join(names[:SHOWN]) or "no candle file") + more
