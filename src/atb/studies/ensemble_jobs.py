"""What the process of an ensemble's member does: learn, and leave it to the ensemble's own process.

How one is learned is `atb.pipeline`'s business.
"""

from __future__ import annotations

from atb import atomic, pipeline
from atb.events import Listener
from atb.runs import Recipe
from atb.studies.joint import Joint


def learn_part(study: Joint, part: str, listen: Listener) -> None:
    """Learn one part, or go on with it; its checkpoints are what is left of it.

    Raises:
        AtbError: as `pipeline.train_model` does.
    """
    recipe = Recipe(study.members[part], study.history(), {})
    learned = pipeline.learn(recipe, study.workspace, study.checkpoints(part), listen)
    done = {"reason": learned.fitted.reason, "epochs": len(learned.fitted.history)}
    atomic.write_json(study.learned(part), done)  # last: with it the part is done
