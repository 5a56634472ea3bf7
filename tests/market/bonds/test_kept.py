from __future__ import annotations

import pyarrow.parquet as pq
import pytest

from atb.errors import DataError
from atb.market.bonds import kept, sample
from atb.market.bonds.build import build


@pytest.mark.parametrize("coupon", [None, 6.0])
def test_what_was_written_comes_back_bit_for_bit(tmp_path, coupon):
    bonds = build(sample.simulate(50), "UST5Y", coupon)
    path = tmp_path / "bonds.parquet"
    kept.write(bonds, path)
    found = kept.read(path, "UST5Y")
    assert found.sha256() == bonds.sha256()
    assert (found.source, found.synthetic, found.coupon) == (bonds.source, True, coupon)


def test_what_it_did_not_write_is_told_apart_and_refused(tmp_path, yield_file):
    path = tmp_path / "bonds.parquet"
    kept.write(build(sample.simulate(50), "UST5Y"), path)
    assert kept.is_kept(path)
    assert not kept.is_kept(yield_file)
    assert not kept.is_kept(tmp_path / "nothing.parquet")
    with pytest.raises(DataError, match="its columns are date, BC_1MONTH"):
        kept.read(yield_file, "UST5Y")
    path.write_bytes(path.read_bytes()[:-100])
    assert not kept.is_kept(path)
    with pytest.raises(DataError, match="cannot be read as Parquet"):
        kept.read(path, "UST5Y")


def test_a_coupon_that_is_none_is_refused(tmp_path):
    path = tmp_path / "bonds.parquet"
    kept.write(build(sample.simulate(50), "UST5Y"), path)
    table = pq.read_table(path)
    pq.write_table(table.replace_schema_metadata({b"atb.coupon": b"[4]"}), path)
    with pytest.raises(DataError, match="its coupon is"):
        kept.read(path, "UST5Y")
