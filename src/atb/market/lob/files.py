"""Order books in files of any known form.

It tells forms apart by name and content; what each holds is read by its own module, and whether
the book is any good is for `checks.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from atb.errors import DataError
from atb.events import Listener, Warned, silent
from atb.market.lob import fi2010, kept, lobster, pairs, snapshots
from atb.market.lob.book import Book
from atb.market.reading import blaming, is_folder, require_file


def read(path: Path, symbol: str | None = None, listen: Listener = silent) -> Book:
    """The book in a file or folder, unchecked.

    A folder, a zip and a file of LOBSTER's name are LOBSTER's; `.parquet` is a book that `write`
    kept or level snapshots, `.csv` level snapshots, `.txt` an FI-2010 matrix.

    Args:
        path: the file or folder.
        symbol: the market; by default what the file says, or its name.
        listen: told of progress and of what is left out.

    Raises:
        DataError: naming the file, and the line or row where one is to blame.
    """
    if is_folder(path) or pairs.NAME.fullmatch(path.name):
        return lobster.read(path, symbol, listen)
    with blaming(str(path)):
        require_file(path)
        ending = path.suffix.lower()
        if ending not in _READERS:
            raise DataError(
                f"its ending is {ending or 'missing'}",
                remedy=f"give a folder, or one of {', '.join(_READERS)}",
            )
    return _READERS[ending](path, symbol, listen)


def write(book: Book, path: Path) -> None:
    """Write Parquet atomically; `read` gives it back bit for bit.

    Raises:
        StorageError: when the disk refuses.
    """
    kept.write(book, path)


def _parquet(path: Path, symbol: str | None, listen: Listener) -> Book:
    if not kept.is_kept(path):
        return snapshots.read(path, symbol)
    book = kept.read(path, symbol)
    own = kept.facts(path).symbol
    if own != book.symbol:
        listen(Warned(f"{path} is of {own}: it is taken for {symbol}"))
    return book


def _csv(path: Path, symbol: str | None, _listen: Listener) -> Book:
    return snapshots.read(path, symbol)


def _text(path: Path, symbol: str | None, _listen: Listener) -> Book:
    return fi2010.read(path, symbol)


_READERS: dict[str, Callable[[Path, str | None, Listener], Book]] = {
    ".zip": lobster.read,
    ".parquet": _parquet,
    ".csv": _csv,
    ".txt": _text,
}
