"""Every feature in the catalogue: no bar of the future, no bar too many, no number that is none.

A new feature is tested here by existing. The checks run on planted faults too, to show they bite.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import import_module
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atb.config import bond_features, book_features
from atb.config.feature import Feature
from atb.config.features import FEATURES, SETS, lookback, market_of, width
from atb.market.bonds import par_file
from atb.market.bonds.build import build
from atb.market.candles import COLUMNS

Float32 = npt.NDArray[np.float32]
Compute = Callable[[Float32], Float32]

pytestmark = pytest.mark.usefixtures("tensorflow_ready")
every_feature = pytest.mark.parametrize(
    "feature", FEATURES.values(), ids=lambda feature: feature.name
)
every_market = pytest.mark.parametrize("market", ["candles", "book", "bonds"])

CANDLES, BOOK, DAYS = 600, 900, 400  # rows
LAST_BITS = 2**-22


@dataclass(frozen=True)
class Rows:
    """Raw rows of a market as a history."""

    values: Float32
    kind: str
    columns: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        names = (f"column {number}" for number in range(self.values.shape[1]))
        object.__setattr__(self, "columns", tuple(names))

    def __len__(self) -> int:
        return len(self.values)

    def rows(self, start: int, stop: int) -> Rows:
        return replace(self, values=self.values[start:stop])

    def matrix(self) -> Float32:
        return self.values


@dataclass(frozen=True)
class Case:
    """Everything the features of one market are tested on.

    Attributes:
        kind: the market.
        sets: sets that hold all its features between them.
        rows: `[N, C]` raw rows.
        cuts: rows before which a series is ended.
        disturbed: other valid rows, unlike the given ones in every column and every ratio.
    """

    kind: str
    sets: tuple[str, ...]
    rows: Float32
    cuts: range
    disturbed: Compute

    def matrix(self, rows: Float32) -> Float32:
        """All sets side by side."""
        from atb.features.layer import compute

        return np.concatenate([compute(name, Rows(rows, self.kind)) for name in self.sets], axis=1)

    @property
    def before(self) -> int:
        """The longest lookback."""
        return max(map(lookback, self.sets))

    @property
    def ends(self) -> npt.NDArray[np.int64]:
        """Fifty rows that have all they need."""
        return np.linspace(self.before + 20, len(self.rows) - 1, 50).astype(int)

    def windows(self, before: int) -> Float32:
        """`[50, before + 1, C]`: fifty rows, each with the rows before it."""
        return np.stack([self.rows[end - before : end + 1] for end in self.ends])


def kind_of(feature: Feature) -> str:
    catalogues = {"book": book_features.CATALOGUE, "bonds": bond_features.CATALOGUE}
    return next((kind for kind, found in catalogues.items() if feature in found), "candles")


@cache
def places(kind: str) -> dict[str, slice]:
    """Where each feature lies in the matrix of its market."""
    found, start = {}, 0
    for name in SETS_OF[kind]:
        for member in SETS[name]:
            found[member] = slice(start, start + FEATURES[member].width)
            start += FEATURES[member].width
    return found


SETS_OF = {
    "candles": ("full",),
    "book": tuple(name for name in SETS if market_of(name) == "book"),
    "bonds": ("rates-levels",),
}
assert {name for kind in SETS_OF for name in places(kind)} == set(FEATURES), (
    "a feature in no set is in no test"
)


def place(feature: Feature) -> slice:
    return places(kind_of(feature))[feature.name]


def values(feature: Feature, rows: Float32) -> Float32:
    """What a feature makes of `[B, T, C]` rows: `[B, T - lookback, width]`."""
    from atb.features.layer import VIEWS, function_of

    made = function_of(feature)(VIEWS[kind_of(feature)](rows), *feature.parameters)
    return np.asarray(made)


def disturbed_candles(bars: Float32) -> Float32:
    open_, high, low, close, volume = np.moveaxis(bars, -1, 0)
    return np.stack([close * 3, high * 7, low / 4, open_ / 2, volume * 5 + 1], axis=-1)


def disturbed_book(rows: Float32) -> Float32:
    other = rows.copy()
    other[..., 0:40:4] = 3 * rows[..., 0:40:4] - 2 * rows[..., :1] + 11
    other[..., 2:40:4] -= 5
    other[..., 1:40:4] = rows[..., 1:40:4] * 5 + 1
    other[..., 3:40:4] = rows[..., 3:40:4] * 2 + 7
    other[..., -2] = 3 - 2 * rows[..., -2]
    other[..., -1] = 2 * rows[..., -1] + 0.5
    return other


def disturbed_days(rows: Float32) -> Float32:
    return rows * np.arange(3, 3 + rows.shape[-1], dtype=np.float32)


def invented_book(
    seed: int, level: float = 58_000, unit: float = 1.0, still: float = 0.3, rows: int = BOOK
) -> Float32:
    """A random walk of ten levels in whole ticks: a share of rows without any change."""
    rng = np.random.default_rng(seed)
    pace = rng.integers(1, 9, rows // 60 + 1).repeat(60)[:rows]
    steps = np.where(rng.random(rows) < still, 0, pace * rng.integers(-2, 3, rows))
    middle = round(level) + np.cumsum(steps)
    gaps = (pace[:, None, None] * rng.integers(1, 4, (rows, 2, 10))).cumsum(axis=2)
    sizes = np.ceil(rng.lognormal(4, 1.5, (rows, 2, 10))) * unit
    same = rng.random(rows) < still
    for row in np.flatnonzero(same[1:]) + 1:
        gaps[row], sizes[row] = gaps[row - 1], sizes[row - 1]
    sides = (middle[:, None] + gaps[:, 0], sizes[:, 0], middle[:, None] - gaps[:, 1], sizes[:, 1])
    traded = np.where(rng.random(rows) < 0.2, rng.normal(0, 200, rows).round() * unit, 0)
    flow = np.stack([traded, rng.exponential(0.1, rows)], axis=1)
    levels = np.stack(sides, axis=-1).reshape(rows, 40)
    return np.concatenate([levels, flow], axis=1).astype(np.float32)


@pytest.fixture(scope="module")
def cases(market_data: Path) -> dict[str, Case]:
    """The first bars of BTCUSDT, hourly, a book that walks at random, the first days of UST10Y."""
    frame = pd.read_feather(
        market_data / "crypto_ohlcv" / "BTCUSDT_1h_2023-01-01_2024-12-31.feather"
    )
    bars = frame[list(COLUMNS)].to_numpy(np.float32)[:CANDLES]
    (yields,) = (market_data / "rates").glob("us_treasury_par_yield_*.parquet")
    days = build(par_file.read(yields), "UST10Y").rows(0, DAYS).matrix()
    return {
        "candles": Case(
            "candles", SETS_OF["candles"], bars, range(CANDLES // 2, CANDLES), disturbed_candles
        ),
        "book": Case(
            "book", SETS_OF["book"], invented_book(3), range(BOOK - 300, BOOK, 33), disturbed_book
        ),
        "bonds": Case("bonds", SETS_OF["bonds"], days, range(DAYS - 300, DAYS, 33), disturbed_days),
    }


@pytest.fixture(scope="module")
def rows(cases: dict[str, Case]) -> Float32:
    return cases["candles"].rows


@pytest.fixture(scope="module")
def whole(cases: dict[str, Case]) -> dict[str, Float32]:
    return {kind: case.matrix(case.rows) for kind, case in cases.items()}


@pytest.fixture(scope="module")
def rounding(whole: dict[str, Float32]) -> dict[str, Float32]:
    """How far the same value may lie apart: a millionth of its spread, and the last bits."""
    return {
        kind: 1e-6 * np.nanstd(made, axis=0) + LAST_BITS * np.nanmax(np.abs(made), axis=0)
        for kind, made in whole.items()
    }


def prefix_difference(compute: Compute, rows: Float32, whole: Float32, cuts: range) -> Float32:
    """Largest difference of any row, over every prefix that ends at one of the cuts."""
    differences = [np.nanmax(np.abs(compute(rows[:cut]) - whole[:cut]), axis=0) for cut in cuts]
    return np.max(differences, axis=0)


def touched_by_a_lost_future(
    compute: Compute, rows: Float32, whole: Float32, cuts: range
) -> npt.NDArray[np.bool]:
    """Whether anything changes, in any bit, when every row after one of the cuts is NaN."""
    touched = np.zeros(whole.shape[1], bool)
    for cut in cuts:
        dark = rows.copy()
        dark[cut:] = np.nan
        touched |= (compute(dark)[:cut].view(np.int32) != whole[:cut].view(np.int32)).any(axis=0)
    return touched


@pytest.fixture(scope="module")
def lost_future(
    cases: dict[str, Case], whole: dict[str, Float32]
) -> dict[str, npt.NDArray[np.bool]]:
    return {
        kind: touched_by_a_lost_future(case.matrix, case.rows, whole[kind], case.cuts)
        for kind, case in cases.items()
    }


@pytest.fixture(scope="module")
def prefixes(cases: dict[str, Case], whole: dict[str, Float32]) -> dict[str, Float32]:
    return {
        kind: prefix_difference(case.matrix, case.rows, whole[kind], case.cuts)
        for kind, case in cases.items()
    }


@pytest.fixture(scope="module")
def lengths(cases: dict[str, Case], whole: dict[str, Float32]) -> dict[str, Float32]:
    """As `prefixes`, but each prefix in a tensor of its own length."""
    from atb.features.layer import FeatureSet

    def in_own_length(name: str) -> Compute:
        layer, missing = FeatureSet(name), np.full((lookback(name), width(name)), np.nan)
        return lambda part: np.concatenate([missing, layer(part[np.newaxis])[0]])

    def difference(case: Case) -> Float32:
        layers = [in_own_length(name) for name in case.sets]
        return prefix_difference(
            lambda part: np.concatenate([layer(part) for layer in layers], axis=1),
            case.rows,
            whole[case.kind],
            case.cuts[::3],
        )

    return {kind: difference(case) for kind, case in cases.items()}


@every_feature
def test_a_prefix_has_the_same_bits(feature: Feature, prefixes: dict[str, Float32]) -> None:
    assert (prefixes[kind_of(feature)][place(feature)] == 0).all()


@every_feature
def test_a_tensor_of_another_length_gives_the_same_values(
    feature: Feature, lengths: dict[str, Float32], rounding: dict[str, Float32]
) -> None:
    kind, column = kind_of(feature), place(feature)
    assert (lengths[kind][column] <= rounding[kind][column]).all()


@every_feature
def test_no_bit_changes_when_the_future_is_lost(
    feature: Feature, lost_future: dict[str, npt.NDArray[np.bool]]
) -> None:
    assert not lost_future[kind_of(feature)][place(feature)].any()


def sees_only(feature: Feature, declared: int, case: Case) -> bool:
    """Whether a feature needs the declared rows, uses nothing older and gives one row each."""
    context = case.windows(declared + 20)
    older = context.copy()
    older[:, :20] = case.disturbed(older[:, :20])
    alone = values(feature, context[:, 20:])
    return alone.shape == (len(context), 1, feature.width) and np.array_equal(
        values(feature, context)[:, -1], values(feature, older)[:, -1]
    )


def needs_oldest(feature: Feature, declared: int, case: Case) -> bool:
    """Whether the oldest of the declared rows makes a difference in every column."""
    context = case.windows(declared)
    other = context.copy()
    other[:, 0] = case.disturbed(other[:, 0])
    changed = values(feature, context)[:, -1] != values(feature, other)[:, -1]
    return bool(changed.any(axis=0).all())


@every_feature
def test_the_declared_lookback_suffices(feature: Feature, cases: dict[str, Case]) -> None:
    assert sees_only(feature, feature.lookback, cases[kind_of(feature)])


@every_feature
def test_the_declared_lookback_is_needed(feature: Feature, cases: dict[str, Case]) -> None:
    assert needs_oldest(feature, feature.lookback, cases[kind_of(feature)])


@every_feature
def test_the_last_rows_alone_give_the_same_value(
    feature: Feature,
    cases: dict[str, Case],
    whole: dict[str, Float32],
    rounding: dict[str, Float32],
) -> None:
    kind, column = kind_of(feature), place(feature)
    alone = values(feature, cases[kind].windows(feature.lookback))[:, -1]
    difference = np.abs(alone - whole[kind][cases[kind].ends, column])
    assert (difference.max(axis=0) <= rounding[kind][column]).all()


BOUNDS = {"0 to 1": (0, 1), "-1 to 1": (-1, 1)}


def require_sound(made: Float32, kind: str) -> None:
    """Every value after the longest lookback is a number within the bounds of its unit."""
    for name, column in places(kind).items():
        low, high = BOUNDS.get(FEATURES[name].unit, (-np.inf, np.inf))
        part = made[max(map(lookback, SETS_OF[kind])) :, column]
        assert np.isfinite(part).all(), name
        assert part.min() >= low - 1e-5, name
        assert part.max() <= high + 1e-5, name


def invented(seed: int, level: float, flat: float, untraded: float, jump: float) -> Float32:
    """Valid candles: a share of flat bars, a share without volume, a jump in the middle."""
    rng = np.random.default_rng(seed)
    close = level * np.exp(np.cumsum(rng.normal(0, 0.01, CANDLES)))
    close[CANDLES // 2 :] *= jump
    still = rng.random(CANDLES) < flat
    for row in np.flatnonzero(still[1:]) + 1:
        close[row] = close[row - 1]
    open_ = close * np.exp(np.where(still, 0, rng.normal(0, 0.003, CANDLES)))
    spread = np.where(still, 1, np.exp(np.abs(rng.normal(0, 0.002, CANDLES))))
    high, low = np.maximum(open_, close) * spread, np.minimum(open_, close) / spread
    volume = np.where(rng.random(CANDLES) < untraded, 0, rng.lognormal(0, 3, CANDLES))
    return np.stack([open_, high, low, close, volume], axis=1).astype(np.float32)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    level=st.sampled_from([1e-8, 1e-3, 1.0, 6e4, 1e8]),
    flat=st.sampled_from([0.0, 0.5, 1.0]),
    untraded=st.sampled_from([0.0, 0.5, 1.0]),
    jump=st.sampled_from([1e-9, 0.01, 1.0, 100.0, 1e9]),
)
def test_valid_candles_make_finite_features_within_their_bounds(
    cases: dict[str, Case], seed: int, level: float, flat: float, untraded: float, jump: float
) -> None:
    rows = invented(seed, level, flat, untraded, jump)
    require_sound(replace(cases["candles"], rows=rows).matrix(rows), "candles")


@settings(max_examples=12, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    level=st.sampled_from([5e3, 1e5, 1e7]),
    unit=st.sampled_from([1e-6, 1.0, 1e5]),
    still=st.sampled_from([0.0, 0.5, 1.0]),
)
def test_valid_books_make_finite_features_within_their_bounds(
    cases: dict[str, Case], seed: int, level: float, unit: float, still: float
) -> None:
    require_sound(cases["book"].matrix(invented_book(seed, level, unit, still)), "book")


@pytest.mark.parametrize("column", range(5))
def test_a_damaged_candle_never_becomes_a_number_of_its_own_row(
    column: int, cases: dict[str, Case]
) -> None:
    for damage in (np.nan, np.inf):
        damaged = cases["candles"].rows.copy()
        damaged[400, column] = damage
        assert not np.isfinite(cases["candles"].matrix(damaged)[400]).all()


@pytest.mark.parametrize("name", SETS_OF["book"])
def test_a_row_that_depends_on_nan_is_nan_and_every_other_row_stays(
    name: str, cases: dict[str, Case]
) -> None:
    from atb.features.layer import FeatureSet

    rows = cases["book"].rows[: lookback(name) + 40]
    damaged = np.repeat(rows[np.newaxis], rows.shape[1], axis=0)
    for column, part in enumerate(damaged):
        part[lookback(name) + 5, column] = np.nan
    whole, made = (np.asarray(FeatureSet(name)(part)) for part in (rows[np.newaxis], damaged))
    assert (np.isnan(made) | np.isclose(made, whole, rtol=1e-6, atol=1e-6)).all()
    assert np.isnan(made).any(axis=0).any(axis=0).all(), "a column that nothing harms"


def test_an_absent_level_is_no_number_where_it_is_read(cases: dict[str, Case]) -> None:
    from atb.features.layer import compute

    rows = cases["book"].rows.copy()
    rows[700, 36:38] = np.nan, 0  # the tenth ask
    for name in SETS_OF["book"]:
        assert np.isnan(compute(name, Rows(rows, "book"))[700]).any() == (name != "ofi")


def test_every_function_in_the_room_is_in_the_catalogue() -> None:
    for group in {feature.group for feature in FEATURES.values()}:
        module = import_module(f"atb.features.{group}")
        defined = {
            name
            for name, member in inspect.getmembers(module, inspect.isfunction)
            if member.__module__ == module.__name__ and not name.startswith("_")
        }
        assert defined == {f.function for f in FEATURES.values() if f.group == group}


def centred_mean(rows: Float32) -> Float32:
    return np.convolve(rows[:, 3], np.ones(3) / 3, "same")


def conditional(rows: Float32) -> Float32:
    """Looks one bar ahead, and only after bars of extreme volume."""
    ahead = np.append(rows[1:, 3], rows[-1, 3])
    rare = rows[:, 4] > 60_000
    return np.where(rare, ahead, rows[:, 3])


LEAKS: dict[str, Compute] = {
    "next close": lambda rows: np.append(rows[1:, 3], np.float32(0)),
    "return to the next close": lambda rows: np.append(np.diff(rows[:, 3]), np.float32(0)),
    "centred mean": centred_mean,
    "mean of everything": lambda rows: rows[:, 3] / rows[:, 3].mean(),
    "deviation of everything": lambda rows: rows[:, 3] / rows[:, 3].std(),
    "scaled by everything": lambda rows: rows[:, 3] / rows[:, 3].max(),
    "last close": lambda rows: rows[:, 3] - rows[-1, 3],
    "rank in everything": lambda rows: rows[:, 3].argsort().argsort().astype(np.float32),
    "reversed running maximum": lambda rows: np.maximum.accumulate(rows[::-1, 3])[::-1],
    "filled from behind": lambda rows: np.roll(rows[:, 4], -3),
    "distance from the end": lambda rows: np.arange(len(rows), 0, -1, dtype=np.float32),
    "a rare glance ahead": conditional,
}


@pytest.mark.parametrize("leak", LEAKS.values(), ids=LEAKS.keys())
def test_a_planted_leak_is_found(leak: Compute, rows: Float32) -> None:
    def planted(part: Float32) -> Float32:
        return np.ascontiguousarray(leak(part), np.float32)[:, np.newaxis]

    whole, cuts = planted(rows), range(CANDLES // 2, CANDLES)
    by_prefix = prefix_difference(planted, rows, whole, cuts)[0] > 0
    assert by_prefix or touched_by_a_lost_future(planted, rows, whole, cuts)[0]


@every_market
def test_a_column_shifted_by_one_row_is_found(market: str, cases: dict[str, Case]) -> None:
    case = cases[market]

    def shifted(part: Float32) -> Float32:
        made = case.matrix(part)
        return np.concatenate([made[1:], made[-1:]])

    assert touched_by_a_lost_future(shifted, case.rows, shifted(case.rows), case.cuts[:20]).all()


@pytest.mark.parametrize("declared", [3, 4, 5, 6, 9])
def test_only_the_true_lookback_is_accepted(declared: int, cases: dict[str, Case]) -> None:
    five = replace(FEATURES["log_return_1"], parameters=(5,), lookback=5)
    accepted = sees_only(five, declared, cases["candles"]) and needs_oldest(
        five, declared, cases["candles"]
    )
    assert accepted == (declared == 5)
