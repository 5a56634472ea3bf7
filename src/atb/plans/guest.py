"""What a worker does with a job of a plan when a shared place is all it sees of the artifacts.

The job has a root of its own in this machine's folder for temporary files. Knows what jobs are told
they read, not what they do.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from atb import atomic
from atb.errors import IntegrityError, StoppedError, StorageError
from atb.events import Listener, Noted
from atb.plans import done, jobs
from atb.plans.share import Share
from atb.workspace import Workspace

LOCK = ".lock"
Json = dict[str, Any]


def carry_out(
    share: Share, function: Callable[..., Json], arguments: Mapping[str, Any], listen: Listener
) -> Json:
    """Bring what a job reads, do it unless it is done already, send what it made; its record.

    Args:
        share: from where and whereto.
        function: of `atb.plans.jobs` or `judgements`.
        arguments: of it; `artifacts` becomes a folder of this machine.
        listen: told of what happens in it.

    Raises:
        StorageError: when the shared place, or this disk, refuses.
        IntegrityError: when what it reads is not there, or not as it was sent.
        AtbError: as the function does.
    """
    key = str(arguments["key"])
    _clear(share)
    with _root(share, key) as workspace:
        record = _found(share, workspace, key, listen)
        if record is None:
            _bring_what_it_reads(share, workspace, arguments)
            record = function(**{**arguments, "artifacts": workspace.root}, listen=listen)
            share.send_done(workspace, key)
    return record


def scratch() -> Path:
    """The folder for what jobs leave on a machine while they are at work."""
    return Path(tempfile.gettempdir()) / f"atb-{os.getuid()}"


def logs() -> Path:
    """A new folder, which any machine can make, for what failed processes say there."""
    return Path(f"/tmp/atb-logs-{uuid.uuid4().hex}")  # noqa: S108 (nobody can guess it)


@contextmanager
def _root(share: Share, key: str) -> Iterator[Workspace]:
    """A root for one job; it stays only when the job is stopped or killed, to be gone on with."""
    home = atomic.make_folder(scratch())
    if home.stat().st_uid != os.getuid():
        raise StorageError("another user made this folder", where=str(home), remedy="set TMPDIR")
    root = home / f"{_prefix(share)}{key}"
    with atomic.locked(root / LOCK, jobs.ORPHAN_SECONDS, "another process does this job"):
        root.chmod(0o700)
        stopped = False
        try:
            yield Workspace(root)
        except (StoppedError, KeyboardInterrupt):
            stopped = True
            raise
        finally:
            if not stopped:
                shutil.rmtree(root)


def _clear(share: Share) -> None:
    """Remove what a killed worker left of jobs that others have done since."""
    prefix = _prefix(share)
    for root in scratch().glob(f"{prefix}*"):
        if share.has_done(root.name.removeprefix(prefix)):
            with (
                suppress(StorageError),
                atomic.locked(root / LOCK, 0.0),
            ):  # unless somebody is there
                shutil.rmtree(root)


def _prefix(share: Share) -> str:
    """What the names of roots begin with; a machine may serve several shared places."""
    return f"{hashlib.sha256(share.url.encode()).hexdigest()[:8]}-"


def _found(share: Share, workspace: Workspace, key: str, listen: Listener) -> Json | None:
    """What somebody did before, if that is whole."""
    if done.read(workspace, key) is not None:
        share.send_done(workspace, key)  # killed before it was sent
    if not share.has_done(key):
        return None
    try:
        return share.bring_done(workspace, key)
    except IntegrityError as error:
        listen(Noted(f"done again: {error.where}: {error.what}"))
        share.forget_done(key)
        return None


def _bring_what_it_reads(share: Share, workspace: Workspace, arguments: Mapping[str, Any]) -> None:
    for sha256 in rows_read(arguments):
        share.bring_rows(workspace, sha256)
    for key in models_read(arguments):
        share.bring_done(workspace, key)
    config = arguments.get("config")
    if config is not None and config.warm_start is not None:
        share.bring_model(workspace, config.warm_start)


def rows_read(arguments: Mapping[str, Any]) -> list[str]:
    """SHA-256 of the histories that a job reads."""
    return [arguments["sha256"]] if "sha256" in arguments else []


def models_read(arguments: Mapping[str, Any]) -> list[str]:
    """Keys of the models that a job reads."""
    return list(arguments.get("models", {}).values())
