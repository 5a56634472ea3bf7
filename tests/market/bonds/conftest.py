"""The US Treasury's curves, and curves made by hand."""

from __future__ import annotations

import numpy as np
import pytest

from atb.clock import DAY_MS, parse_time
from atb.market.bonds import par_file
from atb.market.bonds.curves import ParCurves, years_of

MONDAY = parse_time("2024-01-01")


def by_hand(*days, tenors=("6M", "1Y", "2Y"), time=None):
    """Curves of consecutive days from a Monday on; one number is a level curve."""
    years = np.array([years_of(tenor) for tenor in tenors])
    yields = np.array([np.broadcast_to(day, len(years)) for day in days], float)
    if time is None:
        time = MONDAY + DAY_MS * np.arange(len(days))
    return ParCurves(np.asarray(time), years, yields)


@pytest.fixture(scope="session")
def curves():
    """`curves(day, day, tenors=..., time=...)`: yields in percent of each day."""
    return by_hand


@pytest.fixture(scope="session")
def yield_file(market_data):
    (path,) = (market_data / "rates").glob("us_treasury_par_yield_*.parquet")
    return path


@pytest.fixture(scope="session")
def treasury(yield_file):
    """26 years of par yields."""
    return par_file.read(yield_file)
