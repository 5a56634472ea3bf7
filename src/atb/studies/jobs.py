"""What the processes of a study do. Each begins where an earlier one stopped.

Knows runs and models by their names; how one is trained is `atb.pipeline`'s business.
"""

from __future__ import annotations

from collections.abc import Sequence

from atb import atomic, backend, pipeline
from atb.events import Listener
from atb.studies.study import Study
from atb.studies.suite import Suite


def train_member(study: Study, member: str, listen: Listener) -> None:
    """Train one member and register its model, or go on with its run.

    Raises:
        AtbError: as `pipeline.train_model` does.
    """
    artifacts, run = study.workspace.root, study.run(member)
    if run.begun:
        pipeline.resume_training(run.name, artifacts=artifacts, listen=listen)
        return
    config = study.members[member]
    pipeline.train_model(config, artifacts=artifacts, version=run.name, listen=listen)


def train_lines(suite: Suite, members: Sequence[str], listen: Listener) -> None:
    """Fit straight lines that differ in their penalty only, as far as they are not, and judge them.

    Raises:
        AtbError: as `pipeline.train_models` does.
    """
    artifacts = suite.workspace.root
    missing = [member for member in members if not suite.model(member).is_dir()]
    begun = [member for member in missing if suite.run(member).begun]
    for member in begun:
        pipeline.resume_training(suite.run(member).name, artifacts=artifacts, listen=listen)
    fresh = [suite.members[member] for member in missing if member not in begun]
    if fresh:
        pipeline.train_models(fresh, artifacts=artifacts, version=suite.name, listen=listen)
    backend.prepare(suite.members[members[0]].training.seed)
    from atb.studies import decided  # not earlier: it imports TensorFlow

    models = {member: suite.model(member) for member in members}
    config = suite.members[members[0]]
    verdicts = decided.judged(models, config, suite.target, suite.workspace, listen)
    for member, verdict in verdicts.items():
        atomic.make_folder(suite.decisions(member).parent)
        atomic.write_json(suite.decisions(member), verdict)
