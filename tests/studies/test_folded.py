"""The folds of a study have names that sort, and a result that is read strictly."""

from __future__ import annotations

from pathlib import Path

import pytest

from atb.config.folds import FoldSpec
from atb.config.training import TrainingConfig
from atb.errors import IntegrityError
from atb.studies.folded import KIND, Folded, recipes_of

CONFIG = TrainingConfig(symbol="TEST")


@pytest.mark.parametrize(("splits", "first", "last"), [(9, "fold-1", "fold-9"),
                                                       (10, "fold-01", "fold-10")])  # fmt: skip
def test_names_are_of_one_length(splits, first, last):
    made = recipes_of(CONFIG, FoldSpec(scheme="kfold", splits=splits, number=3))
    names = list(made)
    assert (names[0], names[-1], sorted(names)) == (first, last, names)
    assert [one.dataset.fold.number for one in made.values()] == list(range(splits))
    assert {one.dataset.fold.splits for one in made.values()} == {splits}


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"3"])
def test_a_fold_whose_result_is_damaged_is_named(tmp_path: Path, content: bytes):
    study = Folded(KIND, "x", tmp_path, recipes_of(CONFIG, FoldSpec()))
    path = study.judged("fold-1")
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    with pytest.raises(IntegrityError, match=r"fold\.json: .*; remove it, and the same command"):
        study.figures("fold-1")
    path.unlink()
    assert "fold-1" in study.missing()
