"""A training as people see it: what will be trained before, how good it is after.

Knows the recipe and the keys of a result, and computes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Group
from rich.table import Table

from atb.config.architectures import Solved
from atb.config.features import width
from atb.config.spec import Spec
from atb.config.training import TrainingConfig
from atb.presets import KINDS
from atb_cli.render import cell, console, loudly, pairs, table, titled

SYNTHETIC = "SYNTHETIC DATA: a simulator made it; it says nothing about a market"

# Figures of a backtest that are shares, shown in percent.
SHARES = frozenset(
    {"total_return", "annual_return", "annual_volatility", "max_drawdown"}
    | {"exposure", "costs_paid", "cost_share", "win_rate", "hit_rate"}
)


def header(config: TrainingConfig) -> None:
    """What will be trained, on stderr."""
    data = config.data
    rows = (
        ("symbol", config.symbol),
        ("preset", config.name),
        (data.kind, data.said()),
        ("features", f"{config.features} ({width(config.features)})"),
        ("target", said(config.target)),
        ("window", f"{config.window} {data.row}s"),
        *_learning(config),
        ("trading", config.trading.said(config.target.output)),
        *([("begins with", config.warm_start)] if config.warm_start else []),
    )
    console().print(pairs(rows))
    if data.source == "sample":
        loudly(SYNTHETIC)


def _learning(config: TrainingConfig) -> Iterator[tuple[str, str]]:
    """What learns, and how; what is solved has no epochs, batches or rates."""
    training = config.training
    if isinstance(config.model, Solved):
        yield "model", said(config.model)
        yield "training", f"solved, seed {training.seed}"
        return
    patience = f"{training.patience} without a better validation loss"
    yield "network", said(config.model)
    yield "training", f"at most {training.epochs} epochs, or {patience}; batch {training.batch}"
    yield "", f"learning rate {training.learning_rate:g}, seed {training.seed}"
    yield "", ", ".join(said(part) for part in (training.optimizer, training.schedule))
    yield from (("", text) for text in _unusual(training.regularisation, training.hardware))


def result(summary: Mapping[str, Any]) -> None:
    """How good it is and where it lies, on stderr."""
    data, parity = summary["data"], summary["parity"]
    stages = ", ".join(f"{name} {seconds:.1f}" for name, seconds in summary["stages"].items())
    if data["synthetic"]:
        loudly(SYNTHETIC)
    rows = (
        ("verdict", summary["verdict"]),
        ("data", f"{data['rows']:,}, {data['first']} to {data['last']}, gaps: {data['gaps']}"),
        ("source", data["source"]),
        ("parity", f"ONNX and Keras differ by {parity['max_difference']:.1e} at most"),
        ("epochs", summary["epochs"]),
        ("seconds", stages),
        ("model", summary["path"]),
    )
    console().print(Group("", judgement(summary), pairs(rows)))


def judgement(judged: Mapping[str, Any]) -> Group:
    """The metrics on test rows beside their baselines, and the backtest beside a naive rule."""
    from atb.report import tail_tables, trust

    parts = [titled("On test rows, judged once", _verdict(judged))]
    parts += [
        titled(f"The same, {horizon} ahead: {other['verdict']}", _verdict(other))
        for horizon, other in judged.get("horizons", {}).items()
    ]
    if "confusion" in judged:
        parts.append(titled("Test rows by class", _confusion(judged["confusion"])))
    if tails := judged.get("tails"):
        made = tail_tables.tables(tails)
        parts += [titled(title, table(headings, rows)) for title, headings, rows in made]
    parts.append(backtest(judged["backtest"]))
    sure = [
        *trust.of_horizon(judged),
        *tail_tables.words(judged),
        *trust.of_profit(judged["backtest"]["significance"]),
    ]
    for horizon, other in judged.get("horizons", {}).items():
        sure += [(f"{name}, {horizon} ahead", words) for name, words in trust.of_horizon(other)]
    parts.append(titled("How sure that is", pairs(sure)))
    return Group(*(piece for part in parts for piece in (part, "")))


def backtest(traded: Mapping[str, Any]) -> Group:
    """Figures of a backtest beside those of its naive rule."""
    rival, naive = next(
        (name, one)
        for name, one in traded.items()
        if isinstance(one, Mapping) and one.keys() <= traded.keys()
    )
    rows = [(name, figure(name, traded[name]), figure(name, naive[name])) for name in naive]
    unit = "bars" if "bars" in traded else "events"
    span = f"{traded[unit]:,} {unit}, {traded['first']} to {traded['last']}"
    made = table(("backtest", "model", rival.replace("_", " ")), rows)
    return titled(f"Traded over {span}, costs included", made)


def description(metadata: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """What a model's metadata says, one row for each thing people ask."""
    data, training = metadata["data"], metadata["training"]
    named = ("symbol", "market", "timeframe", "clock", "every", "tick", "version", "created")
    for name in (*named, "features", "window", "target"):
        if name in metadata:
            yield name, metadata[name]
    yield "data", f"{data['source']}, {data['rows']:,}, gaps: {data['gaps']}"
    yield "synthetic", data["synthetic"]
    for part, (first, last) in metadata["dataset"]["periods"].items():
        yield part, f"{metadata['dataset']['windows'][part]:,} windows, {first} to {last}"
    yield (
        "training",
        f"epoch {training['best_epoch']} of {training['epochs']}: {training['reason']}",
    )
    yield "parameters", training["parameters"]
    if small := metadata.get("smaller"):
        metric, share = small["metric"], small["difference"]["share"]
        yield (
            "serves",
            f"{metadata['serves']}: {metric['name']} moved by {metric['change']:.1e} on "
            f"{small['rows']:,} validation windows, answers by {share:.2%} of their deviation; "
            "metrics are those of model.onnx",
        )
    for member, one in training.get("ensemble", {}).get("members", {}).items():
        yield f"  {member}", f"weight {one['weight']:.3f}, validation loss {one['loss']:.5f}"


def _verdict(judged: Mapping[str, Any]) -> Table:
    return table(("metric", "model", "naive", "difference, 95 %", "naive is"), _metrics(judged))


def _confusion(confusion: Mapping[str, Any]) -> Table:
    """One row for each class that came true, one column for each that was decided on."""
    classes = confusion["classes"]
    rows = zip(classes, confusion["counts"], strict=True)
    columns = ("came true", *(f"said {name}" for name in classes))
    return table(columns, [(name, *(f"{n:,}" for n in counts)) for name, counts in rows])


def _metrics(judged: Mapping[str, Any]) -> Iterator[tuple[Any, ...]]:
    """One row for each metric that has a baseline, with the interval of model minus naive."""
    from atb.evaluation.baselines import title

    for metric, difference in judged["differences"].items():
        baseline = difference["baseline"]
        yield (
            metric,
            judged["metrics"][metric],
            judged["baselines"][baseline][metric],
            f"{difference['low']:+.1e} to {difference['high']:+.1e}",
            title(baseline),
        )


def figure(name: str, value: Any) -> str:
    """A figure of a backtest: shares in percent."""
    return f"{value:.2%}" if name in SHARES and value is not None else cell(value)


def said(spec: Spec) -> str:
    """A spec's kind, then its settings but for those that are off."""
    kind, *settings = sorted(spec.model_dump().items(), key=lambda item: item[0] not in KINDS)
    shown = (f"{name} {cell(_named(value))}" for name, value in settings if value)
    return f"{kind[1]}: {text}" if (text := ", ".join(shown)) else str(kind[1])


def _named(value: Any) -> Any:
    """A value, with records in it by their names or kinds alone, if they have any."""
    if isinstance(value, Mapping):
        named = [one for name, one in value.items() if name in ("name", *KINDS)]
        return named[0] if named else [f"{name} {cell(one)}" for name, one in value.items()]
    return [_named(one) for one in value] if isinstance(value, list | tuple) else value


def _unusual(*specs: Spec) -> Iterator[str]:
    """A line for each spec with settings that are not its defaults."""
    for spec in specs:
        changed = spec.model_dump(exclude_defaults=True).items()
        if changed:
            yield ", ".join(f"{name.replace('_', ' ')} {cell(value)}" for name, value in changed)
