"""The simulator looks like a market and gives nothing away about its next return."""

from __future__ import annotations

import numpy as np
import pytest

from atb.clock import parse_time
from atb.market import checks, sample

START, END = sample.DEFAULT_START_MS, sample.DEFAULT_END_MS


@pytest.fixture(scope="module")
def made():
    return sample.simulate("BTCUSDT", "1h", START, END, 7)


@pytest.fixture(scope="module")
def returns(made):
    return np.diff(np.log(made.close))


def correlation(a, b):
    return float(np.corrcoef(a, b)[0, 1])


def test_it_is_marked(made):
    assert made.synthetic
    assert made.source == "sample"


def test_the_range_is_kept(made):
    assert len(made) == 17_544
    assert (made.time[0], made.time[-1]) == (START, END - 3_600_000)
    assert sample.simulate("X", "1h", START + 1, START + 7_200_000, 1).time.tolist() == [
        START + 3_600_000
    ]
    assert len(sample.simulate("X", "1h", START, START, 1)) == 0


@pytest.mark.parametrize("timeframe", ["1m", "1h", "1d", "1w"])
def test_every_bar_is_consistent(timeframe):
    end = START + 86_400_000 * (20 if timeframe == "1m" else 3_000)
    report = checks.inspect(sample.simulate("BTCUSDT", timeframe, START, end, 3))
    assert report.rows > 400
    assert {name for name, count in report.counts.items() if count} == set()


def test_the_seed_decides_everything(made):
    assert sample.simulate("BTCUSDT", "1h", START, END, 7).sha256() == made.sha256()
    assert sample.simulate("BTCUSDT", "1h", START, END, 8).sha256() != made.sha256()


def test_the_scale_is_that_of_the_market(made, returns):
    annual = returns.std() * np.sqrt(8766)
    assert 0.3 < annual < 0.8
    assert made.open[0] == 16_500
    assert 1_000 < made.close.min() < made.close.max() < 500_000
    assert 300 < np.median(made.volume) < 5_000


def test_volatility_clusters_and_tails_are_fat(returns):
    assert correlation(abs(returns[1:]), abs(returns[:-1])) > 0.15
    assert correlation(abs(returns[48:]), abs(returns[:-48])) > 0.08
    assert np.mean((returns - returns.mean()) ** 4) / returns.var() ** 2 > 5


def test_the_afternoon_is_livelier_than_the_night(made, returns):
    hour = (made.time[1:] // 3_600_000) % 24
    assert abs(returns[hour == 15]).mean() > 1.5 * abs(returns[hour == 3]).mean()


def test_volume_follows_volatility(made):
    spread = np.log(made.high / made.low)
    assert correlation(np.log(made.volume), np.log(spread)) > 0.5


def test_returns_cannot_be_predicted_from_the_past():
    """Over 30 seeds, neither the mean nor any plain correlation with the past is off zero."""
    past = {"mean": [], "return": [], "sign": [], "size": [], "volume": [], "hour": []}
    for seed in range(30):
        made = sample.simulate("BTCUSDT", "1h", START, START + 4_000 * 3_600_000, seed)
        r = np.diff(np.log(made.close))
        past["mean"].append(np.sqrt(len(r)) * r.mean() / r.std())
        # Ranks, so that no single jump decides.
        ahead = np.argsort(np.argsort(r[1:]))
        for name, known in {
            "return": r[:-1],
            "sign": np.sign(r[:-1]),
            "size": abs(r[:-1]),
            "volume": made.volume[1:-1],
            "hour": np.cos((made.time[1:-1] // 3_600_000 % 24) * np.pi / 12),
        }.items():
            past[name].append(np.sqrt(len(ahead)) * correlation(ahead, known))
    means = {name: float(np.mean(scores)) for name, scores in past.items()}
    # Each mean of 30 standard scores has a standard deviation of about 0.18.
    assert {name: mean for name, mean in means.items() if abs(mean) > 0.75} == {}


def test_a_long_range_of_a_long_timeframe_stays_valid():
    made = sample.simulate("X", "1w", parse_time("1980-01-01"), parse_time("2099-01-01"), 5)
    assert checks.inspect(made).fatal == ()
