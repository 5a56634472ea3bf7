"""`atb doctor`: what this machine and this installation have, and whether they can train.

Knows how it is shown, not how it is found out.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from atb.errors import ResourceError
from atb_cli import options

if TYPE_CHECKING:
    from atb.doctor import Diagnosis


@click.command("doctor")
@options.as_json
@options.verbose
def command(as_json: bool) -> None:
    """Show versions, GPUs, memory and extras; exit 6 if training is not possible.

    It imports TensorFlow, which takes some seconds.
    """
    from atb import doctor
    from atb_cli import render, sizes

    found = doctor.examine()
    if as_json:
        render.json_line(found.to_json())
    else:
        tables = [render.pairs(_facts(found))]
        if found.gpus:
            columns = ("GPU", "capability", "memory", "precision")
            rows = [(g.name, g.capability, sizes.memory(g.memory), g.precision) for g in found.gpus]
            tables.append(render.table(columns, rows))
        libraries = [
            (extra, module, trouble or "imports")
            for extra, modules in found.extras.items()
            for module, trouble in modules.items()
        ]
        tables.append(render.table(("extra", "library", ""), libraries))
        render.print_answer(*tables)
    if not found.can_train:
        missing = [name for name, trouble in found.extras["train"].items() if trouble]
        raise ResourceError(
            f"training is not possible here without: {', '.join(missing)}",
            remedy="install them with: pip install 'atb[train]'",
        )


def _facts(found: Diagnosis) -> Iterator[tuple[str, Any]]:
    """What stands above the tables."""
    from atb_cli import sizes

    yield "atb", found.atb
    yield "Python", found.python
    yield "platform", found.platform
    yield from found.versions.items()
    yield "CPU cores", found.machine.cores
    available = sizes.memory(found.machine.available)
    yield "memory", f"{sizes.memory(found.machine.memory)}, {available} available"
    if not found.gpus:
        yield "GPUs", "none"
    yield "precision", f"{found.precision or '-'} ({found.precision_reason})"
