"""The catalogue of features of order books, and their named sets; see `atb.config.features`.

Prices are in ticks, sizes in shares or the base currency, levels count from the best, rows are
what the book's clock makes them: events, unless asked otherwise.
"""

from __future__ import annotations

from atb.config.feature import Feature

_HUANG = "Huang and Polak 2011, LOBSTER"
_ZHANG = "after Zhang, Zohren and Roberts 2019, IEEE Trans. Signal Processing 67(11)"
_CONT = "Cont, Kukanov and Stoikov 2014, Journal of Financial Econometrics 12(1)"
_XU = "Xu, Gould and Howison 2019, Market Microstructure and Liquidity 4"
_KOLM = "Kolm, Turiel and Westray 2023, Mathematical Finance 33(4)"
_GATHERAL = "Gatheral and Oomen 2010, Finance and Stochastics 14(2)"
_CAO = "Cao, Hansch and Wang 2009, Journal of Futures Markets 29(1)"
_TRADITION = "market practice"

# fmt: off
CATALOGUE: tuple[Feature, ...] = (
    Feature("ladder", "raw", (10,), 0, "ticks and sizes",
            "ask price, ask size, bid price, bid size of each of n levels", _HUANG,
            width=40, levels=10),
    Feature("ladder", "normalised", (10, 512), 512, "deviations",
            "prices and ln(1 + size) of each of n levels, (x - mean) / max(sd, 0.001), mean and sd "
            "of all prices, or of all ln(1 + size), of the m rows before",
            _ZHANG, width=40, levels=10),
    Feature("quotes", "spread", (), 0, "log of ticks",
            "L(ask - bid)", _TRADITION, levels=1),
    Feature("quotes", "weighted_mid", (), 0, "log of ticks",
            "L((ask * bid size + bid * ask size) / (ask size + bid size) - mid)",
            _GATHERAL, levels=1),
    Feature("quotes", "queues", (), 0, "log of size",
            "ln(1 + ask size), ln(1 + bid size)", _TRADITION, width=2, levels=1),
    *(Feature("quotes", "mid_change", (n,), n, "log of ticks",
              "L(mid - mid n rows before)", _TRADITION, levels=1)
      for n in (1, 10, 50, 100)),
    Feature("quotes", "mid_volatility", (100,), 100, "log of ticks",
            "ln(1 + sqrt(mean_n((mid - previous mid)^2)))", _TRADITION, levels=1),
    Feature("depth", "imbalance", (10,), 0, "-1 to 1",
            "(bid size - ask size) / (bid size + ask size) at each of n levels", _CAO,
            width=10, levels=10),
    *(Feature("depth", "depth_imbalance", (n,), 0, "-1 to 1",
              "(B - A) / (B + A), sums of bid and ask sizes of the best n levels", _CAO, levels=n)
      for n in (1, 3, 5, 10)),
    *(Feature("depth", "skew", (n,), 0, "log of ticks",
              "L((ask of level n - ask) - (bid - bid of level n))", _CAO, levels=n)
      for n in (2, 4, 6, 10)),
    *(Feature("order_flow", "ofi", (n,), n, "log of size",
              "L(sum_n(bOF - aOF)) of the best level", _CONT, levels=1)
      for n in (1, 10, 20, 50, 100)),
    *(Feature("order_flow", "mlofi", (10, n), n, "log of size",
              "L(sum_m(bOF - aOF)) of each of n levels", _XU, width=10, levels=10)
      for n in (1, 20)),
    Feature("order_flow", "of", (10,), 1, "log of size",
            "L(aOF), L(bOF) of each of n levels", _KOLM, width=20, levels=10),
    Feature("trades", "trade_sign", (), 0, "-1 to 1",
            "1 a buyer took, -1 a seller, 0 no trade", _TRADITION),
    *(Feature("trades", "trade_imbalance", (n,), n - 1, "-1 to 1",
              "sum_n(traded) / sum_n(|traded|)", _TRADITION)
      for n in (10, 20, 50, 100)),
    Feature("trades", "trade_share", (100,), 99, "0 to 1",
            "mean_n(|trade sign|)", _TRADITION),
    Feature("trades", "traded_volume", (100,), 99, "log of size",
            "ln(1 + sum_n(|traded|))", _TRADITION),
    Feature("trades", "row_rate", (20,), 19, "log of 1 / s",
            "-ln(0.001 + mean_n(seconds since the row before))", _TRADITION),
)
# fmt: on

SETS: dict[str, tuple[str, ...]] = {
    "raw40": ("raw_10",),
    "lob40": ("normalised_10_512",),
    "ofi": ("ofi_1", "ofi_10", "ofi_20", "ofi_50", "ofi_100"),
    "mlofi": ("mlofi_10_1",),
    "of": ("of_10",),
    "micro": (
        "spread",
        "mid_change_1",
        "weighted_mid",
        "imbalance_10",
        "queues",
        "trade_sign",
        "trade_share_100",
        "row_rate_20",
    ),
    "lob38": (
        "spread",
        "weighted_mid",
        "queues",
        "depth_imbalance_1",
        "depth_imbalance_3",
        "depth_imbalance_5",
        "depth_imbalance_10",
        "skew_2",
        "skew_4",
        "skew_6",
        "skew_10",
        "mid_change_1",
        "mid_change_10",
        "mid_change_50",
        "mid_change_100",
        "mid_volatility_100",
        "ofi_1",
        "ofi_10",
        "ofi_100",
        "mlofi_10_20",
        "trade_sign",
        "trade_imbalance_10",
        "trade_imbalance_20",
        "trade_imbalance_50",
        "trade_imbalance_100",
        "trade_share_100",
        "traded_volume_100",
        "row_rate_20",
    ),
}
