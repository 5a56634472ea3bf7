"""How often `atb models drift` cries wolf on real candles, and how much must change before it does.

    python benchmarks/drift_alarms.py DATA [--bars 168 --bars 720 --bars 2160]

A straight line of the technical features forecasts the next return; it is fitted on the first part
of each file's candles, profiled there and on the part after it, and watched over stretches of all
that follows. The same stretches are judged as if rows were independent, and once more with every
move of the price made larger.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from atb import backend
from atb.config.features import columns
from atb.market import files
from atb.market.candles import Candles
from atb.monitor.drift import Monitor
from atb.monitor.profile import Profile

SET = "technical"
BEGINNINGS = (0.5, 0.6, 0.7)  # shares of the candles before what is watched
TRAIN = 0.82  # of those; the rest are test rows
LARGER = (2, 3, 5)  # times the moves


@dataclass(frozen=True)
class Rows:
    """Features `[n, F]`, forecasts `[n]` and what came true `[n]`."""

    features: np.ndarray
    said: np.ndarray
    truth: np.ndarray

    def part(self, start: int, stop: int) -> Rows:
        """Rows `start` to `stop` (exclusive)."""
        return Rows(self.features[start:stop], self.said[start:stop], self.truth[start:stop])


def stretched(candles: Candles, times: float) -> Candles:
    """The same candles with every log price's distance from the first made larger."""
    first = candles.close[0]
    named = {name: getattr(candles, name) for name in ("open", "high", "low", "close")}
    moved = {name: first * (price / first) ** times for name, price in named.items()}
    kept = {"time": candles.time, "volume": candles.volume}
    return Candles.from_columns(candles.symbol, candles.timeframe, {**moved, **kept})


def known(candles: Candles) -> tuple[np.ndarray, np.ndarray]:
    """Features and next returns of every row that has both."""
    from atb.features.layer import compute

    features = compute(SET, candles).astype(np.float64)
    truth = np.append(np.diff(np.log(candles.close)), np.nan)
    whole = np.isfinite(features).all(axis=1) & np.isfinite(truth)
    return features[whole], truth[whole]


def line(features: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Weights of the straight line through rows, its constant last."""
    ones = np.ones((len(features), 1))
    return np.linalg.lstsq(np.hstack([features, ones]), truth, rcond=None)[0]


def profiles(path: Path, symbol: str) -> Iterator[tuple[Profile, dict[float, Rows]]]:
    """Of each beginning, a profile and all later rows, by how much larger their moves are."""
    candles = files.read(path, symbol, "1h")
    made = {times: known(stretched(candles, times)) for times in (1, *LARGER)}
    for share in BEGINNINGS:
        features, truth = made[1]
        end = int(share * len(truth))
        cut = int(TRAIN * end)
        weights = line(features[:cut], truth[:cut])
        rows = {times: Rows(x, x @ weights[:-1] + weights[-1], y) for times, (x, y) in made.items()}
        test = rows[1].part(cut, end)
        profile = Profile.of(
            columns(SET), features[:cut], test.said, test.truth, truth[:cut], classes=1
        )
        yield profile, {times: one.part(end, len(truth)) for times, one in rows.items()}


def independent(profile: Profile) -> Profile:
    """The same, as if no row were like its neighbours."""
    parts = {
        name: tuple(replace(one, memory=np.ones(1)) for one in getattr(profile, name))
        for name in ("features", "predictions")
    }
    single = {
        name: replace(getattr(profile, name), memory=np.ones(1)) for name in ("residual", "error")
    }
    return replace(profile, **parts, **single)


def alarms(profile: Profile, rows: Rows, bars: int) -> list[bool]:
    """Whether each whole stretch of so many bars has drifted."""
    found = []
    for start in range(0, len(rows.truth) - bars + 1, bars):
        part = rows.part(start, start + bars)
        monitor = Monitor(profile)
        monitor.observe(part.features, part.said)
        monitor.mature(part.said, part.truth)
        found.append(monitor.report().drifted)
    return found


def main() -> None:
    """Watch every file in its folder, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="folder of candle files named SYMBOL_..._1h_...")
    parser.add_argument("--bars", type=int, action="append")
    arguments = parser.parse_args()
    backend.prepare(7)

    every = [
        case
        for path in sorted(arguments.data.glob("*USDT_*1h_*"))
        for case in profiles(path, path.name.partition("_")[0])
    ]
    table = Table(title=f"stretches said to have drifted, {len(every)} beginnings of real candles")
    for column in (
        "bars",
        "stretches",
        "rows independent",
        "atb",
        *(f"moves x{n}" for n in LARGER),
    ):
        table.add_column(column, justify="right")
    for bars in arguments.bars or (168, 720, 2160):
        cases = [(independent(profile), rows[1]) for profile, rows in every]
        naive = [one for profile, rows in cases for one in alarms(profile, rows, bars)]
        ours = [
            np.mean([one for profile, rows in every for one in alarms(profile, rows[n], bars)])
            for n in (1, *LARGER)
        ]
        shares = (f"{share:.1%}" for share in (np.mean(naive), *ours))
        table.add_row(str(bars), str(len(naive)), *shares)
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
