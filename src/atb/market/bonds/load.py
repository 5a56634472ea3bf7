"""A source's name turned into the history of one bond.

It decides which source answers; how each is read is in its own file. Simulated yields answer only
who asks for them.
"""

from __future__ import annotations

import zlib
from pathlib import Path

from atb.config.data import BondData
from atb.errors import DataError, UsageError
from atb.events import Listener, silent
from atb.market.bonds import kept, par_file, sample
from atb.market.bonds.bonds import Bonds
from atb.market.bonds.build import build
from atb.market.bonds.curves import maturity_of
from atb.workspace import Workspace, check_symbol


def load_bonds(
    symbol: str,
    spec: BondData,
    workspace: Workspace,  # noqa: ARG001 (no yields are stored)
    listen: Listener = silent,  # noqa: ARG001 (nothing takes long)
) -> Bonds:
    """The days of a bond from par yields, or from a file that `kept.write` made.

    Raises:
        UsageError: as `require` does.
        DataError: when there are no such yields or they are damaged.
    """
    require(symbol, spec)
    if spec.path is None:
        seed = zlib.crc32(symbol.encode())
        return build(sample.simulate(seed=seed), symbol, spec.coupon)
    return _of_file(symbol, spec, spec.path)


def require(symbol: str, spec: BondData) -> None:
    """Nothing, if source, path and symbol go together; no file is looked for.

    Raises:
        UsageError: otherwise.
    """
    check_symbol(symbol)
    maturity_of(symbol)
    simulated = spec.source == "sample"
    if simulated and spec.path is not None:
        raise UsageError(
            f"the file {spec.path} is given, but the source is 'sample'",
            remedy="leave out one of them",
        )
    if not simulated and spec.path is None:
        raise UsageError(
            f"no file of par yields is named for {symbol}",
            remedy="name one with --bonds PATH, or take simulated ones with "
            "--set data.source=sample",
        )


def _of_file(symbol: str, spec: BondData, path: Path) -> Bonds:
    if not kept.is_kept(path):
        return build(par_file.read(path), symbol, spec.coupon)
    found = kept.read(path, symbol)
    if found.coupon != spec.coupon:
        raise DataError(
            f"its bonds pay {found.coupon}, {spec.coupon} is asked for",
            where=str(path),
            remedy="make it again from par yields, or leave out data.coupon",
        )
    return found
