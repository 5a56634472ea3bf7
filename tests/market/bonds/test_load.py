from __future__ import annotations

import pytest

from atb.config.data import BondData
from atb.errors import DataError, UsageError
from atb.market import access
from atb.market.bonds.load import load_bonds
from atb.workspace import Workspace


@pytest.fixture
def load(tmp_path):
    def loaded(symbol="UST10Y", **fields):
        return load_bonds(symbol, BondData(**fields), Workspace(tmp_path))

    return loaded


def test_par_yields_become_the_days_of_a_bond(load, yield_file):
    bonds = load(path=yield_file)
    assert (len(bonds), bonds.symbol, bonds.synthetic) == (6_506, "UST10Y", False)
    assert bonds.source == f"prices made from par yields, file {yield_file.name}"
    assert bonds.breaks == 1  # two days in September 2001, one more than a holiday


def test_simulated_yields_are_marked_and_their_own_for_each_symbol(load):
    one, other = load(source="sample"), load("UST2Y", source="sample")
    assert one.synthetic
    assert one.sha256() == load(source="sample").sha256()
    assert one.values[:, 3].tolist() != other.values[:, 3].tolist()


def test_bonds_that_were_kept_are_read_as_they_are(load, yield_file, tmp_path):
    bonds, path = load(path=yield_file), tmp_path / "kept.parquet"
    access.keep(bonds, path)
    assert access.read_kept(path, "UST10Y", BondData()).sha256() == bonds.sha256()
    assert load(path=path).sha256() == bonds.sha256()
    with pytest.raises(DataError, match=r"pay None, 6\.0 is asked for"):
        load(path=path, coupon=6.0)
    with pytest.raises(DataError, match="it holds UST10Y, not UST2Y"):
        load("UST2Y", path=path)


@pytest.mark.parametrize(
    ("fields", "what"),
    [
        ({}, "no file of par yields is named for UST10Y"),
        ({"source": "file"}, "no file of par yields"),
        ({"source": "sample", "path": "yields.csv"}, "yields.csv is given, but the source"),
        ({"symbol": "../x"}, "symbol"),
        ({"symbol": "BTCUSDT", "source": "sample"}, "BTCUSDT names no bond"),
    ],
)
def test_what_does_not_go_together_is_refused(load, fields, what):
    with pytest.raises(UsageError, match=what):
        load(**fields)
