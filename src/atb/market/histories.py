"""Histories that jobs share: each kept once, in a file named by the SHA-256 of what is in it.

Whoever begins a job names its rows by that hash, so that none learns from others than it was given.
Knows the folder and the hash; how each kind is written is in `access.py`.
"""

from __future__ import annotations

import re
from pathlib import Path

from atb import cache
from atb.config.data import HISTORIES, AnyData
from atb.errors import DataError, IntegrityError, UsageError
from atb.market import access
from atb.market.history import History
from atb.workspace import Workspace

_SHA256 = re.compile(r"[0-9a-f]{64}")


def path(workspace: Workspace, sha256: str) -> Path:
    """The file of a history, whether it is there or not.

    Raises:
        UsageError: when the word is no SHA-256 in hexadecimal; it becomes a file name.
    """
    if not _SHA256.fullmatch(sha256):
        raise UsageError(f"{sha256!r} is no SHA-256", remedy="give its 64 hexadecimal digits")
    return workspace.histories / f"{sha256}.parquet"


def keep(workspace: Workspace, history: History) -> str:
    """Write a history unless it is there, whole and as it is; return its SHA-256.

    Raises:
        StorageError: when the disk refuses.
    """
    sha256 = history.sha256()
    if not _is_there(workspace, sha256, history):
        with cache.filling(workspace.histories):
            access.keep(history, path(workspace, sha256))
    return sha256


def read(workspace: Workspace, sha256: str, symbol: str, data: AnyData) -> History:
    """The history of a hash, verified.

    Args:
        workspace: where it was kept.
        sha256: what `keep` returned.
        symbol: the market.
        data: how its recipe names it.

    Raises:
        UsageError: when the word is no SHA-256.
        IntegrityError: when it is not there, or not what its name says.
    """
    place = path(workspace, sha256)
    remedy = "run the command again that kept it"
    try:
        with cache.held([place]):
            found = access.read_kept(place, symbol, data)
    except DataError as error:
        raise IntegrityError(error.what, where=str(place), remedy=remedy) from error
    if found.sha256() != sha256:
        what = f"its rows, taken for {symbol} {data.facts()}, have the SHA-256 {found.sha256()}"
        raise IntegrityError(what, where=str(place), remedy=remedy)
    return found


def _is_there(workspace: Workspace, sha256: str, history: History) -> bool:
    """Whether it is kept as it is; once kept as a simulator's, rows stay a simulator's."""
    if not path(workspace, sha256).is_file():
        return False
    try:
        kept = read(workspace, sha256, history.symbol, _data(history))
    except IntegrityError:
        return False
    return kept.synthetic or not history.synthetic


def _data(history: History) -> AnyData:
    """What a recipe says of such rows."""
    spec, facts = HISTORIES[history.kind], history.facts()
    return spec(**{name: facts[name] for name in spec.model_fields.keys() & facts.keys()})
