"""Which engines there are; each is imported when it is asked for. Knows no library."""

from __future__ import annotations

import importlib
from collections.abc import Callable

from atb.errors import UsageError, nearest
from atb.fleet.engine import Engine

NAMES = ("local", "dask", "ray")


def engine(name: str, at_once: int | None = None, address: str | None = None) -> Engine:
    """The engine of a name, connected.

    Args:
        name: local, dask or ray.
        at_once: jobs side by side at most; None for as many as the engine has room for.
        address: of an engine that runs already, as it names it; None for this machine.

    Raises:
        UsageError: for another name, or an address that the engine has no use for, or lacks.
        ResourceError: when its library is not installed, or nobody answers at the address.
    """
    if name not in NAMES:
        raise UsageError(
            f"there is no engine {name!r}", where="--engine", remedy=nearest(name, NAMES)
        )
    module = importlib.import_module(f"atb.fleet.engines.{name}")
    connect: Callable[[int | None, str | None], Engine] = module.connect
    return connect(at_once, address)
