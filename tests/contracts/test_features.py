"""Every feature in the catalogue: no bar of the future, no bar too many, no number that is none.

A new feature is tested here by existing. The checks run on planted faults too, to show they bite.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atb.config.feature import Feature
from atb.config.features import CATALOGUE, FEATURES, SETS, lookback
from atb.market.candles import COLUMNS, Candles

Float32 = npt.NDArray[np.float32]
Compute = Callable[[Float32], Float32]

pytestmark = pytest.mark.usefixtures("tensorflow_ready")
every_feature = pytest.mark.parametrize("feature", CATALOGUE, ids=lambda feature: feature.name)

ALL = SETS["full"]
assert set(ALL) == set(FEATURES), "a feature outside every set is in no test here"
ROWS, CUTS = 600, range(300, 600)
TOLERANCE = 1e-6


def as_candles(rows: Float32) -> Candles:
    return Candles("TEST", "1h", np.arange(len(rows)) * 3_600_000, *rows.T)


def matrix(rows: Float32) -> Float32:
    from atb.features.layer import compute

    return compute("full", as_candles(rows))


def series_of(function: Callable, rows: Float32, *parameters: int) -> Float32:
    """What a feature function makes of `[B, T, 5]` rows: `[B, T - lookback]`."""
    from atb.features.bars import Bars

    return np.asarray(function(Bars(rows), *parameters))[..., 0]


def values(feature: Feature, rows: Float32) -> Float32:
    from atb.features.layer import function_of

    return series_of(function_of(feature), rows, *feature.parameters)


@pytest.fixture(scope="module")
def rows(market_data: Path) -> Float32:
    """The first bars of BTCUSDT, hourly."""
    frame = pd.read_feather(
        market_data / "crypto_ohlcv" / "BTCUSDT_1h_2023-01-01_2024-12-31.feather"
    )
    return frame[list(COLUMNS)].to_numpy(np.float32)[:ROWS]


@pytest.fixture(scope="module")
def whole(rows: Float32) -> Float32:
    return matrix(rows)


@pytest.fixture(scope="module")
def scale(whole: Float32) -> Float32:
    """The spread of each feature: what a difference is measured by."""
    return np.nanstd(whole, axis=0)


def prefix_difference(compute: Compute, rows: Float32, whole: Float32) -> Float32:
    """Largest difference of any row, over every prefix that ends at one of the cuts."""
    differences = [np.nanmax(np.abs(compute(rows[:cut]) - whole[:cut]), axis=0) for cut in CUTS]
    return np.max(differences, axis=0)


def touched_by_a_lost_future(
    compute: Compute, rows: Float32, whole: Float32
) -> npt.NDArray[np.bool]:
    """Whether anything changes, in any bit, when every bar after one of the cuts is NaN."""
    touched = np.zeros(whole.shape[1], bool)
    for cut in CUTS:
        dark = rows.copy()
        dark[cut:] = np.nan
        touched |= (compute(dark)[:cut].view(np.int32) != whole[:cut].view(np.int32)).any(axis=0)
    return touched


@pytest.fixture(scope="module")
def lost_future(rows: Float32, whole: Float32) -> npt.NDArray[np.bool]:
    return touched_by_a_lost_future(matrix, rows, whole)


@pytest.fixture(scope="module")
def prefixes(rows: Float32, whole: Float32) -> Float32:
    return prefix_difference(matrix, rows, whole)


@pytest.fixture(scope="module")
def lengths(rows: Float32, whole: Float32) -> Float32:
    """As `prefixes`, but each prefix in a tensor of its own length."""
    from atb.features.layer import FeatureSet

    layer, missing = FeatureSet("full"), np.full((lookback("full"), len(ALL)), np.nan)
    return prefix_difference(
        lambda part: np.concatenate([missing, layer(part[np.newaxis])[0]]), rows, whole
    )


@every_feature
def test_a_prefix_has_the_same_bits(feature: Feature, prefixes: Float32) -> None:
    assert prefixes[ALL.index(feature.name)] == 0


@every_feature
def test_a_tensor_of_another_length_gives_the_same_values(
    feature: Feature, lengths: Float32, scale: Float32
) -> None:
    column = ALL.index(feature.name)
    assert lengths[column] <= TOLERANCE * scale[column]


@every_feature
def test_no_bit_changes_when_the_future_is_lost(
    feature: Feature, lost_future: npt.NDArray[np.bool]
) -> None:
    assert not lost_future[ALL.index(feature.name)]


def windows(rows: Float32, before: int) -> Float32:
    """`[B, before + 1, 5]`: fifty bars, each with the bars before it."""
    ends = np.linspace(lookback("full") + 20, len(rows) - 1, 50).astype(int)
    return np.stack([rows[end - before : end + 1] for end in ends])


def disturbed(bars: Float32) -> Float32:
    """Other valid bars, unlike the given ones in every column and every ratio of columns."""
    open_, high, low, close, volume = np.moveaxis(bars, -1, 0)
    return np.stack([close * 3, high * 7, low / 4, open_ / 2, volume * 5 + 1], axis=-1)


def sees_only(function: Callable[[Float32], Float32], declared: int, rows: Float32) -> bool:
    """Whether a function needs the declared bars, uses nothing older and gives one value each."""
    context = windows(rows, declared + 20)
    older = context.copy()
    older[:, :20] = disturbed(older[:, :20])
    alone = function(context[:, 20:])
    return alone.shape == (len(context), 1) and np.array_equal(
        function(context)[:, -1], function(older)[:, -1]
    )


def needs_oldest(function: Callable[[Float32], Float32], declared: int, rows: Float32) -> bool:
    """Whether the oldest of the declared bars makes a difference."""
    context = windows(rows, declared)
    other = context.copy()
    other[:, 0] = disturbed(other[:, 0])
    return not np.array_equal(function(context), function(other))


@every_feature
def test_the_declared_lookback_suffices(feature: Feature, rows: Float32) -> None:
    assert sees_only(lambda part: values(feature, part), feature.lookback, rows)


@every_feature
def test_the_declared_lookback_is_needed(feature: Feature, rows: Float32) -> None:
    assert needs_oldest(lambda part: values(feature, part), feature.lookback, rows)


@every_feature
def test_the_last_bars_alone_give_the_same_value(
    feature: Feature, rows: Float32, whole: Float32, scale: Float32
) -> None:
    column = ALL.index(feature.name)
    ends = np.linspace(lookback("full") + 20, len(rows) - 1, 50).astype(int)
    alone = values(feature, windows(rows, feature.lookback))[:, -1]
    np.testing.assert_allclose(alone, whole[ends, column], rtol=0, atol=TOLERANCE * scale[column])


BOUNDS = {"0 to 1": (0, 1), "-1 to 1": (-1, 1)}


def invented(seed: int, level: float, flat: float, untraded: float, jump: float) -> Float32:
    """Valid candles: a share of flat bars, a share without volume, a jump in the middle."""
    rng = np.random.default_rng(seed)
    close = level * np.exp(np.cumsum(rng.normal(0, 0.01, ROWS)))
    close[ROWS // 2 :] *= jump
    still = rng.random(ROWS) < flat
    for row in np.flatnonzero(still[1:]) + 1:
        close[row] = close[row - 1]
    open_ = close * np.exp(np.where(still, 0, rng.normal(0, 0.003, ROWS)))
    spread = np.where(still, 1, np.exp(np.abs(rng.normal(0, 0.002, ROWS))))
    high, low = np.maximum(open_, close) * spread, np.minimum(open_, close) / spread
    volume = np.where(rng.random(ROWS) < untraded, 0, rng.lognormal(0, 3, ROWS))
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
    seed: int, level: float, flat: float, untraded: float, jump: float
) -> None:
    made = matrix(invented(seed, level, flat, untraded, jump))[lookback("full") :]
    for name, column in zip(ALL, made.T, strict=True):
        low, high = BOUNDS.get(FEATURES[name].unit, (-np.inf, np.inf))
        assert np.isfinite(column).all(), name
        assert column.min() >= low - 1e-5, name
        assert column.max() <= high + 1e-5, name


@pytest.mark.parametrize("column", range(5))
def test_a_damaged_candle_never_becomes_a_number_of_its_own_row(column: int, rows: Float32) -> None:
    for damage in (np.nan, np.inf):
        damaged = rows.copy()
        damaged[400, column] = damage
        assert not np.isfinite(matrix(damaged)[400]).all()


def test_every_function_in_the_room_is_in_the_catalogue() -> None:
    from atb.features import momentum, price, shape, trend, volatility, volume

    for module in (price, trend, momentum, volatility, volume, shape):
        group = module.__name__.rsplit(".", 1)[-1]
        defined = {
            name
            for name, member in inspect.getmembers(module, inspect.isfunction)
            if member.__module__ == module.__name__ and not name.startswith("_")
        }
        assert defined == {f.function for f in CATALOGUE if f.group == group}


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

    whole = planted(rows)
    by_prefix = prefix_difference(planted, rows, whole)[0] > 0
    assert by_prefix or touched_by_a_lost_future(planted, rows, whole)[0]


@pytest.mark.parametrize("declared", [3, 4, 5, 6, 9])
def test_only_the_true_lookback_is_accepted(declared: int, rows: Float32) -> None:
    from atb.features.price import log_return

    def function(part: Float32) -> Float32:
        return series_of(log_return, part, 5)

    accepted = sees_only(function, declared, rows) and needs_oldest(function, declared, rows)
    assert accepted == (declared == 5)
