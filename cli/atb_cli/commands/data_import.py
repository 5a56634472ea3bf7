"""`atb data import`: keep an order book's days in the local store.

Knows neither file formats nor how the store keeps them.
"""

from __future__ import annotations

from pathlib import Path

import click

from atb_cli import options


@click.command("import")
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--symbol", metavar="TEXT", help="Ticker where several lie together, or a new name.")
@options.artifacts
@options.as_json
@options.verbose
def command(path: Path, symbol: str | None, artifacts: Path, as_json: bool) -> None:
    """Store the order book in a LOBSTER zip, folder or pair of files, day by day.

    Days of any length are read in bounded memory, and none is stored that training would refuse.
    What is stored is learned from by its symbol.
    """
    from atb.market.lob import store
    from atb.workspace import Workspace
    from atb_cli import progress, render

    workspace = Workspace(artifacts)
    workspace.require_writable()
    with progress.shown() as listen:
        paths = store.import_lobster(workspace, path, symbol, listen)
    if as_json:
        render.json_line({"paths": [str(path) for path in paths]})
    else:
        click.echo("\n".join(map(str, paths)))
