"""From par yields to a served model: the whole walk on days of a bond."""

from __future__ import annotations

import numpy as np
import pytest

from atb.errors import DataError
from atb.market.bonds import par_file
from atb.market.bonds.build import build
from atb.presets import resolve

pytestmark = pytest.mark.usefixtures("tensorflow_ready")


@pytest.fixture(scope="module")
def yields(market_data):
    (path,) = (market_data / "rates").glob("us_treasury_par_yield_*.parquet")
    return path


@pytest.fixture(scope="module")
def trained(tmp_path_factory, yields):
    from atb.pipeline import train_model

    line = ["window=5", "model.architecture=linear"]
    config = resolve("fast", "UST10Y", assignments=line, bonds=yields).config
    return train_model(config, artifacts=tmp_path_factory.mktemp("art"))


def test_a_model_of_real_yields_says_what_it_is_of(trained):
    data = trained.summary["data"]
    assert (data["rows"], data["synthetic"], data["gaps"]) == (6_506, False, 1)
    assert trained.summary["parity"]["max_difference"] < 1e-5
    assert "persistence" in str(trained.summary)


def test_its_graph_takes_days_of_a_bond_and_no_other_rows(trained, yields):
    from atb.market.sample import simulate
    from atb.runtime.scoring import score
    from atb.runtime.session import Session

    session = Session.open(trained.path)
    assert (session.market, session.rows, len(session.columns)) == ("bonds", 65, 9)
    bonds = build(par_file.read(yields), "UST10Y").rows(6_000, 6_506)
    said = score(trained.path, bonds)
    assert len(said) == 506 - 64
    assert np.abs(said.value).max() < 0.01
    with pytest.raises(DataError, match="trained on market bonds, this is candles"):
        score(trained.path, simulate("UST10Y", "1d", 0, 86_400_000 * 100, 0))


def test_bonds_of_another_coupon_are_other_rows(trained, yields):
    from atb.runtime.scoring import score

    with pytest.raises(DataError, match=r"trained on coupon null, this is 6\.0"):
        score(trained.path, build(par_file.read(yields), "UST10Y", coupon=6.0))


@pytest.mark.slow
def test_its_graph_is_written_again_as_it_is(trained, tmp_path):
    from atb.export.rewrite import rewrite

    assert rewrite(trained.path, tmp_path / "again.onnx").max_difference < 1e-5
