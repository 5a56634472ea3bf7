"""A cross-validation as people see it: what will be learned before, how the folds came out after.

Knows recipes and the keys of `atb.studies.fold_results`, and computes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from atb.config.folds import FoldSpec
from atb.config.training import TrainingConfig
from atb_cli import compare_view, result_view
from atb_cli.render import console, loudly, pairs, table, titled

Json = Mapping[str, Any]

# Title of a metric, its factor and its digits.
TITLES: Mapping[str, tuple[str, float, int]] = {
    **compare_view.TITLES,
    "move_rmse": ("RMSE, basis points", 1, 3),
    "directional_accuracy": ("direction right, %", 100, 2),
    "auc": ("AUC", 1, 3),
}
MOST = 3  # metrics in the table; all of them are in the results
# Of each fold's backtest the one figure shown, by the market's own name for it.
EARNED: Mapping[str, tuple[str, float, int]] = {
    "total_return": ("return, net, %", 100, 2),
    "net_ticks_total": ("ticks, net", 1, 1),
}
MONEY = (
    "sharpe",
    "total_return",
    "max_drawdown",
    "probabilistic_sharpe",
    "net_ticks_per_trade",
    "net_ticks_total",
    "win_rate",
)


def header(config: TrainingConfig, folds: FoldSpec) -> None:
    """What will be learned, on stderr."""
    data, embargo = config.data, config.dataset.embargo
    horizons = ", ".join(str(horizon) for horizon in config.target.horizons)
    rows = (
        ("symbol", config.symbol),
        ("preset", config.name),
        (data.kind, data.said()),
        ("target", f"{config.target.kind}, {horizons} {data.row}s ahead"),
        ("folds", f"{folds.count}, {folds.scheme} over {folds.splits} groups that are tested"),
        ("apart", f"labels known, and {embargo} more {data.row}s"),
    )
    console().print(pairs(rows))
    if data.source == "sample":
        loudly(result_view.SYNTHETIC)


def show(results: Json) -> None:
    """How the folds came out and where everything lies, on stderr."""
    if not results["folds"]:
        return
    if results["data"]["synthetic"]:
        loudly(result_view.SYNTHETIC)
    parts: list[Any] = [
        titled(f"On test windows of each fold, {horizon} ahead", _folds(results, horizon))
        for horizon in results["horizons"]
    ]
    if results["distribution"]:
        title = f"{len(results['paths'])} backtest paths, each of all windows out of fold"
        parts.append(titled(title, _distribution(results)))
    elif results["paths"]:
        joined = Text("Predictions of all folds as one series", style="bold")
        parts.append(Group(joined, result_view.backtest(results["paths"][0]["backtest"])))
    lines = [
        *(("", line) for line in results["words"]),
        ("predictions", results["predictions"]),
        ("results", results["path"]),
    ]
    console().print(Group(*(piece for part in parts for piece in ("", part)), "", pairs(lines)))


def _folds(results: Json, horizon: str) -> Table:
    """One row for the mean, one for the deviation, one for each fold; naive beside each figure."""
    columns = [_column(*figure) for figure in _judged(results, horizon)]
    if horizon == next(iter(results["horizons"])):  # the one that is traded
        columns += [_column(*figure) for figure in _earned(results["backtest"])]
    names = ("fold", "tested", *(name for name, _ in columns))
    heads = (("mean", ""), ("deviation", ""), *_tested(results))
    cells = zip(*(values for _, values in columns), strict=True)
    return table(names, [(*head, *row) for head, row in zip(heads, cells, strict=True)])


def _judged(results: Json, horizon: str) -> Iterator[tuple[str, float, int, Json]]:
    """Title, factor, digits and spread of each column: a metric, its baseline, the next metric."""
    from atb.evaluation.baselines import title

    one, deciding = results["horizons"][horizon], results["deciding"]
    others = [name for name in TITLES if name in one["metrics"] and name != deciding]
    for metric in (deciding, *others)[:MOST]:
        name, factor, digits = TITLES[metric]
        rival = one["differences"][metric]["baseline"]
        yield name, factor, digits, one["metrics"][metric]
        yield title(rival), factor, digits, one["baselines"][rival][metric]


def _earned(traded: Json | None) -> Iterator[tuple[str, float, int, Json]]:
    """Likewise of what each fold's backtest made, where a fold tests one stretch of time."""
    if traded is None:
        return
    for figure, (name, factor, digits) in EARNED.items():
        if figure in traded["model"]:
            yield name, factor, digits, traded["model"][figure]
            yield traded["rival"].replace("_", " "), factor, digits, traded["naive"][figure]


def _column(name: str, factor: float, digits: int, spread: Json) -> tuple[str, list[str]]:
    """A column's name and its cells."""
    values = (spread["mean"], spread["deviation"], *spread["each"])
    return name, ["-" if value is None else f"{factor * value:.{digits}f}" for value in values]


def _tested(results: Json) -> Iterator[tuple[str, str]]:
    """Each fold's number, and the groups or days it tests."""
    for name, fold in results["folds"].items():
        groups = " and ".join(str(group) for group in fold["groups"])
        one = len(fold["groups"]) == 1
        tested = _span(*fold["periods"]["test"]) if one else f"groups {groups}"
        yield name.removeprefix("fold-"), tested


def _span(first: str, last: str) -> str:
    """From day to day, or from minute to minute within one; of ISO 8601 times."""
    length = 10 if first[:10] != last[:10] else 16
    return " to ".join(time[:length].replace("T", " ") for time in (first, last))


def _distribution(results: Json) -> Table:
    """One row for each figure of the paths: mean, deviation, quantiles and the naive rule's."""
    from atb.evaluation.baselines import title

    known = results["distribution"]
    shown = [name for name in (results["deciding"], *MONEY) if name in known]
    quantiles = [f"{float(share):.0%}" for share in known[shown[0]]["quantiles"]]
    rival = title(results["paths"][0]["rival"])
    return table(
        ("figure", "mean", "deviation", *quantiles, "below zero", rival),
        [_row(name, known[name]) for name in shown],
    )


def _row(name: str, figure: Json) -> tuple[str, ...]:
    values = (figure["mean"], figure["deviation"], *figure["quantiles"].values())
    below = "-" if figure["below_zero"] is None else f"{figure['below_zero']:.0%}"
    cells = (result_view.figure(name, value) for value in values)
    return name.replace("_", " "), *cells, below, result_view.figure(name, figure["naive"])
