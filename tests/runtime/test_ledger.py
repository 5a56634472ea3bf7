"""What a ledger acknowledged is there, once, in order; what was tampered with is refused."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atb.errors import IntegrityError, StorageError
from atb.events import Event
from atb.runtime.ledger import START, Ledger, read

RECORDS: list[dict[str, Any]] = [
    {"bar": 1, "price": 42_283.58, "paper": {"cash": 0.1, "closes": [1.5, 2.25]}},
    {"bar": 2, "note": 'a "}\n{" within, and Größe', "inside": {"sha256": "a" * 64}},
    {"bar": 3, "position": None},
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A ledger of three records."""
    path = tmp_path / "live" / "decisions.jsonl"
    with Ledger.open(path) as ledger:
        for record in RECORDS:
            ledger.append(record)
    return path


def warnings() -> tuple[list[str], Callable[[Event], None]]:
    said: list[str] = []
    return said, lambda event: said.append(str(event))


def test_what_is_written_is_read_and_gone_on_with(path: Path):
    assert read(path) == RECORDS
    with Ledger.open(path) as ledger:
        assert ledger.last == RECORDS[-1]
        ledger.append({"bar": 4})
        assert ledger.last == {"bar": 4}
    assert read(path) == [*RECORDS, {"bar": 4}]


def test_no_file_is_no_record(tmp_path: Path):
    assert read(tmp_path / "none.jsonl") == []
    with Ledger.open(tmp_path / "new" / "one.jsonl") as ledger:
        assert ledger.last is None
    assert read(tmp_path / "new" / "one.jsonl") == []


def test_anyone_can_verify_the_chain(path: Path):
    """As the module says it: by hashes of text, without this project."""
    previous = START
    for line in path.read_text().splitlines():
        content, _, seal = line.rpartition(', "sha256": ')
        assert json.loads(line)["previous"] == previous
        previous = hashlib.sha256(f"{content}}}".encode()).hexdigest()
        assert seal == f'"{previous}"}}'
    assert previous != START


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip
NAMES = st.text().filter(lambda name: name not in ("previous", "sha256"))


@settings(max_examples=20, deadline=None)
@given(records=st.lists(st.dictionaries(NAMES, JSON, max_size=4), max_size=4))
def test_any_json_comes_back(records, tmp_path_factory):
    path = tmp_path_factory.mktemp("ledger") / "any.jsonl"
    with Ledger.open(path) as ledger:
        for record in records:
            ledger.append(record)
    assert read(path) == records


@pytest.mark.parametrize(
    "record", [{"x": float("nan")}, {"previous": 1}, {"sha256": "0"}, {"x": [float("inf")]}]
)
def test_what_cannot_be_a_record_leaves_no_trace(path: Path, record: dict[str, Any]):
    before = path.read_bytes()
    with Ledger.open(path) as ledger, pytest.raises(ValueError, match=r"JSON|writes itself"):
        ledger.append(record)
    assert path.read_bytes() == before


def test_a_closed_ledger_is_not_written(path: Path):
    with Ledger.open(path) as ledger:
        pass
    with pytest.raises(ValueError, match="closed"):
        ledger.append({"bar": 4})


def test_it_has_one_writer(path: Path):
    with Ledger.open(path):
        with pytest.raises(StorageError, match="another process writes this ledger"):
            Ledger.open(path)
        assert read(path) == RECORDS
    Ledger.open(path).close()


def test_100_truncations_keep_the_lines_before_them(path: Path):
    content = path.read_bytes()
    ends = [at + 1 for at, byte in enumerate(content) if byte == ord("\n")]
    edges = {size + step for size in (0, *ends) for step in (-2, -1, 0, 1, 2)}
    sizes = {size for size in edges if 0 <= size <= len(content)}
    sizes |= set(random.Random(2).sample(range(len(content)), 100 - len(sizes)))
    for size in sorted(sizes):
        path.write_bytes(content[:size])
        whole = sum(end - 1 <= size for end in ends)  # the line end itself may be lacking
        torn = size not in {0, *ends, *(end - 1 for end in ends)}
        said, listen = warnings()
        assert read(path) == RECORDS[:whole]
        with Ledger.open(path, listen) as ledger:
            assert ledger.last == (RECORDS[whole - 1] if whole else None)
            ledger.append({"bar": 9})
        assert read(path) == [*RECORDS[:whole], {"bar": 9}]
        assert len(said) == torn


def test_300_flipped_bits_are_refused(path: Path):
    content = path.read_bytes()
    edges = {
        at + step for at, byte in enumerate(content) if byte == ord("\n") for step in (-1, 0, 1)
    }
    places = {(at % len(content), bit) for at in edges for bit in range(8)}
    order = random.Random(3)
    while len(places) < 300:
        places.add((order.randrange(len(content)), order.randrange(8)))
    for at, bit in places:
        flipped = bytearray(content)
        flipped[at] ^= 1 << bit
        path.write_bytes(flipped)
        for look in (read, Ledger.open):
            with pytest.raises(IntegrityError):
                look(path)
        assert path.read_bytes() == flipped


@pytest.mark.parametrize(
    ("order", "line"), [((1, 0, 2), 1), ((0, 2), 2), ((1, 2), 1), ((0, 0, 1, 2), 2), ((0, 2, 1), 2)]
)
def test_lines_that_are_moved_dropped_or_doubled_are_refused(path: Path, order, line: int):
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[number] for number in order))
    with pytest.raises(IntegrityError, match=rf"decisions\.jsonl:{line}: it is not as"):
        read(path)


@pytest.mark.parametrize("content", [b'{"my": "settings"}', b"hello", b"\n", b"{}\n", b"a\nb"])
def test_a_file_that_is_no_ledger_is_refused_and_left_alone(tmp_path: Path, content: bytes):
    path = tmp_path / "mine.json"
    path.write_bytes(content)
    with pytest.raises(IntegrityError):
        Ledger.open(path)
    assert path.read_bytes() == content


def test_only_a_plain_file_is_a_ledger(path: Path, tmp_path: Path):
    link = tmp_path / "link.jsonl"
    link.symlink_to(path)
    for wrong in (link, path.parent):
        with pytest.raises(IntegrityError, match="no plain file"):
            read(wrong)
        with pytest.raises(IntegrityError, match="no plain file"):
            Ledger.open(wrong)


def test_zeros_that_a_disk_left_behind_are_an_unfinished_line(path: Path):
    content = path.read_bytes()
    for torn in (b"\0" * 100, b'{"previous": "' + b"\0" * 50):
        path.write_bytes(content + torn)
        said, listen = warnings()
        with Ledger.open(path, listen) as ledger:
            assert ledger.last == RECORDS[-1]
        assert path.read_bytes() == content
        assert len(said) == 1


class Crash(BaseException):
    """The process ends here."""


class Calls:
    """Lets so many calls of the system through; the next one does half, or nothing, and is last."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, room: int, end: type[BaseException]
    ) -> None:
        self.left, self.end, self._write = room, end, os.write
        for name in ("fsync", "ftruncate"):
            monkeypatch.setattr(os, name, self._counting(getattr(os, name)))
        monkeypatch.setattr(os, "write", self.write)

    def write(self, file: int, content: Any) -> int:
        if self.left <= 0:
            self._write(file, content[: len(content) // 2])
        self.count()
        return self._write(file, content)

    def count(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise self.end(errno.ENOSPC, "No space left on device")

    def _counting(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def counting(*words: Any) -> Any:
            self.count()
            return call(*words)

        return counting


@pytest.mark.parametrize("end", [Crash, OSError])
@pytest.mark.parametrize("torn", [True, False], ids=["to be mended", "new"])
def test_an_end_at_any_write_costs_nothing_that_was_acknowledged(
    path: Path, monkeypatch: pytest.MonkeyPatch, end: type[BaseException], torn: bool
):
    content = path.read_bytes() + b'{"previous": "' if torn else b""
    for room in range(20):
        path.write_bytes(content)
        acknowledged = list(RECORDS) if torn else []
        with monkeypatch.context() as patch:
            calls = Calls(patch, room, end)
            try:
                with Ledger.open(path) as ledger:
                    for number in (4, 5, 6):
                        ledger.append({"bar": number})
                        acknowledged.append({"bar": number})
            except StorageError as error:
                assert end is OSError
                assert "No space left on device" in str(error)
            except Crash:
                assert end is Crash
            if calls.left >= 0:
                break
        found = read(path)
        assert found[: len(acknowledged)] == acknowledged
        assert len(found) <= len(acknowledged) + 1
        with Ledger.open(path) as ledger:
            assert ledger.last == (found[-1] if found else None)
            ledger.append({"bar": 9})
        assert read(path) == [*found, {"bar": 9}]
    assert room == (9 if torn else 8)  # three or two to open it, two for each record: all tried
    assert read(path) == acknowledged


def test_after_a_failure_nothing_more_is_written(path: Path, monkeypatch: pytest.MonkeyPatch):
    with Ledger.open(path) as ledger:
        with monkeypatch.context() as patch:
            Calls(patch, 0, OSError)
            with pytest.raises(StorageError):
                ledger.append({"bar": 4})
        with pytest.raises(ValueError, match="closed"):
            ledger.append({"bar": 5})
        Ledger.open(path).close()  # the lock is free
    assert read(path) == RECORDS


def test_a_line_that_is_written_in_pieces_is_whole(path: Path, monkeypatch: pytest.MonkeyPatch):
    write = os.write
    with Ledger.open(path) as ledger:
        monkeypatch.setattr(os, "write", lambda file, content: write(file, content[:7]))
        ledger.append({"bar": 4})
    assert read(path)[-1] == {"bar": 4}


WRITER = """
import sys
from pathlib import Path
from atb.runtime.ledger import Ledger
with Ledger.open(Path(sys.argv[1])) as ledger:
    number = ledger.last["bar"]
    while True:
        number += 1
        ledger.append({"bar": number, "closes": [0.5] * 2000})
        print(number, flush=True)
"""


def until_killed(path: Path, lines: int) -> Iterator[int]:
    """The bars that a process acknowledged; it is killed after so many of them, or a few more."""
    command = [sys.executable, "-c", WRITER, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for number, line in enumerate(process.stdout, 1):
            if number == lines:
                process.kill()
            if line.endswith("\n"):
                yield int(line)


def test_kill_9_costs_nothing_that_was_acknowledged(path: Path):
    order = random.Random(1)
    for _ in range(3):
        *_, last = until_killed(path, order.randint(1, 60))
        with Ledger.open(path) as ledger:  # the lock of the dead is free
            assert ledger.last is not None
            assert last <= ledger.last["bar"] <= last + 1
        bars = [record["bar"] for record in read(path)]
        assert bars == list(range(1, len(bars) + 1))
