from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from skfolio.model_selection import CombinatorialPurgedCV

from atb.studies.out_of_fold import paths_of


@pytest.mark.parametrize(("splits", "tested"), [(4, 2), (5, 2), (6, 3), (6, 4)])
def test_paths_are_those_of_skfolio(splits: int, tested: int) -> None:
    oracle = CombinatorialPurgedCV(n_folds=splits, n_test_folds=tested)
    groups = np.array(list(combinations(range(splits), tested)))
    found = paths_of(groups.ravel()).reshape(groups.shape)
    assert (found - 1).tolist() == oracle.get_path_ids().tolist()
    assert found.max() == oracle.n_test_paths


def test_a_row_that_comes_once_is_on_the_first_path() -> None:
    rows = np.array([9, 3, 5])
    assert paths_of(rows).tolist() == [1, 1, 1]
