from __future__ import annotations

import numpy as np

from atb.market.bonds import sample
from atb.market.bonds.bonds import missing_before
from atb.market.bonds.build import build


def test_the_same_seed_gives_the_same_curves_which_are_marked():
    one, same, other = (sample.simulate(300, seed) for seed in (1, 1, 2))
    assert one.synthetic
    assert np.array_equal(one.yields, same.yields)
    assert not np.array_equal(one.yields, other.yields)
    assert not missing_before(one.time).any()


def test_yesterday_says_nothing_of_what_today_surprises_with():
    made = np.diff(np.log(build(sample.simulate(), "UST10Y").price))
    assert abs(np.corrcoef(made[1:], made[:-1])[0, 1]) < 0.05
    assert 0.002 < made.std() < 0.008  # as much as the Treasury's: 0.0049
