"""The page of features, written from the catalogue.

    python -m atb.features.document > docs/features.md

Knows the catalogue and Markdown; computes nothing.
"""

from __future__ import annotations

import sys

from atb.config.feature import Feature
from atb.config.features import FEATURES, SETS, lookback

HEAD = """<!-- python -m atb.features.document > docs/features.md -->
# Features

Each feature is a causal function of the five columns of a candle: it uses its own bar and at most
`lookback` earlier ones. A set is one Keras layer, `atb.features.layer.FeatureSet`, that makes the
training matrix and sits inside the serving graph. All are dimensionless; where a ratio would be
nothing over nothing (a flat bar, no volume) it is neutral.

Names end in their parameters, in bars: `n`, or `n, m, k`. `SMA_n`, `mean_n`, `sum_n`, `min_n` and
`max_n` run over the last n bars with the own one. `EMA_n` has factor 2 / (n + 1), `W_n` (Wilder's
average) 1 / n; both are cut where less than a millionth of their weight is left, which sets their
lookback. `TR` is max(high, previous close) - min(low, previous close). `+DM` is the rise of the
high where it is positive and more than the fall of the low, else 0; `-DM` the reverse.

The first three sets grow one from the other. `distinct` is `full` without the eight features that
the others nearly say again: little is lost, and a network has fewer weights.
"""


def page() -> str:
    """The whole page in Markdown: for every set the features it has beyond the sets before it."""
    lines = [HEAD]
    known: dict[str, None] = {}  # in the order of their tables
    for name, members in SETS.items():
        lines += [f"## {name}", "", *_section(name, members, list(known)), ""]
        known |= dict.fromkeys(members)
    return "\n".join(lines)


def _section(name: str, members: tuple[str, ...], known: list[str]) -> list[str]:
    """A table of what is new in a set; of a set with nothing new, what it leaves out."""
    added = [FEATURES[member] for member in members if member not in known]
    size = f"{len(members)} features, lookback {lookback(name)}"
    if not added:
        left_out = ", ".join(f"`{member}`" for member in known if member not in members)
        return [f"{size}: the {len(known)} above without", f"{left_out}."]
    inherited = f", the {len(known)} above and" if known else ""
    return [
        f"{size}{inherited}:",
        "",
        "| feature | file | lookback | unit | formula | source |",
        "|---|---|---|---|---|---|",
        *map(_row, added),
    ]


def _row(feature: Feature) -> str:
    cells = (
        f"`{feature.name}`",
        feature.group,
        str(feature.lookback),
        feature.unit,
        f"`{feature.formula}`",
        feature.source,
    )
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


if __name__ == "__main__":
    sys.stdout.write(page())
