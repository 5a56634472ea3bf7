"""`atb cache`: what is kept to be used again, and room made of it.

Knows the folders of a workspace; what lies in them is nobody's loss but time's.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from atb_cli import options, sizes

if TYPE_CHECKING:
    from atb.cache import Entry


class _Size(click.ParamType[int]):
    """Bytes, in any unit."""

    name = "size"

    def convert(
        self, value: Any, parameter: click.Parameter | None, context: click.Context | None
    ) -> int:
        """`2GiB` as bytes."""
        try:
            return sizes.parse(str(value))
        except ValueError as error:
            self.fail(str(error), parameter, context)


@click.group("cache")
def command() -> None:
    """List what is kept to be used again, and remove what was not used for longest.

    Histories are the rows that jobs share, matrices the features of them; both are made again when
    they are asked for.
    """


@command.command("list")
@options.artifacts
@options.as_json
@options.verbose
def list_(artifacts: Path, as_json: bool) -> None:
    """List how much is kept, and since when it was not used; with --json every entry."""
    from atb import cache
    from atb.clock import iso
    from atb.workspace import Workspace
    from atb_cli import render

    rooms = {room: cache.listing([room]) for room in Workspace(artifacts).caches}
    if as_json:
        entries = [_fact(entry) for found in rooms.values() for entry in found]
        render.json_line({"bytes": sum(one["bytes"] for one in entries), "entries": entries})
        return
    rows = [
        (room.name, len(found), sizes.memory(_bytes(found)), iso(found[0].used))
        for room, found in rooms.items()
        if found
    ]
    if rows:
        render.print_answer(render.table(("what", "entries", "size", "oldest use"), rows))
    else:
        click.echo(f"nothing is cached in {artifacts}", err=True)


@command.command("prune")
@click.option(
    "--max-size",
    type=_Size(),
    required=True,
    metavar="SIZE",
    help="What may stay, as 500MiB, 2GiB or 0.",
)
@options.artifacts
@options.as_json
@options.verbose
def prune(max_size: int, artifacts: Path, as_json: bool) -> None:
    """Remove what was not used for longest, until no more than SIZE is left.

    What a running job holds stays, and is said; the exit code is 0 all the same.
    """
    from atb import cache
    from atb.workspace import Workspace
    from atb_cli import render

    rooms = Workspace(artifacts).caches
    found = cache.prune(rooms, max_size)
    left = _bytes(cache.listing(rooms))
    if as_json:
        said = {name: [_fact(one) for one in getattr(found, name)] for name in ("removed", "held")}
        render.json_line({**said, "bytes": left})
        return
    count, size = len(found.removed), sizes.memory(_bytes(found.removed))
    held = f"; {len(found.held)} are in use and stay" if found.held else ""
    click.echo(f"{count} removed, {size}; {sizes.memory(left)} left{held}")


def _bytes(entries: Any) -> int:
    return sum(entry.bytes for entry in entries)


def _fact(entry: Entry) -> dict[str, Any]:
    from atb.clock import iso

    return {"path": str(entry.path), "bytes": entry.bytes, "used": iso(entry.used)}
