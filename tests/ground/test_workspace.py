from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atb.errors import StorageError, UsageError
from atb.workspace import Workspace, check_name, check_symbol

HOSTILE = [
    "", ".", "..", "../..", "/etc", "..\\", "a/b", "A/B", "BTC/USDT:USDT", "BTC USDT", "BTC\x00",
    "BTC\n", "-rf", "$(id)", "CON", "NUL", "COM1", "\u202eTDSU", "A" * 300, "btcusdt", "BTC.USDT",
    "~", "%2e%2e", "_BTC", "BTC_", "B",
]  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_symbol_is_a_usage_error(name: str) -> None:
    with pytest.raises(UsageError, match="is not a symbol"):
        check_symbol(name)


@pytest.mark.parametrize("name", [n for n in HOSTILE if n != "btcusdt"])
def test_a_hostile_model_name_is_a_usage_error(name: str) -> None:
    with pytest.raises(UsageError, match="is not a model name"):
        check_name(name)


@pytest.mark.parametrize("symbol", ["BTCUSDT", "1000PEPEUSDT", "ETH-PERP", "BTCUSDT_250328"])
def test_symbols_of_exchanges_pass(symbol: str) -> None:
    assert check_symbol(symbol) == symbol


@settings(max_examples=5000, deadline=None)
@given(symbol=st.text(max_size=40), name=st.text(max_size=40))
def test_no_accepted_name_leaves_the_root(symbol: str, name: str) -> None:
    root = Path("/root/of/all")
    try:
        path = Workspace(root).models(symbol, name)
    except UsageError:
        return
    assert path == root / "models" / symbol / name
    assert path.resolve().parent.parent.parent == root.resolve()


def test_a_root_that_is_no_folder_is_refused_and_none_is_made(tmp_path: Path) -> None:
    Workspace(tmp_path / "new" / "deep").require_writable()
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot be written"):
        Workspace(tmp_path / "file" / "below").require_writable()
    with pytest.raises(StorageError, match="cannot be written"):
        Workspace(tmp_path).require_writable(tmp_path / "file" / "BTCUSDT")
    with pytest.raises(StorageError, match="cannot be written"):
        Workspace(Path("/proc/nothing")).require_writable()
