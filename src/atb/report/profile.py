"""What a model saw, said and missed, as the profile that drift is measured against.

Knows where the rows are in what a walk produced, nothing of distributions.
"""

from __future__ import annotations

import json
from pathlib import Path

from atb.config.features import columns
from atb.monitor.profile import Profile
from atb.report.record import Run


def of(run: Run) -> Profile:
    """The profile of a walk's model: features of train rows, predictions of test rows.

    The features are those of each window's last row, which is what a serving graph gives.
    """
    dataset, target = run.dataset, run.config.target
    scaling, test = dataset.scaling, dataset.split.test
    features = (dataset.matrix[dataset.split.train] - scaling.offset) / scaling.scale
    outcomes = dataset.labels.value[:, 0]
    return Profile.of(
        columns(run.config.features),
        features,
        run.predictions.value,
        outcomes[test],
        outcomes[dataset.split.train],
        target.classes,
    )


def write(run: Run, path: Path) -> None:
    """Write it as JSON on one line."""
    path.write_text(json.dumps(of(run).to_json(), allow_nan=False) + "\n")
