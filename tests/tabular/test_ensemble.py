"""How members' answers become one, by hand; and what the learner finds, with members as stubs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from atb.config.architectures import Ensemble, Member, Mlp
from atb.config.dataset import DatasetSpec
from atb.config.ensemble import Stacking, Voting
from atb.config.targets import DirectionTarget, ReturnTarget, TernaryTarget
from atb.dataset.build import build
from atb.dataset.learner import Fitted
from atb.targets.labels import Labels

pytestmark = pytest.mark.usefixtures("tensorflow_ready")

ROWS, FEATURES, WINDOW = 1_200, 3, 4
NAMES = ("a", "b", "c")


def spec(rule: Any) -> Ensemble:
    members = (Member(name=name, model=Mlp(dense=(3,))) for name in NAMES)
    return Ensemble(members=tuple(members), rule=rule)


def vote(layer: Any, *raw: Any) -> np.ndarray:
    return np.asarray(layer([np.float32(one) for one in raw]), np.float64)


def logit(p: Any) -> np.ndarray:
    return np.log(p) - np.log1p(-np.asarray(p))


def softmax(z: np.ndarray) -> np.ndarray:
    return np.exp(z) / np.exp(z).sum(axis=-1, keepdims=True)


def test_a_soft_vote_is_the_mean_of_probabilities() -> None:
    from atb.models.votes import SoftVote

    said = vote(SoftVote(2), [[logit(0.9), logit(0.5)]], [[logit(0.6), logit(0.1)]])
    np.testing.assert_allclose(said, [[logit(0.75), logit(0.3)]], rtol=1e-5)
    one, other = [0.7, 0.2, 0.1, 0.1, 0.1, 0.8], [0.1, 0.2, 0.7, 0.3, 0.4, 0.3]
    said = vote(SoftVote(3), np.log([one]) + 5, np.log([other]) - 2)
    expected = [[[0.4, 0.2, 0.4], [0.2, 0.25, 0.55]]]
    np.testing.assert_allclose(softmax(said.reshape(1, 2, 3)), expected, rtol=1e-5)


def test_shares_weigh_it_and_certainty_stays_a_number() -> None:
    from atb.models.votes import MeanValue, SoftVote

    layer = SoftVote(2)
    vote(layer, [[0.0]], [[0.0]])
    layer.set_weights([np.array([0.75, 0.25])])
    np.testing.assert_allclose(vote(layer, [[logit(0.8)]], [[logit(0.4)]]), [[logit(0.7)]], 1e-5)
    assert np.isfinite(vote(layer, [[500.0]], [[400.0]])).all()
    mean = MeanValue()
    vote(mean, [[0.0, 0.0]], [[0.0, 0.0]])
    mean.set_weights([np.array([0.75, 0.25])])
    np.testing.assert_allclose(vote(mean, [[4, 0]], [[0, 8]]), [[3, 2]])


def test_a_hard_vote_counts_decisions_and_its_mean_decides_between_as_many() -> None:
    """(2 votes of 3, and the mean 0.5) of 4; without a majority the surer side is ahead."""
    from atb.models.votes import HardVote

    said = vote(HardVote(2), [[logit(0.6)]], [[logit(0.7)]], [[logit(0.2)]])
    np.testing.assert_allclose(said, [[logit((2 + 0.5) / 4)]], rtol=1e-5)
    said = vote(HardVote(2), [[logit(0.9)]], [[logit(0.4)]])
    np.testing.assert_allclose(said, [[logit((1 + 0.65) / 3)]], rtol=1e-5)
    said = vote(HardVote(3), np.log([[0.5, 0.3, 0.2]]), np.log([[0.2, 0.2, 0.6]]))
    np.testing.assert_allclose(softmax(said), [[1.35 / 3, 0.25 / 3, 1.4 / 3]], rtol=1e-5)


class Stub:
    """Learns nothing: a network whose weights are its seed's."""

    def __init__(self, target: Any, seed: int, asked: list[Any]) -> None:
        self.target, self.seed, self.asked = target, seed, asked

    def fit(self, dataset: Any) -> Fitted:
        from atb.models.build import network

        model = network(Mlp(dense=(3,)), self.target, (WINDOW, FEATURES))
        draw = np.random.default_rng(self.seed)
        model.set_weights([draw.normal(0, 0.5, w.shape) for w in model.get_weights()])

        def predict(ends: Any) -> np.ndarray:
            self.asked.append(ends)
            rows = ends[:, None] + np.arange(1 - WINDOW, 1)
            return np.asarray(model(dataset.matrix[rows]), np.float64)

        means = {"precision": "float32"}
        return Fitted(model, predict, (), 1, "it is a stub", model.count_params(), means)


def dataset(target: Any, fold: Any = None, noise: int = 5) -> Any:
    draw = np.random.default_rng(noise)
    matrix = draw.normal(size=(ROWS, FEATURES)).astype(np.float32)
    columns = len(target.horizons)
    value = draw.normal(2, 3, (ROWS, columns))
    if target.classes > 1:
        value = draw.integers(0, target.classes, (ROWS, columns)).astype(np.float64)
    labels = Labels(value, np.arange(ROWS) + 5, target.classes)
    split = DatasetSpec(scaler="standard", fold=fold)
    return build(matrix, labels, np.zeros(ROWS, np.int64), WINDOW, 0, split)


def fitted(rule: Any, target: Any, asked: list[Any] | None = None) -> tuple[Fitted, Any, list[Any]]:
    """The ensemble, the dataset it was fitted to, and its members."""
    from atb.tabular.ensemble import EnsembleLearner

    told = [] if asked is None else asked

    def member(name: str, number: int | None) -> Stub:
        return Stub(target, 10 * NAMES.index(name) + (number or 0), told)

    def fold(number: int) -> Any:
        return dataset(target, rule.fold(number))

    data = dataset(target)
    made = EnsembleLearner(spec(rule), target, member, fold).fit(data)
    return made, data, [member(name, None).fit(data) for name in NAMES]


def test_a_weighted_vote_is_fitted_on_validation_rows() -> None:
    from atb.tabular.scores import scores

    target = ReturnTarget(horizon=(1, 5))
    made, data, members = fitted(Voting(voting="weighted"), target)
    test, ends = data.split.test, data.split.validation
    (shares,) = made.model.layers[-1].get_weights()
    assert shares.sum() == pytest.approx(1)
    expected = sum(w * one.predict(test) for w, one in zip(shares, members, strict=True))
    np.testing.assert_allclose(made.predict(test), expected, atol=1e-6)
    said = made.means["ensemble"]
    losses = [scores(data, ends, one.predict(ends))["loss"] for one in members]
    assert [one["loss"] for one in said["members"].values()] == pytest.approx(losses)
    assert said["ensemble"]["loss"] <= min(losses) + 1e-6
    assert [one["weight"] for one in said["members"].values()] == pytest.approx(shares.tolist())
    target_part = data.target[ends]
    assert said["naive"]["loss"] == pytest.approx(float(np.square(target_part).mean()), rel=1e-5)
    assert made.history[0].validation_loss == said["ensemble"]["loss"]


def test_given_weights_stay_and_classes_are_joined_as_probabilities() -> None:
    target = DirectionTarget()
    made, data, members = fitted(Voting(voting="weighted", weights=(6, 3, 1)), target)
    test = data.split.test
    p = [data.served(one.predict(test)) for one in members]
    mean = 0.6 * p[0] + 0.3 * p[1] + 0.1 * p[2]
    np.testing.assert_allclose(data.served(made.predict(test)), mean, atol=1e-6)
    said = made.means["ensemble"]
    hits = (mean > 0.5) == data.labels.value[test]
    assert 0 < hits.mean() < 1
    assert set(said["ensemble"]) == {"loss", "accuracy", "macro_f1"}
    shares = np.bincount(data.labels.value[data.split.train, 0].astype(int)) / len(data.split.train)
    naive = -np.log(shares[data.labels.value[data.split.validation, 0].astype(int)]).mean()
    assert said["naive"]["loss"] == pytest.approx(naive)


def test_a_line_is_fitted_on_answers_out_of_fold_in_the_unit_of_the_whole() -> None:
    from atb.tabular.stacking import line

    target, rule = ReturnTarget(), Stacking(splits=3)
    asked: list[Any] = []
    made, data, _ = fitted(rule, target, asked)
    raw, actual = [], []
    for number in range(3):
        fold = dataset(target, rule.fold(number))
        ends = fold.split.test
        assert ends[-1] < data.split.test[0]
        answers = [
            fold.served(Stub(target, 10 * index + number, []).fit(fold).predict(ends))
            for index in range(3)
        ]
        raw.append((np.stack(answers, axis=1) - data.target_offset) / data.target_scale)
        actual.append((fold.labels.value[ends] - data.target_offset) / data.target_scale)
    kernel, bias = line(np.concatenate(raw)[..., None], np.concatenate(actual), 1)
    found = made.model.layers[-1].get_weights()
    np.testing.assert_allclose(found[0], kernel, atol=1e-6)
    np.testing.assert_allclose(found[1], bias, atol=1e-6)
    weights = [one["weight"] for one in made.means["ensemble"]["members"].values()]
    assert weights == pytest.approx(kernel[:, 0].tolist())
    tested = set(data.split.test.tolist())
    assert asked and not any(tested & set(ends.tolist()) for ends in asked)


@pytest.mark.parametrize("rule", [Voting(voting="hard"), Stacking()])
def test_three_classes_leave_as_a_graph_that_agrees(tmp_path: Path, rule: Any) -> None:
    from atb.export import graph, parity, sampling
    from atb.export.onnx import export
    from atb.features.scaling import Scaling
    from atb.models.build import network

    target, draw = TernaryTarget(horizon=(1, 5)), np.random.default_rng(1)
    joint = network(spec(rule), target, (WINDOW, 5))
    for layer in joint.layers[1:4]:
        layer.set_weights([draw.normal(0, 0.5, w.shape) for w in layer.get_weights()])
    serving = graph.serving_model(
        joint,
        features="price",
        columns=5,
        window=WINDOW,
        scaling=Scaling(np.full(5, 100, np.float32), np.zeros(5, np.float32)),
        target=target,
        target_scale=1.0,
        target_offset=0.0,
    )
    export(serving, tmp_path / "model.onnx", {})
    rows = serving.input.shape[1]
    prices = np.exp(np.cumsum(draw.normal(0, 0.01, (ROWS, 5)), axis=0)).astype(np.float32)
    prices[:, 1], prices[:, 2] = prices[:, :4].max(axis=1), prices[:, :4].min(axis=1)
    windows = sampling.sample(prices, np.arange(rows - 1, ROWS), rows, 100)
    assert parity.check(serving, tmp_path / "model.onnx", windows).windows == 100
