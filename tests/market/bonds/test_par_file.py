from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from atb.clock import DAY_MS, parse_time
from atb.errors import DataError
from atb.market.bonds import par_file
from atb.market.bonds.curves import years_of

PUBLISHED = """Date,"1 Mo","3 Mo",10 Yr,20 Yr,"30 Yr Display"
01/03/2024,5.54,5.48,3.91,,4.05
01/02/2024,5.55,5.46,3.95,4.25,4.08
"""


def written(tmp_path, text, name="yields.csv"):
    path = tmp_path / name
    path.write_text(text)
    return path


def test_a_csv_as_the_treasury_publishes_it(tmp_path):
    found = par_file.read(written(tmp_path, PUBLISHED))
    assert found.time.tolist() == [parse_time("2024-01-02"), parse_time("2024-01-03")]
    assert found.years.tolist() == [1 / 12, 0.25, 10, 20]
    np.testing.assert_equal(found.yields, [[5.55, 5.46, 3.95, 4.25], [5.54, 5.48, 3.91, np.nan]])
    assert not found.synthetic


def test_the_same_in_parquet_with_other_names(tmp_path):
    path = tmp_path / "yields.parquet"
    columns = {"BC_10YEAR": [3.95, 3.91], "note": ["a", "b"], "BC_3MONTH": [5.46, 5.48]}
    columns["date"] = pa.array([DAY_MS * 19_724, DAY_MS * 19_725], pa.timestamp("ms"))
    pq.write_table(pa.table(columns), path)
    found = par_file.read(path)
    assert found.years.tolist() == [0.25, 10]
    assert found.yields.tolist() == [[5.46, 3.95], [5.48, 3.91]]
    assert found.time.tolist() == [parse_time("2024-01-02"), parse_time("2024-01-03")]


def test_zero_is_a_yield_of_bills_that_were_published_before_and_else_none(tmp_path):
    rows = ["date,1M,6M,1Y", "2008-12-08,0.0,0.3,0.5", "2008-12-09,0.02,0.0,0.0"]
    rows += ["2008-12-10,0.0,0.25,0.4", "2008-12-11,,0.25,0.4", "2008-12-12,0.0,0.2,0.4"]
    found = par_file.read(written(tmp_path, "\n".join(rows)))
    bill, half, year = found.yields.T
    np.testing.assert_equal(bill, [np.nan, 0.02, 0.0, np.nan, 0.0])
    np.testing.assert_equal(half, [0.3, 0.0, 0.25, 0.25, 0.2])
    np.testing.assert_equal(year, [0.5, np.nan, 0.4, 0.4, 0.4])


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("date,open,close\n2024-01-02,1,2\n", "no column of maturities among 'date', 'open'"),
        ("day,10Y\n2024-01-02,4\n", "no date column among 'day', '10Y'"),
        ("date,10Y\n2024-01-02,4\n2024-01-02,5\n", "2024-01-02 is there twice"),
        ("date,10Y\n2024-01-02,4\n2024-01-03,400\n", "yield of 2024-01-03 is 400 %"),
        ("date,10Y\n2024-01-02,inf\n", "yield of 2024-01-02 is inf %"),
        ("date,10Y\n2024-01-02,four\n", "row 0, counted from 0: 10Y is 'four', which is no number"),
        ("date,10Y\nyesterday,4\n", "'yesterday' is no time"),
        ("date,10Y\n", "no rows"),
        ("", "empty"),
        ("date,10Y\n2024-01-02,4,5\n", "line 2 has 3 columns, the header 2"),
    ],
)
def test_a_fault_is_named_with_its_place(tmp_path, text, what):
    path = written(tmp_path, text)
    with pytest.raises(DataError, match=what) as caught:
        par_file.read(path)
    assert caught.value.where == str(path)


@pytest.mark.parametrize("name", ["yields.txt", "yields.parquet"])
def test_another_format_is_refused(tmp_path, name):
    with pytest.raises(DataError):
        par_file.read(written(tmp_path, PUBLISHED, name))


def test_the_treasurys_file(treasury):
    tenors = ("1M", "3M", "6M", "1Y", "2Y", "3Y", "5Y", "7Y", "10Y", "20Y", "30Y")
    assert treasury.years.tolist() == [years_of(tenor) for tenor in tenors]
    published = np.isfinite(treasury.yields).sum(axis=0)
    assert published.tolist() == [3_607, *[6_506] * 8, 5_567, 5_512]
    zeros = (treasury.yields == 0).sum(axis=0)
    assert zeros.tolist() == [90, 19, *[0] * 9]
    first = treasury.time[np.isfinite(treasury.yields[:, 0])][0]
    assert first == parse_time("2001-07-31")
