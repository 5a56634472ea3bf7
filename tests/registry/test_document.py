"""A file that should hold a JSON object holds one, or is damaged."""

from __future__ import annotations

import pytest

from atb.errors import IntegrityError
from atb.registry import document


def test_an_object_is_read(tmp_path):
    path = tmp_path / "metadata.json"
    path.write_text('{"symbol": "BTCUSDT"}')
    assert document.read(path) == {"symbol": "BTCUSDT"}


@pytest.mark.parametrize("content", [b"", b"[1]", b"{", b"\xff\xfe", b"[" * 100_000, None])
def test_anything_else_is_damage(tmp_path, content):
    path = tmp_path / "metadata.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(IntegrityError, match=r"metadata\.json: it (cannot|holds)"):
        document.read(path)
