"""What a bond makes beyond its fair value over each horizon."""

from __future__ import annotations

import numpy as np

from atb.config.targets import FairValueChangeTarget
from atb.market.bonds import sample
from atb.market.bonds.build import build
from atb.targets import fair_value_change


def test_each_horizon_is_the_log_return_of_the_index_over_as_many_days():
    bonds = build(sample.simulate(30), "UST10Y")
    labels = fair_value_change.build(FairValueChangeTarget(horizon=(1, 5)), bonds)
    price = np.log(bonds.price)
    for column, days in enumerate((1, 5)):
        found = labels.value[:, column]
        np.testing.assert_allclose(found[:-days], price[days:] - price[:-days], rtol=1e-6)
        assert np.isnan(found[-days:]).all()
