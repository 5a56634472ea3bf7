"""`atb presets`: which recipes there are, and what one of them comes to.

Knows nothing of what the fields mean.
"""

from __future__ import annotations

from typing import Any

import click

from atb_cli import options

EXAMPLE_SYMBOL = "BTCUSDT"


@click.group("presets")
def command() -> None:
    """List recipes and show what they come to."""


@command.command("list")
@options.as_json
@options.verbose
def list_(as_json: bool) -> None:
    """List the recipes that come with atb."""
    from atb import presets
    from atb_cli import render

    found = [presets.read(name) for name in presets.names()]
    rows = [(preset.name, preset.description, str(preset.path)) for preset in found]
    if as_json:
        keys = ("name", "description", "path")
        render.json_line({"presets": [dict(zip(keys, row, strict=True)) for row in rows]})
    else:
        render.print_answer(render.table(("preset", "description"), [row[:2] for row in rows]))


@command.command("show")
@click.argument("preset", metavar="NAME|FILE.yaml")
@options.recipe
@options.as_json
@options.verbose
def show(preset: str, assignments: tuple[str, ...], as_json: bool, **fields: Any) -> None:
    """Show every field of a recipe, with the options on top, and where each value came from.

    Last come the values that atb tune would try.
    """
    from atb import presets
    from atb_cli import render

    recipe = presets.resolve(preset, EXAMPLE_SYMBOL, assignments=assignments, **fields)
    values = recipe.config.model_dump(mode="json", exclude={"symbol"})
    rows = [
        (dotted, _at(values, dotted), origin)
        for dotted, origin in recipe.origins.items()
        if dotted != "symbol"
    ]
    if as_json:
        shown = {dotted: {"value": value, "origin": origin} for dotted, value, origin in rows}
        search = {name: one.model_dump() for name, one in recipe.preset.search.items()}
        render.json_line({"preset": recipe.config.name, "fields": shown, "search": search})
    else:
        origin = f"preset {recipe.config.name}"
        rows += [(f"search.{name}", one.said, origin) for name, one in recipe.preset.search.items()]
        render.print_answer(render.table(("field", "value", "origin"), rows))


def _at(values: dict[str, Any], dotted: str) -> Any:
    found: Any = values
    for part in dotted.split("."):
        found = found[part]
    return found
