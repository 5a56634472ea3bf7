"""Arrays of a file of weights are those that h5py finds, and nothing else is read as one."""

from __future__ import annotations

import io
import random
import struct
import time
from collections.abc import Callable

import h5py
import numpy as np
import pytest

from atb.registry import h5_file
from atb.registry.h5_file import FormError


def written(write: Callable[[h5py.File], object]) -> bytes:
    stream = io.BytesIO()
    with h5py.File(stream, "w") as file:
        write(file)
    return stream.getvalue()


def layered(layers: int) -> Callable[[h5py.File], None]:
    """Groups as Keras writes them: each has a name, and `vars` with arrays."""

    def write(file: h5py.File) -> None:
        for number in range(layers):
            held = file.create_group(f"layers/dense_{number}/vars")
            held.attrs["name"] = f"dense_{number}"
            for place in range(number % 4):
                held[str(place)] = np.zeros((number, place), np.float32)

    return write


@pytest.mark.parametrize("layers", [0, 1, 9, 40, 700])
def test_arrays_are_those_that_h5py_finds(layers: int) -> None:
    content = written(layered(layers))
    expected = {}

    def see(path: str, found: object) -> None:
        if isinstance(found, h5py.Dataset):
            expected[path] = found.shape

    with h5py.File(io.BytesIO(content)) as file:
        file.visititems(see)
    assert dict(h5_file.shapes(content)) == expected


@pytest.mark.parametrize("kind", ["f2", "f4", "f8", "i1", "i4", "i8", "u1", "u4", "u8"])
@pytest.mark.parametrize("shape", [(), (3,), (0, 2), (2, 1, 3, 4)])
def test_numbers_of_every_kind_are_read(kind: str, shape: tuple[int, ...]) -> None:
    content = written(lambda file: file.create_dataset("x", data=np.zeros(shape, kind)))
    assert h5_file.shapes(content) == {"x": shape}


@pytest.mark.parametrize(
    ("write", "words"),
    [
        (lambda file: file.create_dataset("x", (9, 9), "f4", maxshape=(None, 9)), "may grow"),
        (lambda file: file.create_dataset("x", (9,), "f4"), "36 bytes at byte .* missing"),
        (lambda file: file.create_dataset("x", data=np.zeros(3, ">f4")), "holds no numbers"),
        (lambda file: file.create_dataset("x", data=np.zeros(3, bool)), "holds no numbers"),
        (lambda file: file.create_dataset("x", data=np.zeros(3)).attrs.update(a=1), "kind 12"),
        (lambda file: file.create_group("x/" * 600), "lies too deep"),
        (lambda file: file.create_group("x" * 300), "without a name"),
        (lambda file: file.__setitem__("x", np.dtype("f4")), "is not plain"),
        (lambda file: file.create_group("x", track_order=True), "no header"),
    ],
)
def test_what_is_no_plain_array_is_refused(write: Callable[..., object], words: str) -> None:
    with pytest.raises(FormError, match=words):
        h5_file.shapes(written(write))


def test_a_file_of_the_newer_form_is_refused() -> None:
    stream = io.BytesIO()
    with h5py.File(stream, "w", libver="latest") as file:
        file["x"] = np.zeros(3)
    with pytest.raises(FormError, match="does not begin"):
        h5_file.shapes(stream.getvalue())


def test_arrays_that_share_their_numbers_are_refused() -> None:
    """A small file would be many large arrays."""

    def write(file: h5py.File) -> None:
        file["a"] = np.zeros(999)
        file["b"], file["c"] = np.zeros(0), np.zeros(0)

    content = written(write)
    sides = bytes.fromhex("0101010000000000") + 2 * struct.pack("<Q", 999)
    place = next(p for at in range(99_999) if (p := struct.pack("<QQ", at, 7992)) in content)
    content = content.replace(b"\3\1" + struct.pack("<QQ", 2**64 - 1, 0), b"\3\1" + place)
    content = content.replace(bytes.fromhex("0101010000000000") + bytes(16), sides)
    with pytest.raises(FormError, match="more bytes than it has"):
        h5_file.shapes(content)


def test_a_list_that_leads_back_to_itself_is_refused() -> None:
    """A group whose only member is the group."""
    content = bytearray(written(lambda file: file.create_group("x")))
    (root,) = struct.unpack_from("<Q", content, 64)
    node = content.index(b"SNOD")
    struct.pack_into("<Q", content, node + 16, root)
    with pytest.raises(FormError, match="two things lie"):
        h5_file.shapes(bytes(content))


def test_free_places_that_lead_back_to_themselves_are_refused() -> None:
    """HDF5 would take memory for each of them until there is none."""
    content = bytearray(written(lambda file: file.create_group("x")))
    size, free, start = struct.unpack_from("<QQQ", content, content.index(b"HEAP") + 8)
    assert free < size
    struct.pack_into("<Q", content, start + free, free)
    with pytest.raises(FormError, match="has no end"):
        h5_file.shapes(bytes(content))


def test_an_array_that_is_described_twice_is_refused() -> None:
    """Two layouts: which of them would be read?"""
    content = written(lambda file: file.create_dataset("x", data=np.zeros(3)))
    fill = content.index(bytes.fromhex("0500080001000000"))
    twice = bytearray(content)
    twice[fill] = 8
    with pytest.raises(FormError, match="described twice"):
        h5_file.shapes(bytes(twice))


def changed(content: bytes, old: bytes, new: bytes) -> bytes:
    """With the first place that holds some bytes changed."""
    assert old in content
    return content.replace(old, new, 1)


def test_what_a_file_says_of_itself_is_asked() -> None:
    content = written(lambda file: file.create_dataset("x", data=np.zeros((3, 5), np.float32)))
    at = content.index(b"\3\1", 96)
    place = content[at : at + 18]
    tree = b"TREE\0\0\1\0" + b"\xff" * 16
    count = content.index(struct.pack("<BBHII", 1, 0, 5, 1, 256))
    lies = {
        r"to have 60 bytes, has 56": changed(content, place, place[:10] + struct.pack("<Q", 56)),
        r"not of its length": content + b"x",
        r"no part of a tree": changed(content, tree, tree[:-8] + bytes(8)),
        r"of 7 messages has 5": content[: count + 2] + b"\7" + content[count + 3 :],
    }
    for words, lie in lies.items():
        with pytest.raises(FormError, match=words):
            h5_file.shapes(lie)


def test_damage_is_refused_or_harmless_and_never_takes_long() -> None:
    content, draw = written(layered(12)), random.Random(1)
    longest, refused = 0.0, 0
    for _ in range(3_000):
        damaged = bytearray(content)
        for _ in range(draw.choice((1, 1, 8))):
            damaged[draw.randrange(len(damaged))] = draw.choice(
                (0, 1, 127, 255, draw.randrange(256))
            )
        begun = time.process_time()
        try:
            h5_file.shapes(bytes(damaged[: draw.choice((None, draw.randrange(len(damaged))))]))
        except FormError:
            refused += 1
        longest = max(longest, time.process_time() - begun)
    assert refused > 1_000
    assert longest < 1.0
