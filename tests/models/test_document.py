from __future__ import annotations

from pathlib import Path

import pytest

pytestmark = pytest.mark.usefixtures("tensorflow_ready")

ROOT = Path(__file__).resolve().parents[2]


def test_the_page_is_what_specs_and_presets_say() -> None:
    from atb.models.document import page

    assert (ROOT / "docs" / "networks.md").read_text() == page()
