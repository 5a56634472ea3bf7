"""What a recipe becomes when it is given rows of another market than its own.

Fields that only one market understands; what does not name one, as the model and its training,
stays as the preset has it.
"""

from __future__ import annotations

from collections.abc import Mapping

# By the option that names the rows.
USUAL: Mapping[str, Mapping[str, str]] = {
    "bonds": {
        "data.kind": "bonds",
        "target.kind": "fair_value_change",
        "trading.kind": "fair_value",
        "features": "rates",
    },
}
