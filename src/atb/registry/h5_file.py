"""Which arrays a file of weights holds, read from its bytes before HDF5's own library sees them.

It knows the one form in which h5py writes groups of plain arrays. Whatever else HDF5 can be (links,
pieces, filters, numbers that lie elsewhere or are only described) it refuses unread. No part is
read twice and no two may overlap, so nothing goes round in circles and a file takes no longer than
its size. Knows no networks. Format: HDF5 File Format Specification 3.0, support.hdfgroup.org.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator, Mapping

import numpy as np

Shape = tuple[int, ...]

MAX_PARTS = 50_000  # groups, arrays and the blocks that list them
MAX_RANK = 8
MAX_NAME, MAX_PATH = 255, 1_000
NOWHERE = 2**64 - 1
NOTHING = 1  # is free

# Superblock: version 0 of everything, addresses of 8 bytes, 4 and 16 entries a node, no flags.
_START = b"\x89HDF\r\n\x1a\n" + bytes.fromhex("0000000000080800 0400100000000000")
_ADDRESSES = struct.Struct("<4Q")  # base, free space, end, driver
_ENTRY = struct.Struct("<QQII16x")  # name, header, what is cached, reserved
_HEADER = struct.Struct("<BBHII4x")  # version, reserved, messages, references, bytes
_MESSAGE = struct.Struct("<HHB3x")  # kind, bytes, flags
_TREE = struct.Struct("<4sBBHQQ")  # mark, type, level, children, left, right
_HEAP = struct.Struct("<4sB3xQQQ")  # mark, version, bytes, free list, address
_NODE = struct.Struct("<4sBBH")  # mark, version, reserved, entries
_PLACE = struct.Struct("<QQ")
_EMPTY, _SPACE, _TYPE, _FILL, _LAYOUT, _ATTRIBUTE, _MORE, _TABLE = 0, 1, 3, 5, 8, 12, 16, 17
_GROUP = frozenset({_ATTRIBUTE, _TABLE})
_ARRAY = frozenset({_EMPTY, _SPACE, _TYPE, _FILL, _LAYOUT})
# What else a header may hold, by what it would mean to a person.
_STRANGE = {2: "links", 6: "a link", 7: "numbers that lie in another file", 11: "packed numbers"}


class FormError(Exception):
    """Bytes that are no plain arrays as h5py writes them."""


def shapes(content: bytes) -> Mapping[str, Shape]:
    """The sides of every array by its path, such as `layers/dense/vars/0`.

    Raises:
        FormError: for a file of any other form.
    """
    try:
        return dict(_Reader(content).arrays())
    except (struct.error, OverflowError, UnicodeDecodeError) as error:
        raise FormError(f"it breaks off ({error})") from error


class _Reader:
    """One pass over a file."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._seen: set[int] = set()
        self._left = len(content)  # bytes that further parts may take

    def arrays(self) -> Iterator[tuple[str, Shape]]:
        """Path and sides of each array."""
        _require(self._content[: len(_START)] == _START, "it does not begin as such a file does")
        whole = _ADDRESSES.unpack_from(self._content, len(_START))
        _require(whole == (0, NOWHERE, len(self._content), NOWHERE), "it is not of its length")
        _, root, _, _ = _ENTRY.unpack_from(self._content, len(_START) + _ADDRESSES.size)
        waiting = [("", root)]
        while waiting:
            path, address = waiting.pop()
            where = path[:MAX_PATH] or "its root"
            _require(len(path) <= MAX_PATH, f"{where} lies too deep")
            messages = self._messages(address)
            kinds = {kind for kind, _ in messages}
            if kinds <= _GROUP:
                tables = [body for kind, body in messages if kind == _TABLE]
                _require(len(tables) == 1, f"{where} has {len(tables)} lists")
                found = ((f"{path}/{name}".lstrip("/"), at) for name, at in self._members(*tables))
                waiting.extend(found)
            else:
                strange = [_STRANGE.get(kind, f"a part of kind {kind}") for kind in kinds - _ARRAY]
                _require(not strange, f"{where} has {' and '.join(strange[:3])}")
                told = [message for message in messages if message[0] != _EMPTY]
                _require(len(told) == len(dict(told)), f"{where} is described twice")
                yield path, self._array(dict(told), where)

    def _once(self, address: int) -> int:
        """An address that was not read yet."""
        _require(address not in self._seen, f"two things lie at byte {address}")
        self._seen.add(address)
        _require(len(self._seen) <= MAX_PARTS, f"it has more than {MAX_PARTS} parts")
        return address

    def _take(self, start: int, count: int) -> None:
        """These bytes are a part of the file, and none of its other parts."""
        missing = start + count > len(self._content)
        _require(not missing, f"{count} bytes at byte {start} are missing")
        self._left -= count
        _require(self._left >= 0, "its parts are to have more bytes than it has")

    def _messages(self, address: int) -> list[tuple[int, bytes]]:
        """Kind and content of each message of a header."""
        header = _HEADER.unpack_from(self._content, self._once(address))
        version, reserved, count, references, size = header
        _require((version, reserved) == (1, 0), f"byte {address} is no header")
        _require(references == 1, f"what lies at byte {address} has {references} references")
        blocks, found, number = [(address + _HEADER.size, size)], [], 0
        while blocks:
            at, size = blocks.pop()
            end = at + size
            self._take(at, size)
            while at < end:
                kind, length, flags = _MESSAGE.unpack_from(self._content, at)
                start, at, number = at + _MESSAGE.size, at + _MESSAGE.size + length, number + 1
                plain = at <= end and flags in (0, 1)
                _require(plain, f"the message before byte {at} is not plain")
                body = self._content[start:at]
                if kind == _MORE:
                    more, size = _PLACE.unpack(body)
                    blocks.append((self._once(more), size))
                else:
                    found.append((kind, body))
        _require(number == count, f"a header of {count} messages has {number}")
        return found

    def _members(self, table: bytes) -> Iterator[tuple[str, int]]:
        """Name and header of each member of a group."""
        tree, heap = _PLACE.unpack(table)
        mark, version, size, free, start = _HEAP.unpack_from(self._content, self._once(heap))
        _require((mark, version) == (b"HEAP", 0), f"byte {heap} has no names")
        self._take(start, size)
        names = self._content[start : start + size]
        _require_end(names, free)
        for node in self._nodes(tree):
            mark, version, _, entries = _NODE.unpack_from(self._content, self._once(node))
            _require((mark, version) == (b"SNOD", 1), f"byte {node} is no part of a list")
            self._take(node, _NODE.size + entries * _ENTRY.size)
            for number in range(entries):
                entry = _ENTRY.unpack_from(self._content, node + _NODE.size + number * _ENTRY.size)
                name, header, cached, _ = entry
                _require(cached in (0, 1), f"it has a link at byte {node}")
                end = names.find(b"\0", name, name + MAX_NAME)
                _require(end > name, f"byte {node} lists something without a name")
                yield names[name:end].decode(), header

    def _nodes(self, tree: int) -> list[int]:
        """The nodes at the end of a tree, level by level; each knows those beside it."""
        found, level = [tree], None
        while level != 0:
            _require(bool(found), f"byte {tree} is a tree without an end")
            trees, found = found, []
            for at, *beside in zip(trees, [NOWHERE, *trees], [*trees[1:], NOWHERE], strict=False):
                mark, kind, deep, count, *said = _TREE.unpack_from(self._content, self._once(at))
                plain = (mark, kind, *said) == (b"TREE", 0, *beside) and level in (None, deep + 1)
                _require(plain, f"byte {at} is no part of a tree")
                self._take(at, _TREE.size + 8 + 16 * count)
                links = struct.unpack_from(f"<{2 * count}Q", self._content, at + _TREE.size)
                found += links[1::2]  # a key, which is not needed, stands before each
            level = deep
        return found

    def _array(self, messages: Mapping[int, bytes], where: str) -> Shape:
        """The sides of an array whose numbers lie in the file, as many as it says, as they are."""
        missing = {_SPACE, _TYPE, _LAYOUT} - messages.keys()
        _require(not missing, f"{where} is no array")
        shape = _shape(messages[_SPACE], where)
        kind = messages[_TYPE]
        _require(kind in TYPES, f"{where} holds no numbers")
        layout = messages[_LAYOUT]
        _require(layout[:2] == b"\3\1", f"{where} is in pieces")
        start, held = _PLACE.unpack_from(layout, 2)
        said = math.prod(shape) * TYPES[kind]
        _require(held == said, f"{where} is to have {said} bytes, has {held}")
        self._take(start if held else 0, held)
        return shape


def _require_end(names: bytes, free: int) -> None:
    """What is free among names is a list that ends: HDF5 would follow one that does not."""
    for _ in range(len(names) // _PLACE.size + 1):
        if free == NOTHING:
            return
        free, _ = _PLACE.unpack_from(names, free)
    raise FormError("what is free among its names has no end")


def _shape(space: bytes, where: str) -> Shape:
    version, rank, limits = struct.unpack_from("<BBB", space)
    plain = version == 1 and rank <= MAX_RANK and limits in (0, 1)
    _require(plain, f"{where} has {rank} sides, or strange ones")
    sides = struct.unpack_from(f"<{rank}Q", space, 8)
    most = struct.unpack_from(f"<{rank}Q", space, 8 + 8 * rank) if limits else sides
    _require(most == sides, f"{where} may grow")
    return sides


def _real(size: int) -> bytes:
    """How IEEE 754 numbers of so many bytes are described."""
    of = np.finfo(f"f{size}")
    fields = (8 * size, of.nmant, of.iexp, 0, of.nmant, 2 ** (of.iexp - 1) - 1)
    return struct.pack("<BBHIHHBBBBI4x", 0x11, 0x20, 8 * size - 1, size, 0, *fields)


def _whole(size: int, signed: bool) -> bytes:
    """How whole numbers of so many bytes are described."""
    return struct.pack("<BBHIHH4x", 0x10, 8 * signed, 0, size, 0, 8 * size)


TYPES: Mapping[bytes, int] = {
    **{_real(size): size for size in (2, 4, 8)},
    **{_whole(size, signed): size for size in (1, 2, 4, 8) for signed in (False, True)},
}


def _require(holds: bool, words: str) -> None:
    if not holds:
        raise FormError(words)
