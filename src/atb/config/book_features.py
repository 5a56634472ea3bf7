"""The catalogue of features of order books, and their named sets; see `atb.config.features`.

Prices are in ticks, sizes in shares or the base currency, levels count from the best.
"""

from __future__ import annotations

from atb.config.feature import Feature

# fmt: off
CATALOGUE: tuple[Feature, ...] = (
    Feature("levels", "raw", (10,), 0, "ticks and sizes",
            "ask price, ask size, bid price, bid size of the best n levels as they are",
            "Huang and Polak 2011, LOBSTER", 40),
)
# fmt: on

SETS: dict[str, tuple[str, ...]] = {
    "raw40": ("raw_10",),
}
