"""`atb train lob`: models side by side on one order book, and how they compare.

Knows the order of what is shown; what is trained and judged is the business of `atb.studies`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from atb_cli import options

AFTER_DIVERGING = "train it with other settings: --suite {name} --learning-rate 1e-4"


@click.command("lob")
@click.argument("book", required=False, metavar="[PATH|SYMBOL]")
@click.option(
    "--suite",
    default="all",
    show_default=True,
    metavar="all|deep|linear|extended|NAMES",
    help="Which models: a group, or presets with commas between them.",
)
@click.option("--symbol", help="The market, where the file does not say.")
@options.book_recipe
@options.jobs("Models trained")
@options.artifacts
@options.as_json
@options.verbose
def command(
    book: str | None,
    suite: str,
    symbol: str | None,
    assignments: tuple[str, ...],
    jobs: int | None,
    artifacts: Path,
    as_json: bool,
    **fields: Any,
) -> None:
    """Train several models on one order book and compare them.

    PATH is a LOBSTER zip or folder, level snapshots as CSV or Parquet, or an FI-2010 matrix; a
    stored SYMBOL does as well, or --source sample for a simulated book. A suite that was stopped
    goes on when the same command is given again. Its folder is printed on stdout, everything else
    on stderr.
    """
    from atb.studies import suite_recipes
    from atb_cli import failing, progress, render, suite_view

    path, market = _book(book, symbol, fields["source"])
    names = suite_recipes.chosen(suite)
    recipes = suite_recipes.recipes(names, market, assignments, book=path, **fields)
    suite_view.header(recipes)
    from atb.studies.train_suite import train  # after the header: reading libraries takes a second

    with progress.shown() as listen:
        results, failures = train(
            recipes, symbol=market, artifacts=artifacts, at_once=jobs, listen=listen
        )
    suite_view.show(results)
    render.answer(results, results["path"], as_json)
    failing.end_as(failures, len(names), remedy=AFTER_DIVERGING)


def _book(
    given: str | None, symbol: str | None, source: str | None
) -> tuple[Path | None, str | None]:
    """The file and the symbol that are meant; a word that names no file may be a symbol.

    Raises:
        UsageError: when nothing is named, or two symbols are.
    """
    from atb.errors import UsageError
    from atb.workspace import is_symbol

    if given is None:
        if source == "sample":
            return None, symbol
        raise UsageError(
            "no order book is named", remedy="name a file or a stored symbol, or --source sample"
        )
    if not is_symbol(given) or Path(given).exists():
        return Path(given), symbol
    if symbol not in (None, given):
        raise UsageError(f"two symbols are given: {given} and {symbol}", remedy="leave out one")
    return None, given
