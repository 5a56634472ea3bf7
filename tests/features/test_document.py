from __future__ import annotations

import re
from pathlib import Path

from atb.config.features import FEATURES, SETS
from atb.features.document import BOOK, page

ROOT = Path(__file__).resolve().parents[2]


def test_the_page_is_what_the_catalogue_says() -> None:
    assert (ROOT / "docs" / "features.md").read_text() == page()


def test_the_page_has_every_feature_with_formula_and_source() -> None:
    rows = {line.split("`")[1]: line for line in page().splitlines() if line.startswith("| `")}
    assert set(rows) == set(FEATURES)
    for name, feature in FEATURES.items():
        assert feature.formula.replace("|", "\\|") in rows[name]
        assert feature.source in rows[name]


def test_every_column_of_lob38_has_its_use() -> None:
    explained = []
    for row in re.findall(r"^\| (`.*`)(?: \(\d+\))? \| .* \|$", BOOK, re.MULTILINE):
        for name in re.findall(r"`(.*?)`", row):
            base = explained[-1].rsplit("_", 1)[0] if name.startswith("_") else ""
            explained.append(base + name)
    assert sorted(explained) == sorted(SETS["lob38"])
