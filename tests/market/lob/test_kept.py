"""A kept book is given back bit for bit; a damaged file is one clear answer."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from atb.errors import DataError, StorageError
from atb.market.lob import kept
from atb.market.lob.book import Book


@st.composite
def books(draw):
    """Any book, sound or not: NaN, infinities, absent levels, no tick."""
    rows, depth = draw(st.integers(1, 12)), draw(st.integers(1, 4))
    values = draw(
        st.lists(st.floats(width=32), min_size=rows * depth * 4, max_size=rows * depth * 4)
    )
    times = draw(st.lists(st.integers(-(2**62), 2**62), min_size=rows, max_size=rows))
    return Book(
        draw(st.sampled_from(["GOOG", "BTC-PERP", 'Ä, "x"'])),
        np.array(times),
        np.array(values, np.float32).reshape(rows, depth * 4),
        np.array(draw(st.lists(st.floats(width=32), min_size=rows, max_size=rows)), np.float32),
        np.arange(rows) // 3,
        tick=draw(st.sampled_from([None, 0.01, 0.1 + 0.2, 1e-9])),
        source=draw(st.text(max_size=10)),
        synthetic=draw(st.booleans()),
    )


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50, deadline=None
)
@given(books())
def test_any_book_is_given_back_bit_for_bit(tmp_path, book):
    path = tmp_path / "book.parquet"
    kept.write(book, path)
    back = kept.read(path)
    assert back.sha256() == book.sha256()
    for name in ("symbol", "tick", "source", "synthetic"):
        assert getattr(back, name) == getattr(book, name)
    assert kept.is_kept(path)


@pytest.fixture
def small():
    levels = np.float32([[10002, 1, 10001, 2], [10003, 3, np.nan, 0], [10004, 5, 10003, 6]])
    return Book("TEST", [10**18, 10**18, 2 * 10**18], levels, [0, 1, -2], [0, 0, 1], tick=0.01)


def test_it_says_what_it_holds(small, tmp_path):
    kept.write(small, tmp_path / "book.parquet")
    found = kept.facts(tmp_path / "book.parquet")
    assert (found.symbol, found.rows, found.levels, found.sessions) == ("TEST", 3, 1, 2)
    assert (found.first_ms, found.last_ms) == (10**12, 2 * 10**12)
    assert (found.tick, found.units_per_tick, found.synthetic) == (0.01, 1, False)


def test_several_row_groups_and_another_symbol(small, tmp_path, monkeypatch):
    monkeypatch.setattr(kept, "_ROWS", 2)
    kept.write(small, tmp_path / "book.parquet")
    about = pq.ParquetFile(tmp_path / "book.parquet").metadata
    assert [about.row_group(i).num_rows for i in range(about.num_row_groups)] == [2, 1]
    assert kept.read(tmp_path / "book.parquet").sha256() == small.sha256()
    assert kept.read(tmp_path / "book.parquet", "OTHER").symbol == "OTHER"


def test_prices_in_units_come_back_in_ticks(small, tmp_path):
    path = tmp_path / "book.parquet"
    with kept.writing(path, 1, whole=True, origin=kept.origin("TEST", "memory", False)) as file:
        for part in (slice(0, 2), slice(2, 3)):
            units = np.nan_to_num(small.levels[part] * [100, 1, 100, 1], nan=-5).astype(np.int32)
            columns = (small.time_ns, *units.T, small.traded, small.session)
            file.append([c if len(c) == len(units) else c[part] for c in columns], absent=-5)
        file.finish(0.01, units_per_tick=100)
    assert kept.read(path).sha256() == small.sha256()


def replaced(table, **columns):
    for name, values in columns.items():
        table = table.set_column(table.column_names.index(name), name, values)
    return table


DAMAGE = {
    "a column less": lambda table: table.drop_columns(["traded"]),
    "another type": lambda table: replaced(table, time_ns=pa.array([1.0, 2.0, 3.0])),
    "another name": lambda table: table.rename_columns(["t", *table.column_names[1:]]),
    "a hole": lambda table: replaced(table, traded=pa.array([1, None, 2], pa.float32())),
    "no rows": lambda table: table.slice(0, 0),
    "no tick to count in": lambda table: table.replace_schema_metadata(
        {**table.schema.metadata, b"atb.tick": b"0"}
    ),
    "half a tick": lambda table: table.replace_schema_metadata(
        {**table.schema.metadata, b"atb.units_per_tick": b"0.5"}
    ),
    "no symbol": lambda table: table.replace_schema_metadata(
        {b"atb.kind": b"book", b"atb.units_per_tick": b"1"}
    ),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_file_is_an_answer(small, tmp_path, damage):
    path = tmp_path / "book.parquet"
    kept.write(small, path)
    about = pq.ParquetFile(path).metadata.metadata
    marks = {name: value for name, value in about.items() if name.startswith(b"atb.")}
    pq.write_table(DAMAGE[damage](pq.read_table(path).replace_schema_metadata(marks)), path)
    with pytest.raises(DataError, match=r"book.parquet: .*; ") as caught:
        kept.read(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"noise" * 100, None])
def test_an_unreadable_file_is_an_answer(small, tmp_path, content):
    path = tmp_path / "book.parquet"
    kept.write(small, path)
    path.write_bytes(path.read_bytes()[:-30] if content is None else content)
    assert not kept.is_kept(path)
    for use in (kept.read, kept.facts):
        with pytest.raises(DataError, match=r"book\.parquet"):
            use(path)


def test_a_flipped_bit_of_any_column_is_an_answer(tmp_path, each_column_spoilt):
    random = np.random.default_rng(0)
    rows, path = 500, tmp_path / "book.parquet"
    columns = random.normal(size=(rows, 8)), random.normal(size=rows), np.zeros(rows)
    kept.write(Book("TEST", np.arange(rows) ** 2, *columns, tick=0.01), path)
    for _ in each_column_spoilt(path):
        with pytest.raises(DataError, match="cannot be read as a kept book"):
            kept.read(path)


def test_a_failed_write_leaves_what_was_there(small, tmp_path):
    path = tmp_path / "book.parquet"
    kept.write(small, path)
    before = path.read_bytes()
    origin = kept.origin("TEST", "memory", False)
    with pytest.raises(DataError), kept.writing(path, 1, whole=False, origin=origin) as file:
        file.append((small.time_ns, *small.levels.T, small.traded, small.session))
        raise DataError("line 9")
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["book.parquet"]
    (tmp_path / "plain").write_text("")
    with pytest.raises(StorageError):
        kept.write(small, tmp_path / "plain" / "book.parquet")
