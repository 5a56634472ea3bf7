"""`atb backtest`: trade a model's predictions on rows it may never have seen, with costs.

Knows no formula, and serves the ONNX file alone: TensorFlow is not imported.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from atb_cli import options
from atb_cli.default_group import DefaultGroup

Command = TypeVar("Command", bound=Callable[..., Any])


class Amount(click.FloatRange):
    """A number from zero up; click alone takes `nan` and `inf` for one."""

    def convert(self, value: Any, param: Any, ctx: Any) -> float:
        """The number, or a usage error."""
        number = float(super().convert(value, param, ctx))
        if not math.isfinite(number):
            self.fail(f"{value} is not a finite number", param, ctx)
        return number


AMOUNT = Amount(min=0)

_TRADING = (
    click.option(
        "--candles",
        "--book",
        "--bonds",
        "path",
        type=click.Path(path_type=Path),
        required=True,
        help="File of candles, of the order book or of par yields, to trade on.",
    ),
    options.start,
    options.end,
    click.option(
        "--threshold",
        type=AMOUNT,
        help="Basis points of return, or points of probability, a prediction must exceed.",
    ),
    click.option("--fee", type=AMOUNT, help="Basis points of the traded value, per side."),
    click.option(
        "--spread", type=AMOUNT, help="Basis points between bid and ask, half a side; candles."
    ),
    click.option(
        "--slippage", type=AMOUNT, help="Basis points of the traded value, per side; candles."
    ),
    click.option(
        "--funding", type=AMOUNT, help="Basis points of the value held, per 8 hours; candles."
    ),
    click.option(
        "--positions", type=click.Choice(["long_flat", "long_short"]), help="What to hold; candles."
    ),
    click.option(
        "--sizing",
        type=click.Choice(["fixed", "volatility_target", "kelly"]),
        help="How much to hold; candles.",
    ),
    click.option("--limit", type=AMOUNT, help="Largest position, times the equity; candles."),
    click.option("--stop", type=AMOUNT, help="Loss that closes, share of entry price; candles."),
    click.option(
        "--take-profit", type=AMOUNT, help="Gain that closes, share of entry price; candles."
    ),
    click.option(
        "--latency",
        type=click.IntRange(min=0),
        metavar="EVENTS",
        help="From a prediction to the book its order meets; for a book.",
    ),
    click.option(
        "--hold",
        type=click.IntRange(min=1),
        metavar="EVENTS",
        help="Kept after the last prediction that asked for it; for a book.",
    ),
    click.option(
        "--set",
        "assignments",
        multiple=True,
        metavar="FIELD=VALUE",
        help="Any field of the trading, such as costs.sell_fee=5; repeatable.",
    ),
    options.artifacts,
    options.as_json,
    options.verbose,
)


def trading_options(command: Command) -> Command:
    """Add the rows to trade on and the options that change how."""
    for option in reversed(_TRADING):
        command = option(command)
    return command


class _ModelByDefault(DefaultGroup):
    default = "model"


@click.group("backtest", cls=_ModelByDefault)
def command() -> None:
    """Trade with costs: MODEL --candles PATH, or compare A B --candles PATH.

    All that can be changed about the trading: atb backtest model -h
    """


@command.command("model")
@options.model
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Write equity, trades, daily returns and signals into this folder.",
)
@trading_options
def model_(
    model: str,
    output: Path | None,
    path: Path,
    start: str | None,
    end: str | None,
    assignments: Sequence[str],
    artifacts: Path,
    as_json: bool,
    **trading: Any,
) -> None:
    """Trade a model's predictions on other candles, or another book, beside a naive rule.

    Candles are compared with buy and hold, a book with following the last move. What is left out
    of threshold, fee and the like stays as the model was judged with.
    """
    from atb.registry import store
    from atb.report import trading_tables
    from atb.runtime.replay import replay
    from atb.workspace import Workspace
    from atb_cli import progress, render, result_view

    version = store.find(Workspace(artifacts), model)
    given = _given(trading, assignments)
    with progress.shown() as listen:
        done = replay(version.path, path, start=start, end=end, trading=given, listen=listen)
    if done.said.synthetic:
        render.loudly(result_view.SYNTHETIC)
    said, traded = done.said, done.backtest.to_json()
    files = (
        trading_tables.export(output, done.backtest, said.predictions, said.history)
        if output
        else {}
    )
    if as_json:
        answer = {"model": str(version.path), "trading": done.trading.model_dump(), **traded}
        render.json_line(answer | ({"files": files} if files else {}))
        return
    rules = render.pairs([("trading", done.trading.said(said.predictions.unit)), *files.items()])
    render.print_answer(result_view.backtest(traded), rules)


@command.command("compare")
@click.argument("first", metavar="A")
@click.argument("second", metavar="B")
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write both equity curves, side by side, as Parquet.",
)
@trading_options
def compare(
    first: str,
    second: str,
    output: Path | None,
    path: Path,
    start: str | None,
    end: str | None,
    assignments: Sequence[str],
    artifacts: Path,
    as_json: bool,
    **trading: Any,
) -> None:
    """Trade two models side by side at the rows that both predict, and say which is better.

    A and B are MODEL_DIR or SYMBOL/NAME[/VERSION]. Each is traded by its own rules; what is given
    here holds for both.
    """
    from atb.backtest.comparison import side_by_side
    from atb.registry import store
    from atb.report import trading_tables
    from atb.runtime.duel import duel
    from atb.workspace import Workspace
    from atb_cli import duel_view, progress, render, result_view

    paths = [store.find(Workspace(artifacts), name).path for name in (first, second)]
    given = _given(trading, assignments)
    with progress.shown() as listen:
        found = duel((paths[0], paths[1]), path, start=start, end=end, trading=given, listen=listen)
    if found.first.said.synthetic or found.second.said.synthetic:
        render.loudly(result_view.SYNTHETIC)
    if output:
        table = side_by_side(found.first.backtest, found.second.backtest)
        trading_tables.keep(table, output)
    if as_json:
        render.json_line(found.to_json())
    else:
        render.print_answer(*duel_view.tables(found.to_json()))


def _given(trading: dict[str, Any], assignments: Sequence[str]) -> dict[str, Any]:
    """What a person wants otherwise, by option or field."""
    from atb.strict_yaml import assignment

    given = {name: value for name, value in trading.items() if value is not None}
    return given | dict(assignment(text, "costs.sell_fee=5") for text in assignments)
