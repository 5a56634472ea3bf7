"""What an ensemble may be, and the recipes it is made of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from atb.config.architectures import Ensemble, Gru, Member, Tcn
from atb.config.dataset import DatasetSpec
from atb.config.ensemble import Stacking, Voting
from atb.config.folds import FoldSpec
from atb.config.optimisation import Optimisation, Regularisation
from atb.config.targets import DirectionTarget
from atb.config.training import TrainingConfig, from_json
from atb.errors import ConfigError
from atb.presets import resolve

OWN = Optimisation(epochs=3, seed=9)
MEMBERS = (Member(name="one", model=Gru()), Member(name="other", model=Tcn(), training=OWN))


def config(**fields: Any) -> TrainingConfig:
    fields = {"model": Ensemble(members=MEMBERS), **fields}
    return TrainingConfig(symbol="BTCUSDT", name="both", **fields)


def test_it_survives_json() -> None:
    made = config(model=Ensemble(members=MEMBERS, rule=Stacking(splits=3)))
    assert from_json(made.model_dump_json(), "here") == made
    weighted = Voting(voting="weighted", weights=(2.0, 1.0))
    made = config(model=Ensemble(members=MEMBERS, rule=weighted))
    assert from_json(made.model_dump_json(), "here") == made


def test_parts_of_a_vote_are_its_members() -> None:
    made = config(training=Optimisation(epochs=5))
    parts = made.parts()
    assert list(parts) == ["one", "other"]
    assert (parts["one"].model, parts["one"].training.epochs) == (Gru(), 5)
    assert (parts["other"].model, parts["other"].training) == (Tcn(), OWN)
    for name, part in parts.items():
        alike = {"name": name, "model": part.model, "training": part.training}
        assert part == made.model_copy(update=alike)


def test_parts_of_a_stack_are_its_members_and_each_in_each_fold_before_the_test_rows() -> None:
    rule = Stacking(scheme="expanding", splits=2)
    parts = config(model=Ensemble(members=MEMBERS, rule=rule)).parts()
    assert list(parts) == ["one", "other"] + [
        f"{name}-fold-{number}" for number in (1, 2) for name in ("one", "other")
    ]
    assert parts["one"].dataset.fold is None
    fold = parts["other-fold-2"].dataset.fold
    assert fold == FoldSpec(scheme="expanding", splits=2, number=1, before_test=True)


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (lambda: Ensemble(members=MEMBERS[:1]), "at least 2"),
        (lambda: Ensemble(members=MEMBERS[:1] * 2), "name of its own"),
        (lambda: Voting(weights=(1.0, 1.0)), "not for a soft one"),
        (lambda: Voting(voting="weighted", weights=(0.0, 0.0)), "above zero"),
        (
            lambda: Ensemble(members=MEMBERS, rule=Voting(voting="weighted", weights=(1.0,))),
            "1 weights are given for 2 members",
        ),
        (
            lambda: config(model=Ensemble(members=MEMBERS, rule=Voting(voting="hard"))),
            "a hard vote is between classes",
        ),
        (lambda: config(warm_start="BTCUSDT/fast"), "warm_start"),
        (
            lambda: config(
                model=Ensemble(members=MEMBERS, rule=Stacking()),
                dataset=DatasetSpec(fold=FoldSpec()),
            ),
            "folds of its own",
        ),
        (
            lambda: config(
                model=Ensemble(
                    members=(
                        MEMBERS[0],
                        Member(
                            name="smooth",
                            model=Tcn(),
                            training=Optimisation(
                                regularisation=Regularisation(label_smoothing=0.1)
                            ),
                        ),
                    )
                )
            ),
            "member smooth: label smoothing",
        ),
    ],
)
def test_what_cannot_be_is_refused(made: Any, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        made()


def test_a_hard_vote_of_classes_is_one() -> None:
    hard = Ensemble(members=MEMBERS, rule=Voting(voting="hard"))
    assert config(model=hard, target=DirectionTarget()).ensemble == hard


def test_a_fold_of_a_stack_has_no_folds() -> None:
    """A recipe that was put together without being checked again is still refused."""
    stack = config(model=Ensemble(members=MEMBERS, rule=Stacking()))
    fold = stack.model_copy(update={"dataset": DatasetSpec(fold=FoldSpec())})
    with pytest.raises(ConfigError, match="folds of its own"):
        fold.of_member("one", 0)


def test_another_model_has_no_members() -> None:
    with pytest.raises(ValueError, match="is no ensemble"):
        TrainingConfig(symbol="BTCUSDT").parts()
    with pytest.raises(ValueError, match="has no folds"):
        config().of_member("one", 0)


PRESET = """description: two that vote
model:
  architecture: ensemble
  members:
    - {name: small, model: {architecture: gru, units: [4]}}
    - {name: other, model: {architecture: tcn}, training: {epochs: 2}}
"""


def test_a_preset_file_may_hold_one(tmp_path: Path) -> None:
    (tmp_path / "two.yaml").write_text(PRESET)
    made = resolve(str(tmp_path / "two.yaml"), "BTCUSDT", epochs=7).config
    assert [part.training.epochs for part in made.parts().values()] == [7, 2]
    assert made.ensemble.members[0] == Member(name="small", model=Gru(units=(4,)))


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ("units", "unit", "'model.members.0.model.unit'; did you mean 'units'"),
        ("epochs", "epoch", "'model.members.1.training.epoch'; did you mean 'epochs'"),
        ("tcn", "linear", "model.members.1.model.architecture 'linear'; known: bilstm"),
        ("members", "member", "'model.member'; did you mean 'members'"),
    ],
)
def test_a_wrong_word_in_a_member_is_answered_with_the_right_ones(
    tmp_path: Path, right: str, wrong: str, said: str
) -> None:
    (tmp_path / "two.yaml").write_text(PRESET.replace(right, wrong))
    with pytest.raises(ConfigError) as refused:
        resolve(str(tmp_path / "two.yaml"), "BTCUSDT")
    assert said in str(refused.value)
