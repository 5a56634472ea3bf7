"""`atb train ensemble`: several networks of the same windows that answer as one model.

Knows which options go with which kind, and the order of what is shown; what is trained and joined
is the business of `atb.studies`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from atb_cli import options

if TYPE_CHECKING:
    from atb.config.training import TrainingConfig


class _Weights(click.ParamType[tuple[float, ...]]):
    """Numbers with commas between them."""

    name = "weights"

    def convert(
        self, value: Any, parameter: click.Parameter | None, context: click.Context | None
    ) -> tuple[float, ...]:
        """`0.7,0.3` as both."""
        try:
            return tuple(float(part) for part in str(value).split(","))
        except ValueError:
            self.fail(f"{value!r} is no list of numbers as 0.7,0.3", parameter, context)


@click.command("ensemble")
@click.argument("symbol")
@click.option(
    "--kind",
    type=click.Choice(["seed", "voting", "stacking"]),
    required=True,
    help="One preset from several seeds; presets that vote; a line from the answers of presets.",
)
@click.option("--preset", metavar="NAME|FILE.yaml", help="Of kind seed: what is trained.")
@click.option("--seeds", type=click.IntRange(2, 32), help="Of kind seed: how many; 5 if left out.")
@click.option("--members", metavar="NAMES", help="Presets or files with commas between them.")
@click.option(
    "--voting",
    type=click.Choice(["soft", "hard", "weighted"]),
    help="Mean of the answers; class of most members; weighted mean. soft if left out.",
)
@click.option(
    "--weights",
    type=_Weights(),
    metavar="NUMBERS",
    help="Of a weighted vote, as 0.7,0.3; fitted on validation rows if left out.",
)
@click.option(
    "--splits",
    type=click.IntRange(2, 20),
    help="Of kind stacking: folds for out-of-fold answers; 5 if left out.",
)
@click.option(
    "--scheme",
    type=click.Choice(["kfold", "expanding"]),
    help="Of kind stacking: what a fold learns from, all others or those before it.",
)
@options.recipe
@options.jobs("Members trained")
@options.artifacts
@options.as_json
@options.verbose
def command(
    symbol: str,
    kind: str,
    preset: str | None,
    seeds: int | None,
    members: str | None,
    voting: str | None,
    weights: tuple[float, ...] | None,
    splits: int | None,
    scheme: str | None,
    assignments: tuple[str, ...],
    jobs: int | None,
    artifacts: Path,
    as_json: bool,
    **fields: Any,
) -> None:
    """Train several networks for SYMBOL and join them into one model.

    All must read the same windows and predict the same of them. An ensemble that was stopped goes
    on when the same command is given again. The model's folder is printed on stdout, everything
    else on stderr.
    """
    from atb_cli import ensemble_view, failing, progress, render

    given = {
        "preset": preset,
        "seeds": seeds,
        "members": members,
        "voting": voting,
        "weights": weights,
        "splits": splits,
        "scheme": scheme,
    }
    make, known = KINDS[kind]
    _require_known(kind, given, known)
    asked = {name: value for name, value in given.items() if value is not None}
    config = make(asked, symbol, assignments, fields)
    ensemble_view.header(config)
    from atb.studies.ensemble import train  # after the header: reading libraries takes a second

    with progress.shown() as listen:
        result, failures = train(config, artifacts=artifacts, at_once=jobs, listen=listen)
    failing.end_as(failures, len(config.parts()))
    ensemble_view.show(result)
    render.answer(result, result["path"], as_json)


def _require_known(kind: str, given: Mapping[str, Any], known: tuple[str, ...]) -> None:
    """Refuse options of another kind, and a kind without what it joins.

    Raises:
        UsageError: naming the option.
    """
    from atb.errors import UsageError

    for name, value in given.items():
        if value is not None and name not in known:
            others = ", ".join(f"--{one}" for one in known)
            raise UsageError(
                f"--{name} does not go with --kind {kind}", remedy=f"{kind} takes {others}"
            )
    if given[known[0]] is None:
        raise UsageError(f"--kind {kind} needs --{known[0]}", remedy="see: atb presets list")


def _seeds(
    asked: Mapping[str, Any], symbol: str, assignments: tuple[str, ...], fields: Mapping[str, Any]
) -> TrainingConfig:
    from atb.studies.ensemble_recipes import of_seeds

    return of_seeds(asked["preset"], symbol, asked.get("seeds", 5), assignments, **fields)


def _vote(
    asked: Mapping[str, Any], symbol: str, assignments: tuple[str, ...], fields: Mapping[str, Any]
) -> TrainingConfig:
    from atb.config.ensemble import Voting
    from atb.studies.ensemble_recipes import of_presets

    rule = Voting.of(**{name: asked[name] for name in ("voting", "weights") if name in asked})
    return of_presets(_names(asked), symbol, rule, assignments, **fields)


def _stack(
    asked: Mapping[str, Any], symbol: str, assignments: tuple[str, ...], fields: Mapping[str, Any]
) -> TrainingConfig:
    from atb.config.ensemble import Stacking
    from atb.studies.ensemble_recipes import of_presets

    rule = Stacking.of(**{name: asked[name] for name in ("splits", "scheme") if name in asked})
    return of_presets(_names(asked), symbol, rule, assignments, **fields)


def _names(asked: Mapping[str, Any]) -> list[str]:
    return [name.strip() for name in asked["members"].split(",") if name.strip()]


# What makes the recipe of a kind, and the options it takes, first the one it cannot do without.
KINDS: Mapping[str, tuple[Callable[..., TrainingConfig], tuple[str, ...]]] = {
    "seed": (_seeds, ("preset", "seeds")),
    "voting": (_vote, ("members", "voting", "weights")),
    "stacking": (_stack, ("members", "splits", "scheme")),
}
