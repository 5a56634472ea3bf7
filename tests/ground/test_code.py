from __future__ import annotations

import hashlib
from pathlib import Path

from atb.code import code_sha256


def _package(folder: Path, **sources: str) -> Path:
    folder.mkdir()
    for name, content in sources.items():
        (folder / f"{name}.py").write_text(content)
    return folder


def test_the_hash_is_of_names_lengths_and_contents_in_order(tmp_path: Path) -> None:
    package = _package(tmp_path / "one", b="2", a="one")
    expected = hashlib.sha256(b"a.py\n3\noneb.py\n1\n2").hexdigest()
    assert code_sha256(package) == expected


def test_another_content_or_name_is_another_code(tmp_path: Path) -> None:
    hashes = {
        code_sha256(_package(tmp_path / "one", a="x", b="y")),
        code_sha256(_package(tmp_path / "two", a="x", b="z")),
        code_sha256(_package(tmp_path / "three", a="x", c="y")),
        code_sha256(_package(tmp_path / "four", a="xy", b="")),
    }
    assert len(hashes) == 4


def test_where_it_lies_and_what_is_compiled_beside_it_do_not_matter(tmp_path: Path) -> None:
    one, two = _package(tmp_path / "one", a="x"), _package(tmp_path / "two", a="x")
    (two / "__pycache__").mkdir()
    (two / "__pycache__" / "a.cpython-311.pyc").write_bytes(b"compiled")
    (two / ".#a.py").symlink_to("anna@host.17:1795313679")
    assert code_sha256(one) == code_sha256(two)


def test_this_package_has_one_hash_of_64_digits() -> None:
    assert len(code_sha256()) == 64
    assert code_sha256() == code_sha256()
