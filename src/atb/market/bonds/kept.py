"""The form in which bonds are kept: one Parquet file that gives them back bit for bit.

It knows no other format and does not judge what it is given.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from atb.errors import DataError
from atb.market import reading, table
from atb.market.bonds.bonds import COLUMNS, Bonds

_NAMES = ("time", *COLUMNS)


def write(bonds: Bonds, path: Path) -> None:
    """Write Parquet atomically, with symbol, coupon, source and whether synthetic.

    Raises:
        StorageError: when the disk refuses.
    """
    import pyarrow as pa

    columns = {"time": pa.array(bonds.time)}
    columns |= {name: pa.array(bonds.values[:, i]) for i, name in enumerate(COLUMNS)}
    origin = {
        "atb.symbol": bonds.symbol,
        "atb.coupon": json.dumps(bonds.coupon),
        "atb.source": bonds.source,
        "atb.synthetic": str(bonds.synthetic).lower(),
    }
    reading.write_parquet(path, columns, origin)


def is_kept(path: Path) -> bool:
    """Whether a Parquet file has the columns that `write` gives it; what is unreadable has not."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        names: list[str] = pq.read_schema(path).names
    except (pa.ArrowException, OSError, ValueError):
        return False
    return tuple(names) == _NAMES


def read(path: Path, symbol: str) -> Bonds:
    """Bonds that `write` kept.

    Raises:
        DataError: naming the file, when it is damaged or holds something else, be it another bond.
    """
    with reading.blaming(str(path)):
        found, origin = reading.arrow_table(path, {".parquet": ("Parquet", _parquet)})
        time = found.column("time").to_numpy()
        values = np.stack([table.numbers(table.flat(found[name]), name) for name in COLUMNS], 1)
        coupon = _coupon(origin)
        kept = origin.get(b"atb.symbol", b"").decode(errors="replace")
        if kept and kept != symbol:
            raise DataError(f"it holds {kept}, not {symbol}", remedy=f"give a file of {symbol}")
    return Bonds(
        symbol,
        time,
        values,
        coupon,
        origin.get(b"atb.source", f"file {path.name}".encode()).decode(errors="replace"),
        origin.get(b"atb.synthetic") == b"true",
    )


def _coupon(origin: dict[bytes, bytes]) -> float | None:
    try:
        said = json.loads(origin.get(b"atb.coupon", b"null"))
        return None if said is None else float(said)
    except (ValueError, TypeError) as error:
        raise DataError(
            f"its coupon is {origin[b'atb.coupon'][:40]!r}", remedy="make it again"
        ) from error


def _parquet(path: Path) -> Any:
    return reading.parquet(path, _all_of)


def _all_of(names: list[str]) -> list[str]:
    if tuple(names) != _NAMES:
        raise DataError(
            f"its columns are {', '.join(names)[:120]}", remedy=f"known: {', '.join(_NAMES)}"
        )
    return names
