"""The whole recipe of one model: everything that decides its numbers."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import Field, ValidationError, model_validator

from atb.config.architectures import Architecture, ConvRecurrent, Ensemble, Solved
from atb.config.book_architectures import Linear
from atb.config.data import BookData, CandleData, Data
from atb.config.dataset import DatasetSpec
from atb.config.ensemble import Stacking, Voting
from atb.config.features import depth, known_set, lookback, market_of
from atb.config.judgement import CalibrationSpec, SelectionSpec
from atb.config.optimisation import Optimisation
from atb.config.spec import Spec, checked, complaint
from atb.config.tabular import Automl, Bayesian, TailRisk
from atb.config.targets import ReturnTarget, Target
from atb.config.trading import Trading, TradingSpec
from atb.errors import ConfigError
from atb.workspace import check_name, check_symbol


class TrainingConfig(Spec):
    """One symbol, one recipe.

    >>> TrainingConfig(symbol="BTCUSDT").target.horizon
    1
    """

    symbol: Annotated[str, checked(check_symbol)]
    name: Annotated[str, checked(check_name)] = Field(
        "custom", description="the preset's name; names the model's folder"
    )
    data: Data = CandleData()
    features: Annotated[str, checked(known_set)] = Field(
        "technical", description="a feature set of atb.config.features"
    )
    target: Target = ReturnTarget()
    window: int = Field(90, ge=1, le=10_000, description="rows, bars or events, the network sees")
    dataset: DatasetSpec = DatasetSpec()
    model: Architecture = ConvRecurrent()
    training: Optimisation = Optimisation()
    trading: Trading = TradingSpec()
    calibration: CalibrationSpec = CalibrationSpec()
    selection: SelectionSpec = SelectionSpec()
    warm_start: str | None = Field(
        None, description="the registered model whose weights training begins with"
    )

    @model_validator(mode="after")
    def _of_one_market(self) -> Self:
        given = {
            f"features {self.features!r}": market_of(self.features),
            f"target {self.target.kind!r}": self.target.market,
            f"trading {self.trading.kind!r}": self.trading.market,
        }
        for what, market in given.items():
            if market != self.data.kind:
                raise ValueError(f"{what} is for {market}, the data are {self.data.kind}")
        return self

    @model_validator(mode="after")
    def _as_deep_as_its_features(self) -> Self:
        read = depth(self.features)
        if isinstance(self.data, BookData) and self.data.levels < read:
            raise ValueError(
                f"features {self.features!r} reads {read} levels, data.levels is {self.data.levels}"
            )
        return self

    @model_validator(mode="after")
    def _lines_predict_quantities(self) -> Self:
        if isinstance(self.model, Linear | TailRisk | Bayesian) and self.target.classes > 1:
            raise ValueError(
                f"a {self.model.architecture} model predicts quantities, a {self.target.kind} "
                f"target has {self.target.classes} classes"
            )
        return self

    @model_validator(mode="after")
    def _begins_with_weights_it_has(self) -> Self:
        if isinstance(self.model, Solved) and self.warm_start is not None:
            raise ValueError(f"{self.model.architecture} is solved anew, warm_start is null")
        return self

    @model_validator(mode="after")
    def _regularises_what_it_has(self) -> Self:
        asked = self.training.regularisation
        if self.target.classes == 1 and (asked.label_smoothing or asked.class_weights != "none"):
            raise ValueError(
                f"label smoothing and class weights are for classes, not for a {self.target.kind}"
            )
        return self

    @model_validator(mode="after")
    def _members_hold_together(self) -> Self:
        if not isinstance(self.model, Ensemble):
            return self
        rule = self.model.rule
        if isinstance(rule, Voting) and rule.voting == "hard" and self.target.classes == 1:
            raise ValueError(
                f"a hard vote is between classes, a {self.target.kind} target has none"
            )
        if self.warm_start is not None:
            raise ValueError("members of an ensemble begin with random weights, warm_start is null")
        if isinstance(rule, Stacking) and self.dataset.fold is not None:
            raise ValueError("a stacking ensemble has folds of its own, dataset.fold is null")
        for member in self.model.members:
            try:
                self.of_member(member.name)
            except ValidationError as error:
                raise ValueError(f"member {member.name}: {complaint(error)}") from error
        return self

    @property
    def ensemble(self) -> Ensemble:
        """The model of an ensemble's recipe.

        Raises:
            ValueError: when it is another.
        """
        if not isinstance(self.model, Ensemble):
            raise ValueError(f"{self.name} is no ensemble")
        return self.model

    def parts(self) -> Mapping[str, TrainingConfig]:
        """All trainings that this ensemble is made of, by the names of their recipes."""
        rule, names = self.ensemble.rule, [member.name for member in self.ensemble.members]
        folds = range(rule.splits) if isinstance(rule, Stacking) else ()
        made = [self.of_member(name, fold) for fold in (None, *folds) for name in names]
        return {part.name: part for part in made}

    def of_member(self, name: str, fold: int | None = None) -> TrainingConfig:
        """The recipe of one member of this ensemble; or of one fold of its stacking, from 0.

        Raises:
            ConfigError: when folds are asked for within a fold.
        """
        member = self.ensemble.member(name)
        changed: dict[str, Any] = {
            "name": name,
            "model": member.model,
            "training": member.training or self.training,
        }
        if fold is not None:
            changed |= {"name": f"{name}-fold-{fold + 1}", "dataset": self._fold(fold)}
        return TrainingConfig(**{**dict(self), **changed})

    def _fold(self, number: int) -> DatasetSpec:
        """The dataset of one fold of a stacking ensemble."""
        rule = self.ensemble.rule
        if not isinstance(rule, Stacking):
            raise ValueError(f"{self.name} has no folds")
        if self.dataset.fold is not None:
            raise ConfigError(
                "a stacking ensemble has folds of its own",
                where="dataset.fold",
                remedy="cross-validate its members, or an ensemble that votes",
            )
        return self.dataset.model_copy(update={"fold": rule.fold(number)})

    @property
    def reach(self) -> int:
        """Raw rows a prediction depends on: the window, and what its features look back on."""
        return self.window + lookback(self.features)

    @property
    def chosen(self) -> SelectionSpec:
        """How the recipe was chosen, with what `automl` tries within it."""
        within = self.model.trials if isinstance(self.model, Automl) else 1
        return self.selection.model_copy(update={"trials": within * self.selection.trials})

    def seeded(self, seed: int) -> TrainingConfig:
        """The recipe with another seed of its training."""
        training = Optimisation.model_validate({**self.training.model_dump(), "seed": seed})
        return self.model_copy(update={"training": training})

    def sha256(self) -> str:
        """Hash of the recipe: equal recipes have equal hashes."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()


def from_json(text: str, where: str) -> TrainingConfig:
    """The recipe a model's folder holds.

    Raises:
        ConfigError: when the text is no recipe of this version of atb.
    """
    try:
        return TrainingConfig.model_validate_json(text)
    except ValidationError as error:
        raise ConfigError(
            complaint(error),
            where=where,
            remedy="it may be from another version of atb; train the model again",
        ) from error
