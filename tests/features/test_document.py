from __future__ import annotations

from pathlib import Path

from atb.config.features import FEATURES
from atb.features.document import page

ROOT = Path(__file__).resolve().parents[2]


def test_the_page_is_what_the_catalogue_says() -> None:
    assert (ROOT / "docs" / "features.md").read_text() == page()


def test_the_page_has_every_feature_with_formula_and_source() -> None:
    rows = {line.split("`")[1]: line for line in page().splitlines() if line.startswith("| `")}
    assert set(rows) == set(FEATURES)
    for name, feature in FEATURES.items():
        assert feature.formula.replace("|", "\\|") in rows[name]
        assert feature.source in rows[name]
