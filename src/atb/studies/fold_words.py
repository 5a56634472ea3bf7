"""What a cross-validation comes to, in sentences. Knows the keys of `atb.studies.fold_results`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from atb.evaluation import significance, skill
from atb.evaluation.baselines import title

Json = Mapping[str, Any]

MONEY = ("sharpe", "net_ticks_per_trade")  # whichever the market's backtest has


def of(made: Json, label: str, trials: int) -> Iterator[str]:
    """One sentence for each horizon, one for the paths, one for folds that failed.

    Args:
        made: the results.
        label: the deciding metric, for people.
        trials: recipes tried before this one was chosen, itself included.
    """
    several = len(made["horizons"]) > 1
    for horizon, one in made["horizons"].items():
        if made["deciding"] in one["differences"]:
            ahead = f"{horizon} ahead: " if several else ""
            yield f"{ahead}{_skill(one, made['deciding'], label, trials)}"
    if made["distribution"]:
        yield from _over_paths(made)
    if made["failures"]:
        failed, all_folds = len(made["failures"]), len(made["failures"]) + len(made["folds"])
        yield f"{failed} of {all_folds} folds failed; there are no paths without their windows"


def _skill(one: Json, metric: str, label: str, trials: int) -> str:
    """Whether the model is better than the best baseline, by how much and in how many folds."""
    difference, own = one["differences"][metric], one["metrics"][metric]
    rival = title(difference["baseline"])
    naive = one["baselines"][difference["baseline"]][metric]
    found = "no evidence of skill"
    if difference["p_value"] is not None:
        p_value = significance.adjusted(difference["p_value"], trials)
        evidence = "evidence" if p_value <= skill.LEVEL else "no evidence"
        after = f" after {trials} trials" if trials > 1 else ""
        found = f"{evidence} of skill (p = {p_value:.2g}{after})"
    return (
        f"{found}: {label} {own['mean']:.5g} on average over {len(own['each'])} folds, "
        f"{rival} {naive['mean']:.5g}; better in {difference['better']} of them"
    )


def _over_paths(made: Json) -> Iterator[str]:
    """What the paths earned for their risk, beside the naive rule."""
    rival = made["paths"][0]["rival"]
    for name in MONEY:
        one = made["distribution"].get(name)
        if one is None or one["mean"] is None:
            continue
        low, middle, high = (one["quantiles"][share] for share in ("0.05", "0.5", "0.95"))
        naive = "-" if one["naive"] is None else f"{one['naive']:.3g}"
        yield (
            f"{len(made['paths'])} backtest paths: {name.replace('_', ' ')} {middle:.3g} in the "
            f"middle, {low:.3g} to {high:.3g} from 5 % to 95 %, {one['below_zero']:.0%} of them "
            f"below zero; {title(rival)} {naive}"
        )
