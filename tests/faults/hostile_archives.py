"""Malicious `.keras` and `.skops` files by what is wrong with them."""

from __future__ import annotations

import io
import json
import pickle
import struct
import warnings
import zipfile
from collections.abc import Callable, Mapping
from typing import Any

import h5py
import numpy as np

Members = list[tuple[zipfile.ZipInfo | str, bytes]]


class Touch:
    """Unpickled, it would leave a file behind."""

    def __init__(self, marker: str) -> None:
        self.marker = marker

    def __reduce__(self) -> Any:
        return (open, (self.marker, "w"))


def part(class_name: str, module: str | None = "keras.layers", **config: Any) -> dict[str, Any]:
    """A class in a configuration."""
    return {"module": module, "class_name": class_name, "config": config, "registered_name": None}


def network(*layers: Any) -> bytes:
    functional = part("Functional", "keras.src.models.functional", layers=list(layers))
    return json.dumps(functional).encode()


DENSE = network(part("Dense", units=4))


def weights(write: Callable[[h5py.File], None] = lambda _: None) -> bytes:
    """An HDF5 file with a weight `[3, 4]`, and what is written beside it."""
    stream = io.BytesIO()
    with h5py.File(stream, "w") as file:
        file["layers/dense/vars/0"] = np.zeros((3, 4), np.float32)
        write(file)
    return stream.getvalue()


def zipped(members: Members, compression: int = zipfile.ZIP_STORED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return stream.getvalue()


def keras(config: bytes = DENSE, held: bytes | None = None, *more: Any, **options: Any) -> bytes:
    held = weights() if held is None else held
    return zipped([("config.json", config), ("model.weights.h5", held), *more], **options)


def linked() -> zipfile.ZipInfo:
    info = zipfile.ZipInfo("metadata.json")
    info.external_attr = 0o120777 << 16
    return info


def virtual(file: h5py.File) -> None:
    layout = h5py.VirtualLayout((3,), "f4")
    layout[:] = h5py.VirtualSource("/etc/passwd", "x", (3,))
    file.create_virtual_dataset("virtual", layout)


def outside(file: h5py.File) -> None:
    file.create_dataset("outside", (3,), "f4", external=[("/etc/passwd", 0, 12)])


def wide(file: h5py.File) -> None:
    file["wide"] = np.zeros(8192, np.float32)


def twofold() -> bytes:
    """Two configurations: which of them would be read?"""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return keras(DENSE, None, ("config.json", network(part("Lambda"))))


def link(target: Any) -> Callable[[h5py.File], None]:
    return lambda file: file.__setitem__("link", target)


def described(file: h5py.File) -> None:
    file.create_dataset("described", (10**6, 10**6), "f4", chunks=(10, 10))


def compressed(file: h5py.File) -> None:
    file.create_dataset("compressed", data=np.zeros(10**6, "f4"), compression="gzip")


def twice(file: h5py.File) -> None:
    file["again"] = file["layers"]


def circle(file: h5py.File) -> None:
    file["layers/whole"] = file["/"]


def texts(file: h5py.File) -> None:
    file["texts"] = "cos\nsystem\n(S'true'\ntR."


def patched(content: bytes, at: int, form: str, value: int) -> bytes:
    """With one number of the end record, counted from its beginning, changed."""
    whole = bytearray(content)
    struct.pack_into(form, whole, len(content) - 22 + at, value)
    return bytes(whole)


def compressed_member() -> bytes:
    """One small member deflated, beside one that is not."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("config.json", DENSE, zipfile.ZIP_DEFLATED)
        archive.writestr("model.weights.h5", np.random.default_rng(0).bytes(5_000))
        archive.comment = b""
    return stream.getvalue()


def overlapping() -> bytes:
    """Many names for one member: more to read than there is."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("config.json", DENSE)
        archive.writestr("model.weights.h5", weights())
        for number in range(20):
            again = zipfile.ZipInfo("metadata.json" if not number else f"{number}")
            first = archive.filelist[1]
            again.file_size = again.compress_size = first.file_size
            again.CRC, again.header_offset = first.CRC, first.header_offset
            archive.filelist.append(again)
            archive.NameToInfo[again.filename] = again
    return stream.getvalue()


def keras_corpus(marker: str) -> Mapping[str, tuple[bytes, str]]:
    """By name: the file, and a part of what is said of it."""
    code = f"open({marker!r}, 'w')"
    by_code = {"class_name": "__lambda__", "config": {"value": [code, None, None]}}
    eval_ = {"module": "builtins", "class_name": "function", "config": "eval",
             "registered_name": "function"}  # fmt: skip
    mine = {**part("Dense", units=4), "registered_name": "atb>Other"}
    return {
        "lambda": (keras(network(part("Lambda", function=by_code))), "'Lambda'"),
        "lambda-inside": (keras(network(part("Dense", activation=by_code))), "'__lambda__'"),
        "function": (keras(network(part("Dense", activation=eval_))), "the function 'eval'"),
        "module": (keras(network(part("Popen", "subprocess", args=["touch", marker]))), "'Popen'"),
        "class-path": (keras(network(part("Dense", "os"))), "'Dense' of 'os'"),
        "registered": (keras(network(mine)), "registered as 'atb>Other'"),
        "saved-model": (keras(network(part("TFSMLayer", filepath="/x"))), "'TFSMLayer'"),
        "torch": (keras(network(part("TorchModuleWrapper", module=marker))), "TorchModuleWrapper"),
        "tensor": (keras(network(part("__tensor__", None, value=[1]))), "'__tensor__'"),
        "odd-class": (keras(network({"class_name": ["Dense"], "config": {}})), "something else"),
        "wide": (keras(network(part("Dense", units=10**9))), "'units' is 1000000000"),
        "wider-than-weights": (keras(network(part("Dense", units=4096))), "more than 4"),
        "long": (keras(network(part("Reshape", target_shape=[10**9]))), "'target_shape'"),
        "many-wide": (
            keras(network(*[part("Dense", units=8192)] * 60), weights(wide)), "4026531840 weights"),
        "wide-input": (
            keras(network(part("InputLayer", batch_shape=[None, 10**5, 10**5]))),
            "windows of 10000000000 numbers"),
        "before": (b"MZ" + keras(), "does not begin as an archive"),
        "twice": (twofold(), "a member twice"),
        "64-bit": (keras()[:-22] + b"PK\6\7" + bytes(16) + keras()[-22:], "64-bit form"),
        "deep": (keras(b"[" * 200_000), "JSON that is none"),
        "no-class": (keras(b"{}"), "none of a network"),
        "layer-alone": (keras(json.dumps(part("Dense", units=4)).encode()), "none of a network"),
        "many-parts": (keras(network(part("Dense", x=[0] * 10**5))), "more than 50000 parts"),
        "dots": (keras(DENSE, None, ("../../escaped", b"x")), "'../../escaped'"),
        "absolute": (keras(DENSE, None, (marker, b"x")), "does not belong there"),
        "link": (keras(DENSE, None, (linked(), b"/etc/passwd")), "no plain file"),
        "pickle": (keras(DENSE, None, ("model.pkl", pickle.dumps(Touch(marker)))), "'model.pkl'"),
        "pickle-alone": (pickle.dumps(Touch(marker)) + b"." * 30, "does not end as an archive"),
        "zip-bomb": (keras(b" " * 50_000_000, compression=zipfile.ZIP_DEFLATED), "are to have 500"),
        "compressed": (compressed_member(), "is compressed"),
        "overlapping": (overlapping(), "are to have"),
        "many-members": (
            zipped([(str(n), b"") for n in range(5_000)]), "5000 members"),
        "lying-end": (patched(keras(), 12, "<L", 2**31), "no whole archive"),
        "external-link": (keras(DENSE, weights(link(h5py.ExternalLink("/x", "/")))), "a link"),
        "soft-link": (keras(DENSE, weights(link(h5py.SoftLink("/layers")))), "a link"),
        "external-weight": (keras(DENSE, weights(outside)), "in another file"),
        "virtual-weight": (keras(DENSE, weights(virtual)), "virtual has a part of kind"),
        "described-weight": (keras(DENSE, weights(described)), "in pieces"),
        "compressed-weight": (keras(DENSE, weights(compressed)), "packed numbers"),
        "weights-twice": (keras(DENSE, weights(twice)), "has 2 references"),
        "weights-in-circles": (keras(DENSE, weights(circle)), "has 2 references"),
        "texts-for-weights": (keras(DENSE, weights(texts)), "no numbers"),
        "no-weights": (zipped([("config.json", DENSE)]), "has no model.weights.h5"),
        "damaged-weights": (keras(DENSE, b"\x89HDF\r\n\x1a\n" + b"\xff" * 500), "does not begin"),
    }  # fmt: skip


def node(loader: str, name: str, module: str, **more: Any) -> dict[str, Any]:
    """A part of a schema."""
    return {"__class__": name, "__module__": module, "__loader__": loader, **more}


RIDGE = node("ObjectNode", "Ridge", "sklearn.linear_model._ridge", content={})


def line(schema: Any, *more: Any) -> bytes:
    return zipped([("schema.json", json.dumps(schema).encode()), *more])


def plain_line() -> bytes:
    """A line as skops would write it, much shortened."""
    return line(RIDGE, ("1.npy", array(np.arange(5.0))))


def array(values: Any, **options: Any) -> bytes:
    stream = io.BytesIO()
    np.save(stream, values, **options)
    return stream.getvalue()


def described_as(words: str) -> bytes:
    """An array whose header, which numpy would evaluate, says this."""
    return b"\x93NUMPY\1\0" + struct.pack("<H", len(words) + 1) + words.encode() + b"\n"


def skops_corpus(marker: str) -> Mapping[str, tuple[bytes, str]]:
    """By name: the file, and a part of what is said of it."""
    touch = np.array([Touch(marker)], object)
    large = array(np.zeros(3)).replace(b"(3,), ", b"(3000000000,), ".ljust(6))
    return {
        "system": (line({**RIDGE, "content": node("FunctionNode", "system", "os")}), "'system'"),
        "method": (line({**RIDGE, "x": [node("MethodNode", "run", "subprocess")]}), "'run'"),
        "operator": (line(node("OperatorFuncNode", "attrgetter", "operator")), "'attrgetter'"),
        "other-loader": (
            line(node("ReduceNode", "Ridge", "sklearn.linear_model._ridge")), "'ReduceNode'"),
        "objects": (line(RIDGE, ("1.npy", array(touch, allow_pickle=True))), "no array of numbers"),
        "array-of-brackets": (line(RIDGE, ("1.npy", described_as("(" * 9000))), "no array of"),
        "array-of-signs": (line(RIDGE, ("1.npy", described_as("-" * 9000 + "1"))), "no array of"),
        "array-of-less-than-nothing": (
            line(RIDGE, ("1.npy", array(np.zeros(3)).replace(b"(3,)", b"(-3,)"))), "no array of"),
        "array-bomb": (line(RIDGE, ("1.npy", large)), "1.npy"),
        "dots": (line(RIDGE, ("../1.npy", b"x")), "'../1.npy'"),
        "deep": (zipped([("schema.json", b"[" * 200_000)]), "JSON that is none"),
        "no-schema": (zipped([("1.npy", array(np.zeros(3)))]), "no schema.json"),
    }  # fmt: skip
