"""The catalogue of features: name, lookback, unit, formula, source; and the named sets.

Light on purpose: presets, documentation, runtime and drift read names and lookbacks here without
waiting for TensorFlow. The computation of each is the function of that name in `atb.features`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from atb.config import bond_features, book_features
from atb.config.data import Market
from atb.config.feature import Feature
from atb.errors import UsageError, nearest

# Wilder's and exponential averages are cut where less than a millionth of their weight is left:
# after 187 bars for Wilder 14, 90 for Wilder 7, 180 for MACD 12, 26 and 185 for its signal line.
_WILDER = {7: 90, 14: 187}

_TRADITION = "market practice"
_WILDER_1978 = "Wilder 1978, New Concepts in Technical Trading Systems"
_APPEL = "Appel 1979, The Moving Average Convergence Divergence Trading Method"
_BOLLINGER = "Bollinger 2001, Bollinger on Bollinger Bands"
_PARKINSON = "Parkinson 1980, Journal of Business 53(1)"
_GARMAN_KLASS = "Garman and Klass 1980, Journal of Business 53(1)"
_ANDERSEN = "Andersen and Bollerslev 1998, International Economic Review 39(4)"
_KAUFMAN = "Kaufman 1995, Smarter Trading"
_LANE = "Lane 1984, Technical Analysis of Stocks and Commodities 2(3)"
_LAMBERT = "Lambert 1980, Commodities 9(10)"
_QUONG = "Quong and Soudack 1989, Technical Analysis of Stocks and Commodities 7(3)"
_CHAIKIN = "Chaikin, in Achelis 2000, Technical Analysis from A to Z"
_DONCHIAN = "Donchian 1960, Financial Analysts Journal 16(6)"
_NISON = "Nison 1991, Japanese Candlestick Charting Techniques"

# fmt: off
CATALOGUE: tuple[Feature, ...] = (
    *(Feature("price", "log_return", (n,), n, "log",
              "ln(close / close n bars before)", _TRADITION)
      for n in (1, 3, 6, 12, 24)),
    Feature("price", "open_gap", (), 1, "log",
            "ln(open / previous close)", _TRADITION),
    Feature("price", "high_distance", (), 0, "log",
            "ln(high / close)", _TRADITION),
    Feature("price", "low_distance", (), 0, "log",
            "ln(low / close)", _TRADITION),
    *(Feature("trend", "sma_distance", (n,), n - 1, "share of close",
              "(close - SMA_n(close)) / close", _TRADITION)
      for n in (7, 14, 30, 60)),
    Feature("trend", "macd", (12, 26), 179, "share of close",
            "MACD / close, MACD = EMA_n(close) - EMA_m(close)", _APPEL),
    Feature("trend", "macd_signal", (12, 26, 9), 184, "share of close",
            "EMA_k(MACD) / close, MACD = EMA_n(close) - EMA_m(close)", _APPEL),
    Feature("trend", "slope", (20,), 19, "share of close per bar",
            "slope of the least-squares line through n closes / close", _TRADITION),
    Feature("trend", "efficiency", (20,), 20, "-1 to 1",
            "(close - close n bars before) / sum_n(|close - previous close|)", _KAUFMAN),
    Feature("trend", "directional_movement", (14,), _WILDER[14], "-1 to 1",
            "(W_n(+DM) - W_n(-DM)) / W_n(TR), W Wilder's average", _WILDER_1978),
    *(Feature("momentum", "rsi", (n,), _WILDER[n], "0 to 1",
              "G / (G + L), G = W_n(max(change, 0)), L = W_n(max(-change, 0))", _WILDER_1978)
      for n in (7, 14)),
    Feature("momentum", "stochastic_k", (14,), 13, "0 to 1",
            "%K = (close - min_n(low)) / (max_n(high) - min_n(low))", _LANE),
    Feature("momentum", "stochastic_d", (14, 3), 15, "0 to 1",
            "SMA_m(%K_n)", _LANE),
    Feature("momentum", "cci", (20,), 19, "hundreds",
            "(p - SMA_n(p)) / (1.5 mean_n(|p - SMA_n(p)|)), p = (high + low + close) / 3",
            _LAMBERT),
    *(Feature("volatility", "realised_volatility", (n,), n, "log per bar",
              "sqrt(mean_n(r^2)), r = ln(close / previous close)", _ANDERSEN)
      for n in (5, 20, 60)),
    Feature("volatility", "parkinson", (20,), 19, "log per bar",
            "sqrt(mean_n(ln(high / low)^2) / (4 ln 2))", _PARKINSON),
    Feature("volatility", "garman_klass", (20,), 19, "log per bar",
            "sqrt(mean_n(ln(high / low)^2 / 2 - (2 ln 2 - 1) ln(close / open)^2))",
            _GARMAN_KLASS),
    Feature("volatility", "atr", (14,), _WILDER[14], "share of close",
            "W_n(TR) / close, TR = max(high, previous close) - min(low, previous close)",
            _WILDER_1978),
    Feature("volatility", "range_ratio", (14,), _WILDER[14], "-1 to 1",
            "(TR - W_n(TR)) / (TR + W_n(TR))", _WILDER_1978),
    Feature("volatility", "bollinger_position", (20,), 19, "0 lower band, 1 upper band",
            "0.5 + (close - SMA_n(close)) / (4 sd_n(close)), sd of the population", _BOLLINGER),
    Feature("volatility", "bollinger_width", (20,), 19, "share of the mean",
            "4 sd_n(close) / SMA_n(close)", _BOLLINGER),
    Feature("volatility", "channel_width", (20,), 19, "log",
            "ln(max_n(high) / min_n(low))", _DONCHIAN),
    Feature("volume", "volume_ratio", (20,), 19, "-1 to 1",
            "(volume - SMA_n(volume)) / (volume + SMA_n(volume))", _TRADITION),
    Feature("volume", "volume_change", (), 1, "-1 to 1",
            "(volume - previous volume) / (volume + previous volume)", _TRADITION),
    Feature("volume", "money_flow_index", (14,), 14, "0 to 1",
            "sum_n(p volume, p rose) / sum_n(p volume, p moved), p = (high + low + close) / 3",
            _QUONG),
    Feature("volume", "chaikin_money_flow", (20,), 19, "-1 to 1",
            "sum_n(volume (2 close - high - low) / (high - low)) / sum_n(volume)", _CHAIKIN),
    Feature("shape", "body", (), 0, "-1 to 1",
            "(close - open) / (high - low)", _NISON),
    Feature("shape", "upper_shadow", (), 0, "0 to 1",
            "(high - max(open, close)) / (high - low)", _NISON),
    Feature("shape", "lower_shadow", (), 0, "0 to 1",
            "(min(open, close) - low) / (high - low)", _NISON),
)
# fmt: on

FEATURES: dict[str, Feature] = {
    feature.name: feature
    for feature in (*CATALOGUE, *book_features.CATALOGUE, *bond_features.CATALOGUE)
}

# One feature for each of the five columns, then the usual indicators, then everything, then
# everything without what the rest nearly says again.
_PRICE = ("log_return_1", "open_gap", "high_distance", "low_distance", "volume_ratio_20")
_TECHNICAL = (
    *_PRICE,
    "sma_distance_7",
    "sma_distance_14",
    "sma_distance_30",
    "rsi_14",
    "macd_12_26",
    "macd_signal_12_26_9",
    "atr_14",
    "bollinger_position_20",
    "bollinger_width_20",
    "realised_volatility_20",
)
_FULL = (
    *_TECHNICAL,
    "log_return_3",
    "log_return_6",
    "log_return_12",
    "log_return_24",
    "sma_distance_60",
    "slope_20",
    "efficiency_20",
    "directional_movement_14",
    "rsi_7",
    "stochastic_k_14",
    "stochastic_d_14_3",
    "cci_20",
    "realised_volatility_5",
    "realised_volatility_60",
    "parkinson_20",
    "garman_klass_20",
    "range_ratio_14",
    "channel_width_20",
    "volume_change",
    "money_flow_index_14",
    "chaikin_money_flow_20",
    "body",
    "upper_shadow",
    "lower_shadow",
)

# The distances to averages of 7, 14 and 30 bars, and MACD with its signal line, which the log
# returns and `sma_distance_60` make up between them; `rsi_14`, which lies between `rsi_7` and
# `directional_movement_14`; `bollinger_position_20`, which is `cci_20` with another measure of
# spread; `parkinson_20`, which is most of `garman_klass_20`. A straight line through the others
# explains at least 95 % of each one's variance on hourly BTCUSDT: tests/features/test_layer.
_ECHOES = (
    "sma_distance_7",
    "sma_distance_14",
    "sma_distance_30",
    "rsi_14",
    "macd_12_26",
    "macd_signal_12_26_9",
    "bollinger_position_20",
    "parkinson_20",
)
_DISTINCT = tuple(name for name in _FULL if name not in _ECHOES)

SETS: dict[str, tuple[str, ...]] = {
    "price": _PRICE,
    "technical": _TECHNICAL,
    "full": _FULL,
    "distinct": _DISTINCT,
    **book_features.SETS,
    **bond_features.SETS,
}

_ELSEWHERE: Mapping[Market, Mapping[str, tuple[str, ...]]] = {
    "book": book_features.SETS,
    "bonds": bond_features.SETS,
}


def known_set(name: str) -> str:
    """The name, if a feature set has it.

    Raises:
        UsageError: naming the nearest set otherwise.
    """
    if name not in SETS:
        raise UsageError(f"unknown feature set {name!r}", remedy=nearest(name, SETS))
    return name


def market_of(name: str) -> Market:
    """What the set's rows are made from."""
    known_set(name)
    return next((market for market, sets in _ELSEWHERE.items() if name in sets), "candles")


def width(name: str) -> int:
    """Columns of the set."""
    return sum(FEATURES[feature].width for feature in SETS[known_set(name)])


def columns(name: str) -> tuple[str, ...]:
    """Names of the set's columns; those of one feature are numbered from 1.

    >>> columns("micro")[4:7]
    ('imbalance_10.2', 'imbalance_10.3', 'imbalance_10.4')
    """
    members = [FEATURES[feature] for feature in SETS[known_set(name)]]
    return tuple(
        f"{member.name}.{number}" if member.width > 1 else member.name
        for member in members
        for number in range(1, member.width + 1)
    )


def depth(name: str) -> int:
    """Price levels the set reads of each side of a book; 0 where it reads none."""
    return max(FEATURES[feature].levels for feature in SETS[known_set(name)])


def lookback(name: str) -> int:
    """Earlier rows the set needs before its first row: the longest of its features."""
    return max(FEATURES[feature].lookback for feature in SETS[known_set(name)])


def definition_sha256(name: str) -> str:
    """Hash of what the set computes: names, formulas, parameters and lookbacks, in their order.

    Two releases that give it the same hash mean the same numbers by the set's name.
    """
    members = [FEATURES[feature] for feature in SETS[known_set(name)]]
    said = [
        [one.name, list(one.parameters), one.lookback, one.unit, one.formula, one.width, one.levels]
        for one in members
    ]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()
