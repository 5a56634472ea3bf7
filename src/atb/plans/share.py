"""A place that machines share for what jobs read and make: a folder, or a bucket.

Files lie there as under a root of artifacts. A document in `sent/` names those that belong together
with their SHA-256, and is sent last: what has none was never finished. Knows no job.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from atb import atomic, cache
from atb.errors import IntegrityError, StorageError, UsageError
from atb.extras import file_system
from atb.market import histories
from atb.plans import done
from atb.registry import integrity, manifest, store
from atb.registry.manifest import Entry
from atb.registry.version import Version
from atb.workspace import Workspace

EXTRA = "dask"
DOCUMENTS = "sent"
_HOME = Workspace(Path())  # names of files within a root

Json = dict[str, Any]
Files = Mapping[str, Path]  # by their name within a root, those first that must be there first


@dataclass(frozen=True)
class Parcel:
    """What a document says: a record of `atb.plans.done`, and the files that belong to it."""

    record: Json
    files: Mapping[str, Entry]

    def to_bytes(self) -> bytes:
        """The document."""
        content = {
            "record": self.record,
            "files": {name: asdict(entry) for name, entry in self.files.items()},
        }
        return json.dumps({"content": content, "sha256": _sha256(content)}).encode()

    @classmethod
    def of(cls, document: bytes) -> Parcel:
        """What a document says.

        Raises:
            ValueError, KeyError, TypeError: when it is not as it was written.
        """
        parsed = json.loads(document)
        content = parsed["content"]
        if parsed["sha256"] != _sha256(content):
            raise ValueError("its SHA-256 is another one")
        files = {name: Entry(**entry) for name, entry in content["files"].items()}
        return cls(content["record"], files)


class _AbsentError(StorageError):
    """A file that is not there."""


@dataclass(frozen=True)
class Share:
    """A shared place.

    Attributes:
        url: as fsspec reads it, such as `s3://bucket/atb`, or a folder's full path.
    """

    url: str

    @classmethod
    def at(cls, place: str) -> Share:
        """The place that a person names by a URL or a folder.

        Raises:
            UsageError: when it cannot be meant.
            ResourceError: when a library that opens it is not installed.
        """
        share = cls(place if "://" in place else str(Path(place).absolute()))
        share._opened()
        return share

    def send_rows(self, workspace: Workspace, sha256: str) -> None:
        """Send a history, unless it is there.

        Raises:
            StorageError: when it cannot be sent.
            IntegrityError: when it is not kept here.
        """
        kept = histories.path(workspace, sha256)
        with cache.held([kept]):
            if not kept.is_file():
                raise IntegrityError("these rows are not there", where=str(kept))
            self._send(_of_rows(sha256), {"history": sha256}, {_rows(sha256): kept})

    def bring_rows(self, workspace: Workspace, sha256: str) -> None:
        """Bring a history, unless it is here.

        Raises:
            StorageError: when the place, or this disk, refuses.
            IntegrityError: when it is not there, or not as it was sent.
        """
        kept = histories.path(workspace, sha256)
        if not kept.is_file():
            parcel = self._read(_of_rows(sha256))
            with self._brought(parcel, workspace) as incoming, cache.filling(workspace.histories):
                _move(incoming, workspace, _rows(sha256))

    def send_model(self, version: Version) -> None:
        """Send a model that no plan made, unless it is there; `bring_model` names it.

        Raises:
            StorageError: when it cannot be sent.
            IntegrityError: when it is not as it was written.
        """
        record = done.of_model(version)
        self._send(_of_model(version.reference), record, _model_files(version))

    def bring_model(self, workspace: Workspace, reference: str) -> None:
        """Bring such a model, unless it is here.

        Raises:
            StorageError, IntegrityError: as `bring_rows` does.
        """
        if not (workspace.model_root / reference).is_dir():
            self._add(self._read(_of_model(reference)), workspace)

    def send_done(self, workspace: Workspace, key: str) -> None:
        """Send what is done under a key, unless it is there.

        Raises:
            StorageError: when it cannot be sent.
            IntegrityError: when it is not done here, or no longer as it was.
        """
        record = done.read(workspace, key)
        if record is None:
            raise IntegrityError("what is done is not there", where=key)
        files: Files = {}
        if "model" in record:
            files = _model_files(done.model(workspace, record))
        elif "output" in record:
            files = {record["output"]: workspace.root / record["output"]}
        self._send(_of_done(key), record, files)

    def has_done(self, key: str) -> bool:
        """Whether something was sent under a key, be it whole or not.

        Raises:
            StorageError: when the place refuses.
        """
        with self._at(_of_done(key)) as (system, remote):
            return bool(system.exists(remote))

    def bring_done(self, workspace: Workspace, key: str) -> Json:
        """Bring what is done under a key, unless it is here; its record.

        Nothing is added here before all of it is here and as it was sent.

        Raises:
            StorageError, IntegrityError: as `bring_rows` does.
        """
        record = done.read(workspace, key)
        if record is None:
            record = self._add(self._read(_of_done(key)), workspace)
            done.write(workspace, key, record)
        return record

    def forget_done(self, key: str) -> None:
        """Let what was sent under a key count no more.

        Raises:
            StorageError: when the place refuses.
        """
        with suppress(_AbsentError), self._at(_of_done(key)) as (system, remote):
            system.rm_file(remote)

    def _send(self, place: str, record: Json, files: Files) -> None:
        entries = {name: manifest.entry_of(path) for name, path in files.items()}
        parcel = Parcel(record, entries)
        if self._holds(place, parcel):
            return
        for name, path in files.items():
            with self._at(name) as (system, remote):
                system.makedirs(_parent(remote), exist_ok=True)
                system.put_file(str(path), remote)
        with self._at(place) as (system, remote):
            system.makedirs(_parent(remote), exist_ok=True)
            system.pipe_file(remote, parcel.to_bytes())

    def _holds(self, place: str, parcel: Parcel) -> bool:
        """Whether it was sent, and its files have the sizes they had."""
        try:
            if self._read(place).files != parcel.files:
                return False
        except IntegrityError:
            return False
        for name, entry in parcel.files.items():
            with self._at(name) as (system, remote):
                if not system.exists(remote) or system.size(remote) != entry.size:
                    return False
        return True

    def _read(self, place: str) -> Parcel:
        """What a document says."""
        try:
            with self._at(place) as (system, remote):
                document: bytes = system.cat_file(remote)
        except _AbsentError as error:
            raise self._damaged("it was never sent there", place) from error
        try:
            return Parcel.of(document)
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise self._damaged(f"it is no document as it was sent ({error})", place) from error

    def _add(self, parcel: Parcel, workspace: Workspace) -> Json:
        """Add what was brought; its record, in which a model may have another name here."""
        with self._brought(parcel, workspace) as incoming:
            if "model" not in parcel.record:
                for name in parcel.files:
                    _move(incoming, workspace, name)
                return parcel.record
            version = done.model(incoming, parcel.record)
            if done.of_model(version)["manifest"] != parcel.record["manifest"]:
                raise self._damaged("its manifest is not the one its record names", str(version))
            return {**parcel.record, **done.of_model(_added(version, workspace))}

    @contextmanager
    def _brought(self, parcel: Parcel, workspace: Workspace) -> Iterator[Workspace]:
        """A root in which all files of a parcel are as they were sent; it is gone afterwards."""
        with atomic.scratch(workspace.root / "incoming" / uuid.uuid4().hex) as folder:
            for name, entry in parcel.files.items():
                self._fetch(name, entry, folder)
            yield Workspace(folder)

    def _fetch(self, name: str, expected: Entry, folder: Path) -> None:
        if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
            raise self._damaged("it leads out of the place", name)
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            with self._at(name) as (system, remote):
                system.get_file(remote, str(target))
        except _AbsentError as error:
            raise self._damaged("the file is missing", name) from error
        found = manifest.entry_of(target)
        if found != expected:
            what = f"it has {found.size} bytes and the SHA-256 {found.sha256}"
            sent = f"{expected.size} and {expected.sha256} were sent"
            raise self._damaged(f"{what}, {sent}", name)

    @contextmanager
    def _at(self, name: str) -> Iterator[tuple[Any, str]]:
        """The file system and the full name there; what it refuses is said in words."""
        system, root = self._opened()
        try:
            yield system, f"{root.rstrip('/')}/{name}"
        except FileNotFoundError as error:
            raise _AbsentError("there is no such file", where=self._where(name)) from error
        except OSError as error:
            raise StorageError(
                f"the shared place refuses ({error.strerror or error})",
                where=self._where(name),
                remedy="check that this machine may read and write there",
            ) from error

    def _opened(self) -> tuple[Any, str]:
        try:
            return file_system(self.url, extra=EXTRA)
        except ValueError as error:
            raise UsageError(str(error), where=f"--share {self.url}") from error

    def _where(self, name: str) -> str:
        return f"{self.url.rstrip('/')}/{name}"

    def _damaged(self, what: str, name: str) -> IntegrityError:
        remedy = "remove it there, and give the same command again"
        return IntegrityError(what, where=self._where(name), remedy=remedy)


def _added(version: Version, workspace: Workspace) -> Version:
    """A verified model, moved to where models lie."""
    files = [path for path in sorted(version.path.iterdir()) if path.name != manifest.NAME]
    writers = {path.name: _mover(path) for path in files}  # the manifest is made of them anew
    return store.add(workspace, version.symbol, version.name, version.version, writers)


def _mover(path: Path) -> store.Writer:
    def move(target: Path) -> None:
        path.replace(target)

    return move


def _move(incoming: Workspace, workspace: Workspace, name: str) -> None:
    """Put a file in its place, whole."""
    with atomic.file(workspace.root / name) as temporary:
        (incoming.root / name).replace(temporary)


def _model_files(version: Version) -> Files:
    """A model's files, its manifest last.

    Raises:
        IntegrityError: when it is not as it was written.
    """
    names = [*sorted(integrity.verify(version.path)), manifest.NAME]
    home = _HOME.model_root / version.reference
    return {(home / name).as_posix(): version.path / name for name in names}


def _rows(sha256: str) -> str:
    return histories.path(_HOME, sha256).as_posix()


def _of_rows(sha256: str) -> str:
    return f"{DOCUMENTS}/histories/{sha256}.json"


def _of_model(reference: str) -> str:
    return f"{DOCUMENTS}/models/{reference}.json"


def _of_done(key: str) -> str:
    return f"{DOCUMENTS}/done/{key}.json"


def _parent(remote: str) -> str:
    return remote.rpartition("/")[0]


def _sha256(content: Any) -> str:
    text = json.dumps(content, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
