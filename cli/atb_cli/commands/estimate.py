"""`atb train estimate`: what a training will take, before it has any data.

Knows how it is shown; what is estimated is `atb.training`'s business.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from atb_cli import options

if TYPE_CHECKING:
    from atb.training.cost import Cost

WINDOWS = 10_000
SYMBOL = "BTCUSDT"  # a recipe wants one; nothing here depends on it


@click.command("estimate")
@options.preset
@click.option("--batch-size", type=int, help="Windows per training step.")
@click.option("--sequence-length", type=int, help="Rows the network sees, bars or events.")
@click.option("--model-type", metavar="NAME", help="Architecture of the network.")
@click.option(
    "--features", metavar="SET", help="Feature set, such as technical, or lob38 of a book."
)
@click.option(
    "--set",
    "assignments",
    multiple=True,
    metavar="FIELD=VALUE",
    help="Any field of the recipe, such as training.hardware.accumulation=2; repeatable.",
)
@click.option(
    "--windows",
    type=click.IntRange(min=1),
    default=WINDOWS,
    show_default=True,
    help="Train windows in an epoch.",
)
@options.as_json
@options.verbose
def command(
    preset: str, assignments: tuple[str, ...], windows: int, as_json: bool, **fields: Any
) -> None:
    """Estimate memory and time of a training; it needs no data.

    Memory is that of one step on one device. Time is measured here, over a few steps on random
    windows, and leaves out validation; half precision is timed only on a GPU.
    """
    from atb.backend import prepare
    from atb.config.architectures import Solved
    from atb.errors import UsageError
    from atb.presets import resolve
    from atb_cli import render

    config = resolve(preset, SYMBOL, assignments=assignments, **fields).config
    if isinstance(config.model, Solved):
        raise UsageError(
            f"{config.model.architecture} is solved in one pass over its windows: it has no steps "
            "to time",
            where=config.name,
            remedy="estimate a network",
        )
    prepare(config.training.seed)
    from atb.training import cost  # after prepare: TensorFlow reads its settings when imported

    costs = cost.by_precision(config, windows)
    batch = costs[0].memory.batch
    if as_json:
        render.json_line(
            {
                "preset": config.name,
                "batch": batch,
                "windows": windows,
                "precisions": {one.memory.policy: one.to_json() for one in costs},
            }
        )
    else:
        title = f"{config.name}, batches of {batch}, on {costs[0].device}"
        render.print_answer(render.titled(title, _table(costs, windows)))
        if any(one.seconds_per_step is None for one in costs):
            click.echo("half precision is timed only on a GPU, which is made for it", err=True)


def _table(costs: list[Cost], windows: int) -> Any:
    """One row a figure, one column a precision."""
    from atb_cli import render, sizes

    parts = ("parameters", "gradients", "optimizer", "windows", "activations", "total")
    rows = [[part, *(sizes.memory(getattr(c.memory, part)) for c in costs)] for part in parts]
    times = {
        "time per step": [one.seconds_per_step for one in costs],
        f"time per epoch of {windows:,} windows": [one.seconds_per_epoch for one in costs],
    }
    rows += [
        [name, *("-" if s is None else sizes.duration(s) for s in seconds)]
        for name, seconds in times.items()
    ]
    return render.table(("", *(one.memory.policy for one in costs)), rows)
