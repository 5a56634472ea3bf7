"""A person's own features: functions of a file or module that take a frame of candles.

    def momentum(candles):
        return candles["close"] / candles["close"].shift(24) - 1

A function takes one argument, a `pandas.DataFrame` with the columns `date` (open time, UTC),
`open`, `high`, `low`, `close` and `volume`, a row per bar. It returns one value per row, as a
Series, an array or a list, or several in a frame: the columns that it added or changed are its
features. A Series that kept the frame's index may lack rows. TensorFlow is not needed.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from atb.audit import rows
from atb.audit.lookahead import BARS, Subject, examine
from atb.audit.report import Audit
from atb.errors import ConfigError, DataError, UsageError
from atb.extras import import_named, require
from atb.market.candles import COLUMNS, Candles
from atb.market.history import History

Float64 = npt.NDArray[np.float64]
Feature = Callable[[Any], Any]

PAST = 1_000  # rows before those that are cut at, for features that look back

# What goes wrong in somebody else's arithmetic; anything else is a bug and ends as one.
_FAILURES = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    ImportError,
    LookupError,
    NameError,
    OSError,
    RuntimeError,
    StopIteration,
    SystemExit,  # else code that ends the process, as scripts do, would end the audit as clean
    TypeError,
    ValueError,
)


@dataclass(frozen=True)
class Own:
    """Features somebody wrote.

    Attributes:
        where: the file or module they are from.
        features: functions of one argument, by name.
        left_out: names of public functions that take none or several.
    """

    where: str
    features: dict[str, Feature]
    left_out: tuple[str, ...]


def load(reference: str) -> Own:
    """The public functions of one argument that a file `NAME.py` or a module defines itself.

    The module is run, as any import is.

    Raises:
        UsageError: when there is no such file or module, or it holds no such function.
        ConfigError: when running it fails.
    """
    with _here_on_path(reference):
        try:
            module = import_named(reference)
        except (SyntaxError, *_FAILURES) as error:
            raise ConfigError(
                f"it cannot be imported: {type(error).__name__}: {error}", where=reference
            ) from error
    public: dict[str, Feature] = {
        name: member
        for name, member in vars(module).items()
        if inspect.isfunction(member)
        and member.__module__ == module.__name__
        and not name.startswith("_")
    }
    features = {name: member for name, member in public.items() if _takes_one(member)}
    if not features:
        raise UsageError(
            "it defines no public function of one argument",
            where=reference,
            remedy="write features as def NAME(candles): ..., one value per row",
        )
    return Own(reference, features, tuple(sorted(public.keys() - features.keys())))


@contextmanager
def _here_on_path(reference: str) -> Iterator[None]:
    """What lies beside the file, or in this folder, can be imported, as `python` allows it."""
    path = Path(reference)
    place = str((path.parent if path.suffix == ".py" else Path()).resolve())
    sys.path.insert(0, place)
    try:
        yield
    finally:
        sys.path.remove(place)


def _takes_one(member: Feature) -> bool:
    """Whether it needs one positional argument and no more."""
    open_ended = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    parameters = inspect.signature(member).parameters.values()
    needed = [p for p in parameters if p.default is p.empty and p.kind not in open_ended]
    return len(needed) == 1 and needed[0].kind is not inspect.Parameter.KEYWORD_ONLY


def audit(own: Own, candles: Candles, bars: int = BARS) -> Audit:
    """Each feature of a file or module, on the last rows of candles.

    Raises:
        DataError: when a function fails, or gives other than one value per row, or the rows are
            too few.
        ResourceError: when pandas is not installed.
    """
    rows.require(candles, bars + 1, own.where)
    part = candles.rows(max(len(candles) - bars - PAST, 0), len(candles))
    findings = [
        finding
        for name, feature in own.features.items()
        for finding in examine(subject(name, feature, part, own.where), part, bars)
    ]
    return Audit("module", own.where, len(part), tuple(findings))


def subject(name: str, feature: Feature, candles: Candles, where: str) -> Subject:
    """A function as what an audit runs: one value per feature it makes of `candles`.

    Raises:
        DataError: when it fails, or gives other than one value per row.
        ResourceError: when pandas is not installed.
    """
    place = f"{where}: {name}"
    names = tuple(_columns(name, feature, candles, place))

    def compute(histories: Sequence[History]) -> Float64:
        longest = max(map(len, histories))
        made = np.full((len(histories), longest, len(names)), np.nan)
        for part, history in zip(made, histories, strict=True):
            found = _columns(name, feature, history, place, names)
            if tuple(found) != names:
                raise DataError(
                    f"it gives {', '.join(found) or 'nothing'} of {len(history)} rows, "
                    f"{', '.join(names)} of {len(candles)}",
                    where=place,
                    remedy="return the same columns whatever the rows",
                )
            part[: len(history)] = np.stack(list(found.values()), axis=1)
        return made

    return Subject(names, compute)


def _columns(
    name: str, feature: Feature, candles: Any, place: str, known: Sequence[str] = ()
) -> dict[str, Float64]:
    """What a function makes of candles, by name: `[n]` float64 each.

    A function that cannot bear a future of NaN is given the rows before it alone. A column it was
    given that is `known` to be one of its features is taken even if it left it alone this time.
    """
    try:
        found = _called(name, feature, candles, known)
    except _FAILURES as error:
        sound = int(np.isfinite([getattr(candles, c) for c in COLUMNS]).all(axis=0).sum())
        if sound < len(candles):
            kept = _columns(name, feature, candles.rows(0, sound), place, known)
            lost = np.full(len(candles) - sound, np.nan)
            return {column: np.append(values, lost) for column, values in kept.items()}
        raise DataError(
            f"it fails on {len(candles)} rows: {type(error).__name__}: {error}",
            where=place,
            remedy="begin its name with an underscore if it is no feature; give NaN where there "
            "is no value",
        ) from error
    for column, values in found.items():
        if values.shape != (len(candles),):
            raise DataError(
                f"{column} has shape {values.shape}, the candles have {len(candles)} rows",
                where=place,
                remedy="return one value per row, NaN where there is none",
            )
    if not found:
        raise DataError("the frame it returns has no new or changed column", where=place)
    return found


def _called(
    name: str, feature: Feature, candles: Candles, known: Sequence[str]
) -> dict[str, Float64]:
    pandas = require("pandas", extra="audit")
    frame = _frame(pandas, candles)
    given, index = frame.copy(), frame.index
    made = feature(frame)
    if isinstance(made, pandas.Series) and made.index.isin(index).all():
        made = made.reindex(index)  # as it would be when put into the frame
    if not isinstance(made, pandas.DataFrame):
        return {name: np.asarray(made, np.float64)}
    return {
        str(column): np.asarray(made[column], np.float64)
        for column in made.columns
        if column not in given
        or column in known
        or (column in COLUMNS and not made[column].equals(given[column]))
    }


def _frame(pandas: Any, candles: Candles) -> Any:
    """Candles as a frame that the function may change."""
    columns = {name: np.array(getattr(candles, name)) for name in COLUMNS}
    date = pandas.to_datetime(candles.time, unit="ms", utc=True)
    return pandas.DataFrame({"date": date, **columns})
