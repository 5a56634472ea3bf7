"""Joins the members of an ensemble: fits each by itself, then finds what the rule leaves to find.

Weights of a vote are fitted on validation rows, the line of a stacking ensemble on answers to rows
that the members had not learned from. Knows learners by their contract, not how they learn.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from atb.config.architectures import Ensemble
from atb.config.ensemble import Stacking, Voting
from atb.config.targets import Target
from atb.dataset.build import Dataset
from atb.dataset.learner import Epoch, Fitted, Learner
from atb.events import Listener, Noted, silent
from atb.models.ensemble import layer_of, network, shares_of
from atb.tabular import shares
from atb.tabular.answers import BATCH, predictor
from atb.tabular.scores import errors, hits, naive, scores
from atb.tabular.stacking import line

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]
Raw = Mapping[str, Float64]  # of each member


@dataclass(frozen=True)
class EnsembleLearner:
    """Learns by joining what others learn; see `atb.dataset.learner.Learner`.

    Attributes:
        spec: the members, and the rule that joins them.
        target: what is predicted.
        member: what a member of that name learns by: from everything, or from a fold, from 0.
        fold: the dataset of a fold.
        listen: told which member is next.
    """

    spec: Ensemble
    target: Target
    member: Callable[[str, int | None], Learner]
    fold: Callable[[int], Dataset]
    listen: Listener = silent

    def fit(self, dataset: Dataset) -> Fitted:
        """Fit every member on train windows; fit weights on validation windows, a line on folds.

        Raises:
            AtbError: as the members' learners do.
        """
        start = time.perf_counter()
        joint = network(self.spec, self.target, (dataset.window, dataset.matrix.shape[1]))
        raw: dict[str, Float64] = {}
        facts: dict[str, Mapping[str, Any]] = {}
        for member in self.spec.members:
            self.listen(Noted(f"member {member.name}"))
            fitted = self.member(member.name, None).fit(dataset)
            joint.get_layer(layer_of(member.name)).set_weights(fitted.model.get_weights())
            raw[member.name] = fitted.predict(dataset.split.validation)
            facts[member.name] = _facts(fitted)
        RULES[self.spec.rule.kind](self, self.spec.rule, joint.layers[-1], dataset, raw)
        predict = predictor(joint, dataset)
        standing = self._standing(joint.layers[-1], dataset, raw, predict)
        for name, beside in standing["members"].items():
            beside.update(facts[name])
        loss = scores(dataset, dataset.split.train, predict(dataset.split.train))["loss"]
        return _fitted(joint, predict, loss, standing, time.perf_counter() - start)

    def _standing(
        self, layer: Any, dataset: Dataset, raw: Raw, predict: Callable[[Int64], Float64]
    ) -> dict[str, Any]:
        """How the ensemble, each member and what needs no model do on validation rows."""
        ends = dataset.split.validation
        weights = WEIGHTS[self.spec.rule.kind](layer, len(raw))
        return {
            "rule": self.spec.rule.model_dump(mode="json"),
            "rows": len(ends),
            "ensemble": scores(dataset, ends, predict(ends)),
            "naive": naive(dataset, ends),
            "members": {
                name: {**scores(dataset, ends, one), "weight": float(weight)}
                for (name, one), weight in zip(raw.items(), weights, strict=True)
            },
        }

    def answers(self, rule: Stacking, dataset: Dataset) -> Iterator[tuple[Float64, Float64]]:
        """Of each fold: what its members say of rows they have not learned from, what came true.

        Yields `[N, M, K, L]` raw outputs and `[N, K]`, standardised as the whole dataset is.
        """
        for number in range(rule.splits):
            self.listen(Noted(f"fold {number + 1} of {rule.splits}"))
            fold = self.fold(number)
            ends = fold.split.test
            learners = [self.member(one.name, number) for one in self.spec.members]
            raw = [_as_in(dataset, fold, one.fit(fold).predict(ends)) for one in learners]
            actual = (fold.labels.value[ends] - dataset.target_offset) / dataset.target_scale
            yield np.stack(raw, axis=1).reshape(len(ends), len(raw), actual.shape[1], -1), actual


def _fitted(
    joint: Any,
    predict: Callable[[Int64], Float64],
    loss: float,
    standing: Mapping[str, Any],
    seconds: float,
) -> Fitted:
    others = dict(standing["ensemble"])
    epoch = Epoch(1, loss, others.pop("loss"), 0.0, seconds, True, others)
    return Fitted(
        model=joint,
        predict=predict,
        history=(epoch,),
        best_epoch=1,
        reason=f"{len(standing['members'])} members are joined by {standing['rule']['kind']}",
        parameters=int(joint.count_params()),
        means={
            "precision": "float32",
            "precision_reason": "members are joined in it, whatever they were fitted in",
            "devices": 1,
            "batch": BATCH,
            "accumulation": 1,
            "ensemble": standing,
        },
    )


def _facts(fitted: Fitted) -> Mapping[str, Any]:
    """How a member came about."""
    return {
        "epochs": len(fitted.history),
        "best_epoch": fitted.best_epoch,
        "reason": fitted.reason,
        "parameters": fitted.parameters,
        "precision": fitted.means["precision"],
    }


def _as_in(dataset: Dataset, fold: Dataset, raw: Float64) -> Float64:
    """Raw outputs of a fold's network in the unit of the whole dataset's; logits have none."""
    if dataset.labels.classes > 1:
        return raw
    return (fold.served(raw) - dataset.target_offset) / dataset.target_scale


def _vote(_learner: EnsembleLearner, rule: Voting, layer: Any, dataset: Dataset, raw: Raw) -> None:
    """Give the members of a weighted vote their shares, unless the recipe has."""
    if rule.voting != "weighted" or rule.weights is not None:
        return
    ends = dataset.split.validation
    if dataset.labels.classes == 1:
        off = [errors(dataset, ends, one).reshape(-1) for one in raw.values()]
        found = shares.of_quantities(np.stack(off))
    else:
        actual = dataset.labels.value[ends]
        given = [hits(dataset.served(one), actual).reshape(-1) for one in raw.values()]
        found = shares.of_classes(np.stack(given))
    layer.set_weights(shares_of(found))


def _line(
    learner: EnsembleLearner, rule: Stacking, layer: Any, dataset: Dataset, _raw: Raw
) -> None:
    """Find the line over the members' raw outputs."""
    folds = learner.answers(rule, dataset)
    answers, actual = (np.concatenate(part) for part in zip(*folds, strict=True))
    layer.set_weights(line(answers, actual, dataset.labels.classes))


def _shares(layer: Any, _members: int) -> Float64:
    """Share `[M]` of each member."""
    (found,) = layer.get_weights()
    shares: Float64 = found
    return shares


def _coefficients(layer: Any, members: int) -> Float64:
    """Coefficient `[M]` of each member's answer; of several, the mean over what each is for."""
    kernel, _ = layer.get_weights()
    own = np.einsum("mww->mw", kernel.reshape(members, -1, kernel.shape[1]))
    means: Float64 = own.mean(axis=1)
    return means


RULES: Mapping[str, Callable[..., None]] = {"voting": _vote, "stacking": _line}
WEIGHTS: Mapping[str, Callable[[Any, int], Float64]] = {
    "voting": _shares,
    "stacking": _coefficients,
}
