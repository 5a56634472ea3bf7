"""Every target keeps the promises of labels; a new one is tested by being in the table."""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atb import targets
from atb.config.targets import TARGETS, AnyTarget, MidPriceTarget
from atb.market.bonds import par_file
from atb.market.bonds.bonds import COLUMNS as DAYS
from atb.market.bonds.bonds import Bonds
from atb.market.bonds.build import build as build_bonds
from atb.market.candles import COLUMNS, Candles
from atb.market.files import read
from atb.market.history import History
from atb.market.lob.book import Book
from atb.market.lob.files import read as read_book
from atb.targets.build import BUILDERS, build

SHARED = {"labels", "build", "trailing", "moves"}  # files that are no target
HOUR = 3_600_000
BARS = 80


def specs() -> list[AnyTarget]:
    """Each target with one horizon, and with several where it takes them; all look back little."""
    found: list[AnyTarget] = []
    for spec in TARGETS.values():
        fields = spec.model_fields
        span = {"span": 5} if "span" in fields else {}
        found.append(spec(horizon=6, **span))
        if "tuple" in str(fields["horizon"].annotation):
            found.append(spec(horizon=(1, 3, 6), **span))
    smoothed = {"horizon": (3, 6), "length": 4, "threshold": 5}
    found += [MidPriceTarget(smoothing=form, **smoothed) for form in ("ahead", "both", "apart")]
    return found


def name(spec: AnyTarget) -> str:
    return "-".join([spec.kind, str(len(spec.horizons)), getattr(spec, "smoothing", "")])


SPECS = specs()
every_target = pytest.mark.parametrize("spec", SPECS, ids=name)
seeds = st.integers(0, 2**32 - 1)


def market(spec: AnyTarget, seed: int) -> History:
    """A random walk of the market of a target, with gaps or several sessions."""
    random = np.random.default_rng(seed)
    if spec.market == "book":
        mid = 10_000 + np.cumsum(random.integers(-5, 6, BARS))
        return book(mid, np.cumsum(random.random(BARS) < 0.04))
    if spec.market == "bonds":
        return bonds(random)
    close = 100 * np.exp(np.cumsum(random.normal(0, 0.01, BARS) * (random.random(BARS) < 0.9)))
    up, down = np.exp(np.abs(random.normal(0, 0.004, (2, BARS))))
    hours = np.cumsum(random.choice([1, 2, 5], BARS, p=[0.92, 0.04, 0.04]))
    return Candles("X", "1h", hours * HOUR, close, close * up, close / down, close, np.ones(BARS))


def book(mid: np.ndarray, session: np.ndarray, tick: float = 0.01) -> Book:
    """One level, one tick to either side of each mid, which is in ticks."""
    size = np.ones(len(mid))
    levels = np.stack([mid + 1, size, mid - 1, size], axis=1)
    return Book("X", np.arange(len(mid)), levels, size, session, tick)


def bonds(random: np.random.Generator) -> Bonds:
    """Days of a bond, some of which are followed by missing ones."""
    values = np.ones((BARS, len(DAYS)))
    values[:, 0] = 100 * np.exp(np.cumsum(random.normal(0, 0.004, BARS)))
    steps = random.choice([1, 2, 4, 30], BARS, p=[0.9, 0.04, 0.04, 0.02])
    return Bonds("UST10Y", weekdays(np.cumsum(steps)), values)


def weekdays(numbers: np.ndarray, first: object = "2000-01-03") -> np.ndarray:
    """Midnights of the weekdays so many after a first one."""
    days = np.busday_offset(np.datetime64(first, "D"), numbers)
    return days.astype("datetime64[ms]").astype(np.int64)


def scaled(history: History, factor: np.ndarray | float) -> History:
    """The same with every price multiplied, a row at a time or all alike."""
    if isinstance(history, Book):
        return replace(history, levels=history.levels * np.reshape(factor, (-1, 1)))
    if isinstance(history, Bonds):
        return replace(history, values=history.values * np.reshape(factor, (-1, 1)))
    return replace(history, **{name: getattr(history, name) * factor for name in COLUMNS[:4]})


def changed(history: History, after: int, seed: int) -> History:
    """The same up to and with row `after`; then other prices at other times, to the same length."""
    random = np.random.default_rng(seed)
    factor = np.exp(random.normal(0, 0.2, len(history)))
    factor[: after + 1] = 1.0
    later = len(history) - after - 1
    other = scaled(history, factor)
    if isinstance(other, Book):
        session = other.session.copy()
        session[after + 1 :] = session[after] + np.cumsum(random.random(later) < 0.1)
        return replace(other, session=session)
    if isinstance(other, Bonds):
        last = other.time[after].astype("datetime64[ms]").astype("datetime64[D]")
        following = weekdays(np.cumsum(random.integers(1, 4, later)), last)
        return replace(other, time=np.append(other.time[: after + 1], following))
    hours = np.diff(other.time, prepend=other.time[0]) // HOUR
    hours[after + 1 :] = random.integers(1, 4, later)
    return replace(other, time=other.time[0] + np.cumsum(hours) * HOUR)


def test_specs_files_and_builders_match() -> None:
    modules = {module.name for module in pkgutil.iter_modules(targets.__path__)} - SHARED
    named = {BUILDERS[kind].__module__.rpartition(".")[2] for kind in TARGETS}
    assert BUILDERS.keys() == TARGETS.keys()
    assert named == modules
    for name in modules:
        assert importlib.import_module(f"atb.targets.{name}").build in BUILDERS.values()
    assert {kind: spec().kind for kind, spec in TARGETS.items()} == {kind: kind for kind in TARGETS}


@every_target
@pytest.mark.parametrize("bars", [0, 1, 2, 5, 6, 7, BARS])
def test_there_is_one_row_for_each_bar_and_one_column_for_each_horizon(spec, bars) -> None:
    labels = build(spec, market(spec, 0).rows(0, bars))
    assert labels.value.shape == (bars, len(spec.horizons))
    assert labels.known_at.shape == (bars,)
    assert (labels.value.dtype, labels.known_at.dtype) == (np.float64, np.int64)
    assert labels.classes == spec.classes


@every_target
@given(seed=seeds, max_gap=st.integers(0, 4))
@settings(max_examples=40, deadline=None)
def test_a_label_is_known_later_than_its_row_or_never(spec, seed, max_gap) -> None:
    labels = build(spec, market(spec, seed), max_gap)
    known = np.isfinite(labels.value).all(axis=1)
    rows = np.arange(BARS)
    assert np.all(labels.known_at[~known] == BARS)
    assert np.all(labels.known_at[known] > rows[known])
    assert np.all(labels.known_at[known] <= rows[known] + max(spec.horizons))
    assert np.all(labels.known_at[known] < BARS)


@every_target
@given(seed=seeds, max_gap=st.integers(0, 4))
@settings(max_examples=40, deadline=None)
def test_no_label_reaches_across_a_gap(spec, seed, max_gap) -> None:
    history = market(spec, seed)
    labels, segment = build(spec, history, max_gap), history.segments(max_gap)
    known = np.isfinite(labels.value).all(axis=1)
    assert np.all(segment[labels.known_at[known]] == segment[known])


@every_target
@given(seed=seeds, cut=st.integers(0, BARS - 2))
@settings(max_examples=60, deadline=None)
def test_what_comes_after_it_is_known_changes_no_label(spec, seed, cut) -> None:
    history = market(spec, seed)
    labels, others = build(spec, history), build(spec, changed(history, cut, seed))
    known = labels.known_at <= cut
    assert labels.value[known].tobytes() == others.value[known].tobytes()
    assert labels.known_at[known].tolist() == others.known_at[known].tolist()


@every_target
@given(seed=seeds, cut=st.integers(1, BARS))
@settings(max_examples=60, deadline=None)
def test_a_label_is_there_as_soon_as_it_is_known(spec, seed, cut) -> None:
    history = market(spec, seed)
    whole, before = build(spec, history), build(spec, history.rows(0, cut))
    known = whole.known_at[:cut] < cut
    assert whole.value[:cut][known].tobytes() == before.value[known].tobytes()
    assert np.all(before.known_at[~known] == cut)


@every_target
def test_the_bar_at_which_it_is_known_matters(spec) -> None:
    """One bar earlier it is not known: for some rows another last bar gives another label."""
    history = market(spec, 2)
    labels = build(spec, history)
    rows = np.flatnonzero(labels.known_at < BARS)
    differs = 0
    for row in rows:
        last = labels.known_at[row]
        for factor in (0.5, 2.0):
            scale = np.where(np.arange(BARS) == last, factor, 1.0)
            other = build(spec, scaled(history, scale)).value[row]
            differs += not np.array_equal(other, labels.value[row])
    assert differs >= 0.5 * len(rows)


@every_target
@given(seed=seeds, factor=st.sampled_from([2.0**-20, 0.5, 2.0**20]))
@settings(max_examples=20, deadline=None)
def test_the_unit_of_prices_changes_no_label(spec, seed, factor) -> None:
    history = market(spec, seed)
    one, other = build(spec, history).value, build(spec, scaled(history, factor)).value
    np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-12)


@every_target
def test_on_real_prices_nearly_every_row_has_one_and_classes_are_their_index(
    spec, market_data: Path
) -> None:
    labels = build(spec, real(spec, market_data))
    known = np.isfinite(labels.value).all(axis=1)
    assert known.mean() > 0.99
    for column in labels.settled(np.flatnonzero(known)).value[known].T:
        found = np.unique(column).tolist()
        assert found == list(range(spec.classes)) if spec.classes > 1 else len(found) > 500


def real(spec: AnyTarget, market_data: Path) -> History:
    """Two years of hours, three hours of a book, or 26 years of a bond."""
    if spec.market == "candles":
        file = market_data / "crypto_ohlcv" / "BTCUSDT_1h_2023-01-01_2024-12-31.feather"
        return read(file, "BTCUSDT", "1h")
    if spec.market == "bonds":
        (file,) = (market_data / "rates").glob("us_treasury_par_yield_*.parquet")
        return build_bonds(par_file.read(file), "UST10Y")
    (file,) = (market_data / "lob").glob("BTCUSD_bitstamp_book20_*.parquet")
    return read_book(file, "BTCUSD")
