"""Options that several commands share, and what -v does.

Knows the names of options and of the fields they stand for, not what the values mean: an option
left out is None and is never passed on, so each default lives in one place, the preset.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from atb import redaction

Command = TypeVar("Command", bound=Callable[..., Any])

artifacts = click.option(
    "--artifacts",
    type=click.Path(path_type=Path),
    default=Path("artifacts"),
    envvar="ATB_ARTIFACTS",
    show_default=True,
    show_envvar=True,
    help="Folder that holds candles and models.",
)
as_json = click.option(
    "--json", "as_json", is_flag=True, help="Answer with one JSON object as stdout's last line."
)
preset = click.option(
    "--preset",
    default="balanced",
    show_default=True,
    metavar="NAME|FILE.yaml",
    help="Recipe to start from; see: atb presets list.",
)
presets = click.option(
    "--preset",
    default="balanced",
    show_default=True,
    metavar="NAMES|FILE.yaml",
    help="Recipe to start from, or several with commas between them; see: atb presets list.",
)
gates = click.option(
    "--gates",
    default="default",
    show_default=True,
    metavar="default|strict|FILE.yaml",
    help="What the model must come up to.",
)
model = click.argument("model", metavar="MODEL_DIR|SYMBOL/NAME[/VERSION]")
timeframe = click.option("--timeframe", metavar="TEXT", help="Length of a bar: 5m, 1h, 1d, ...")
start = click.option("--start", metavar="DATE", help="First bar or event, as 2023-01-31, UTC.")
end = click.option("--end", metavar="DATE", help="Bars or events before this date, UTC.")
share = click.option(
    "--share",
    metavar="URL|DIR",
    help="Where the workers of a cluster get what they read and leave what they make, such as "
    "s3://bucket/atb; by default they share the folder of artifacts.",
)


def jobs(what: str) -> Callable[[Command], Command]:
    """Add how many of a study's trainings run side by side.

    Args:
        what: runs, for people: `Folds learned`.
    """
    return click.option(
        "--jobs",
        type=click.IntRange(min=1),
        help=f"{what} side by side; by default one a core, or one where there is a GPU.",
    )


def engine(command: Command) -> Command:
    """Add who carries out the trainings: `engine` and `address`."""
    return _with(_ENGINE, command)


class _Horizon(click.ParamType[int | tuple[int, ...]]):
    """One number of rows, or several with commas between them."""

    name = "rows"

    def convert(
        self, value: Any, parameter: click.Parameter | None, context: click.Context | None
    ) -> int | tuple[int, ...]:
        """`5` as 5, `1,5,20` as all three."""
        try:
            rows = tuple(int(part) for part in str(value).split(","))
        except ValueError:
            self.fail(f"{value!r} is no number of rows, and no list as 1,5,20", parameter, context)
        return rows if len(rows) > 1 else rows[0]


_ENGINE = (
    click.option(
        "--engine",
        metavar="local|dask|ray",
        default="local",
        show_default=True,
        help="Who trains: processes of this machine, or the workers of a cluster that shares the "
        "folder of artifacts.",
    ),
    click.option(
        "--address",
        metavar="URL",
        help="Of a cluster that runs already, such as tcp://10.0.0.5:8786; Ray may do without.",
    ),
)
_assignments = click.option(
    "--set",
    "assignments",
    multiple=True,
    metavar="FIELD=VALUE",
    help="Any field of the recipe, such as dataset.embargo=48; repeatable.",
)
_LEARNING = (
    click.option("--epochs", type=int, help="Epochs at most."),
    click.option("--batch-size", type=int, help="Windows per training step."),
    click.option("--sequence-length", type=int, help="Rows the network sees, bars or events."),
    click.option(
        "--horizon",
        "--horizons",
        "horizon",
        type=_Horizon(),
        help="Rows ahead, bars or events; several as 1,5,20.",
    ),
    click.option("--patience", type=int, help="Epochs without a better validation loss."),
    click.option("--learning-rate", type=float, help="Of the optimiser, at its largest."),
    click.option("--seed", type=int, help="Of weights, dropout and the order of windows."),
    click.option(
        "--precision",
        type=click.Choice(["auto", "float32", "mixed_float16", "mixed_bfloat16"]),
        help="Number format of the network; auto follows the GPU.",
    ),
)

_RECIPE = (
    timeframe,
    start,
    end,
    click.option(
        "--source",
        type=click.Choice(["auto", "binance", "file", "sample"]),
        help="Where candles come from; auto: file, else store and exchange, else simulator.",
    ),
    click.option(
        "--candles",
        type=click.Path(path_type=Path),
        help="CSV, Parquet or Feather file; a folder of them where several models are trained.",
    ),
    click.option(
        "--bonds",
        type=click.Path(path_type=Path),
        help="Par yields of the US Treasury, CSV or Parquet, for a bond such as UST10Y.",
    ),
    *_LEARNING,
    click.option("--model-type", metavar="NAME", help="Architecture of the network."),
    click.option(
        "--features", metavar="SET", help="Feature set: price, technical, distinct or full."
    ),
    click.option(
        "--target",
        metavar="KIND",
        help="What to predict: return, direction, ternary, triple_barrier or volatility.",
    ),
    click.option("--devices", type=int, help="GPUs that share each batch."),
    click.option(
        "--from",
        "warm_start",
        metavar="MODEL",
        help="Begin with the weights of this model: SYMBOL/NAME[/VERSION] or its folder.",
    ),
    _assignments,
)

_BOOK_RECIPE = (
    click.option(
        "--source",
        type=click.Choice(["auto", "file", "sample"]),
        help="Where the book comes from; auto: the file or stored symbol named.",
    ),
    click.option(
        "--clock",
        type=click.Choice(["event", "time", "volume"]),
        help="What a row is taken by.",
    ),
    click.option("--every", type=float, help="Events, seconds or units traded from row to row."),
    click.option("--features", metavar="SET", help="Feature set: lob38, lob40, of, mlofi, ..."),
    *_LEARNING,
    _assignments,
)


def recipe(command: Command) -> Command:
    """Add the options that override fields of a preset, named as in `presets.OPTION_FIELDS`."""
    return _with(_RECIPE, command)


def book_recipe(command: Command) -> Command:
    """Likewise for presets that learn from an order book."""
    return _with(_BOOK_RECIPE, command)


def _with(given: Sequence[Callable[[Command], Command]], command: Command) -> Command:
    for option in reversed(given):
        command = option(command)
    return command


class _Stderr(logging.Handler):
    """Writes to whatever stderr is at that moment, so that a progress bar can step aside."""

    def emit(self, record: logging.LogRecord) -> None:
        click.echo(self.format(record), err=True)


def _set_level(_context: click.Context, _parameter: click.Parameter, count: int) -> None:
    level = (logging.WARNING, logging.INFO, logging.DEBUG)[min(count, 2)]
    handler = _Stderr()
    handler.setFormatter(redaction.Formatter("%(levelname)s %(name)s: %(message)s"))
    for name in ("atb", "atb_cli"):
        logger = logging.getLogger(name)
        logger.handlers = [handler]
        logger.setLevel(level)
        logger.propagate = False
    if logging.lastResort:  # what other libraries warn of
        logging.lastResort.setFormatter(redaction.Formatter())


verbose = click.option(
    "-v",
    "--verbose",
    count=True,
    is_eager=True,
    expose_value=False,
    callback=_set_level,
    help="Say more on stderr; twice for all there is.",
)
