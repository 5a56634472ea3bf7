"""Where things lie under one root folder: candles, books, cache, models.

Names that become folders are checked here, so that no symbol or preset can leave the root.
"""

from __future__ import annotations

import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

from atb.clock import timeframe_ms
from atb.errors import StorageError, UsageError

_SYMBOL = re.compile(r"[A-Z0-9]{2,30}(?:[_-][A-Z0-9]{1,20})?")
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_DEVICES = frozenset(
    {"CON", "PRN", "AUX", "NUL", *(f"{d}{n}" for d in ("COM", "LPT") for n in range(10))}
)


def is_symbol(word: str) -> bool:
    """Whether a word is a symbol: capital letters and digits, such as `BTCUSDT` or `BTC-PERP`."""
    return bool(_SYMBOL.fullmatch(word)) and word not in _DEVICES


def check_symbol(symbol: str) -> str:
    """The symbol, if it is one, as `is_symbol` says.

    Raises:
        UsageError: for anything else; symbols become folder names.
    """
    if not is_symbol(symbol):
        raise UsageError(
            f"{symbol!r} is not a symbol",
            remedy="write capital letters and digits as the exchange does, for example BTCUSDT",
        )
    return symbol


def check_name(name: str) -> str:
    """The model name, if it is one: small letters, digits, `-` and `_`.

    Raises:
        UsageError: for anything else; names become folder names.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} is not a model name",
            remedy="use small letters, digits, '-' and '_', for example balanced",
        )
    return name


@dataclass(frozen=True)
class Workspace:
    """The folders under one artifacts root."""

    root: Path

    def require_writable(self, folder: Path | None = None) -> None:
        """Refuse a folder, or the root, that cannot be written, without making it.

        Raises:
            StorageError: before hours of work are spent on a result that cannot be kept.
        """
        wanted = folder or self.root
        nearest = next(path for path in (wanted, *wanted.absolute().parents) if path.exists())
        try:
            with tempfile.TemporaryFile(dir=nearest):
                return
        except OSError as error:
            raise StorageError(
                f"{nearest} cannot be written ({error.strerror})",
                where=f"artifacts {self.root}",
                remedy="choose another folder with --artifacts DIR",
            ) from error

    def inside(self, folder: Path) -> Path:
        """A folder of models that is to be written, if no link in it leads elsewhere.

        Raises:
            StorageError: naming where it leads.
        """
        leads, root = folder.resolve(), self.model_root.resolve()
        if not leads.is_relative_to(root):
            raise StorageError(
                f"it leads to {leads}, out of {root}",
                where=str(folder),
                remedy="put a folder in place of the link",
            )
        return folder

    def candles(self, symbol: str, timeframe: str) -> Path:
        """The Parquet file of one symbol and timeframe."""
        timeframe_ms(timeframe)  # refuses what is none, since it becomes a file name
        return self.root / "candles" / check_symbol(symbol) / f"{timeframe}.parquet"

    @property
    def candle_root(self) -> Path:
        """The folder that holds all stored candles."""
        return self.root / "candles"

    def books(self, symbol: str) -> Path:
        """The folder of one symbol's order books, one Parquet file for each day."""
        return self.book_root / check_symbol(symbol)

    @property
    def book_root(self) -> Path:
        """The folder that holds all stored order books."""
        return self.root / "books"

    @property
    def downloads(self) -> Path:
        """Exchange archives that are verified but not yet merged."""
        return self.root / "cache" / "downloads"

    @property
    def histories(self) -> Path:
        """Rows that jobs learn from, each file named by the SHA-256 of what is in it."""
        return self.root / "cache" / "histories"

    @property
    def matrices(self) -> Path:
        """Feature matrices, computed once and read by every job."""
        return self.root / "cache" / "matrices"

    @property
    def caches(self) -> tuple[Path, ...]:
        """Folders of what is made again when it is missing, the only ones that are pruned."""
        return self.histories, self.matrices

    @property
    def plans(self) -> Path:
        """Plans that were carried out: what is done, and what it came to."""
        return self.root / "plans"

    @property
    def runs(self) -> Path:
        """Trainings in progress, and those that stopped."""
        return self.root / "runs"

    @property
    def studies(self) -> Path:
        """Trainings side by side that answer one question: a folder for each time."""
        return self.root / "studies"

    def live(self, symbol: str) -> Path:
        """The decisions that were taken live, or in a replay, of one symbol."""
        return self.root / "live" / check_symbol(symbol)

    @property
    def model_root(self) -> Path:
        """The folder that holds all models."""
        return self.root / "models"

    def models(self, symbol: str, name: str) -> Path:
        """The folder of all versions of one model."""
        return self.model_root / check_symbol(symbol) / check_name(name)
