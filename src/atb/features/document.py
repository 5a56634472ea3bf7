"""The page of features, written from the catalogue.

    python -m atb.features.document > docs/features.md

Knows the catalogue and Markdown; computes nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import get_args

from atb.config.data import Market
from atb.config.feature import Feature
from atb.config.features import FEATURES, SETS, lookback, market_of, width

HEAD = """<!-- python -m atb.features.document > docs/features.md -->
# Features

A feature is a causal function of the raw rows of a market: it uses its own row and at most
`lookback` earlier ones. A set is one Keras layer, `atb.features.layer.FeatureSet`, that makes the
training matrix and sits inside the serving graph.

Names end in their parameters, in rows or levels: `n`, or `n, m, k`. `SMA_n`, `mean_n`, `sum_n`,
`min_n` and `max_n` run over the last n rows with the own one.
"""

CANDLES = """## Candles

Functions of the five columns of a candle. All are dimensionless; where a ratio would be nothing
over nothing (a flat bar, no volume) it is neutral.

`EMA_n` has factor 2 / (n + 1), `W_n` (Wilder's average) 1 / n; both are cut where less than a
millionth of their weight is left, which sets their lookback. `TR` is max(high, previous close) -
min(low, previous close). `+DM` is the rise of the high where it is positive and more than the fall
of the low, else 0; `-DM` the reverse.

The first three sets grow one from the other. `distinct` is `full` without the eight features that
the others nearly say again: little is lost, and a network has fewer weights.
"""

BOOK = """## Order books

Functions of the ten best levels (ask price, ask size, bid price, bid size of each), the signed size
traded (above zero when a buyer took it) and the seconds since the row before. Prices are in ticks,
sizes in shares or the base currency; a row is what the book's clock makes it: an event, unless
asked otherwise. A number that is missing, like the price of an absent level, makes every row that
depends on it missing, never another number. A book may be deeper than a set reads, not shallower.

`ask`, `bid` and `mid` are best prices and their mean. `bOF`, the bid flow of a level, is its new
size where its price rose, less its old size where it fell, and the change of the size where it
stayed; `aOF`, the ask flow, the same with rise and fall exchanged. `L(x)` is sign(x) ln(1 + |x|),
taken last: sizes, flows and moves have heavy tails, which would bend a straight line and swamp a
network.

Which set for which model:

- `raw40`: levels as they are, for books that were normalised already (FI-2010); scaled on train
  rows like every set. Prices that drift make it a poor choice elsewhere.
- `lob40`: the ladder as a picture, for networks that read levels side by side (DeepLOB and its
  kin). One mean and deviation for all prices and one for all sizes, so that distances between
  levels survive and shared weights meet one unit; from earlier rows only, the present one is not
  among them.
- `ofi`, `mlofi`, `of`: order flow alone, at the best level over several spans, at each level, and
  on each side of each level.
- `micro`: the state of the best level and of trading, little history.
- `lob38`: all of it in 38 stationary columns, the set of the ten-model suite.

The columns of `lob38` and what each is for:

| columns | what for |
|---|---|
| `spread` | what a trade costs, and how unsure the makers are |
| `weighted_mid` | where the queues at the best prices pull the mid |
| `queues` (2) | how much must be taken before the price moves, on each side |
| `depth_imbalance_1`, `_3`, `_5`, `_10` | which side waits with more, near and far |
| `skew_2`, `_4`, `_6`, `_10` | which side is thinner: the mid moves to where levels lie far apart |
| `mid_change_1`, `_10`, `_50`, `_100` | momentum and reversal over several spans |
| `mid_volatility_100` | how far a usual move goes |
| `ofi_1`, `_10`, `_100` | net pressure at the best level, now and accumulated |
| `mlofi_10_20` (10) | the same at each level over 20 rows: orders deep in the book come first |
| `trade_sign` | who took, if anyone |
| `trade_imbalance_10`, `_20`, `_50`, `_100` | which side takes: large orders come in parts |
| `trade_share_100`, `traded_volume_100` | how much trading there is among the quoting |
| `row_rate_20` | how fast events come |
"""

BONDS = """## Bonds

Functions of the days of one bond of constant maturity: the index of its returns against fair value
(`price`), its `fair value`, its par `yield`, `level`, `slope` and `curvature` of its curve,
duration, convexity and carry; see [rates.md](rates.md). `y` is a par yield. Yields are in percent a
year, and differences of them percentage points.

`rates` stands still when the level of yields does not; `rates-levels` has that level, too: what was
learned at eight percent may mean little at two.
"""

HEADS: dict[Market, str] = {"candles": CANDLES, "book": BOOK, "bonds": BONDS}


def page() -> str:
    """The whole page in Markdown: for every set the features it has beyond the sets before it."""
    return "\n".join([HEAD, *(line for market in get_args(Market) for line in _market(market))])


def _market(market: Market) -> list[str]:
    """What one market's rows are, and its sets."""
    lines = [HEADS[market]]
    known: dict[str, None] = {}  # in the order of their tables
    for name, members in SETS.items():
        if market_of(name) == market:
            lines += [f"### {name}", "", *_section(name, members, list(known)), ""]
            known |= dict.fromkeys(members)
    return lines


def _section(name: str, members: tuple[str, ...], known: list[str]) -> list[str]:
    """A table of what is new in a set; of a set with nothing new, what it leaves out."""
    added = [FEATURES[member] for member in members if member not in known]
    size = f"{width(name)} columns, lookback {lookback(name)}"
    if not added:
        return [f"{size}: the {len(known)} above without", f"{_names(known, members)}."]
    return [
        f"{size}{_inherited(members, known)}:",
        "",
        "| feature | file | columns | lookback | unit | formula | source |",
        "|---|---|---|---|---|---|---|",
        *map(_row, added),
    ]


def _inherited(members: tuple[str, ...], known: list[str]) -> str:
    """What a set has of the features above, named where it is not all of them."""
    missing = [name for name in known if name not in members]
    if len(missing) == len(known):
        return ""
    if not missing:
        return f", the {len(known)} above and"
    return f", {_names(known, missing)} above and"


def _names(of: list[str], but: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in of if name not in but)


def _row(feature: Feature) -> str:
    cells = (
        f"`{feature.name}`",
        feature.group,
        str(feature.width),
        str(feature.lookback),
        feature.unit,
        f"`{feature.formula}`",
        feature.source,
    )
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


if __name__ == "__main__":
    sys.stdout.write(page())
