"""A study of one ensemble: its members' trainings, then the ensemble itself.

All of them keep their checkpoints in the run of the ensemble, which finds its members fitted there.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from atb.studies.study import Study

KIND = "ensemble"
LEARNED = "learned.json"


@dataclass(frozen=True)
class Joint(Study):
    """The trainings that an ensemble is made of, and last the ensemble."""

    @property
    def ensemble(self) -> str:
        """The member that joins the others."""
        return list(self.members)[-1]

    @property
    def parts(self) -> list[str]:
        """The others."""
        return list(self.members)[:-1]

    def checkpoints(self, part: str) -> Path:
        """Where a part keeps its checkpoints."""
        return self.run(self.ensemble).checkpoints / part

    def learned(self, part: str) -> Path:
        """The file that says that a part is done."""
        return self.checkpoints(part) / LEARNED

    def missing(self) -> list[str]:
        """Nothing once the ensemble has a model; until then it, and parts that are not done."""
        if self.model(self.ensemble).is_dir():
            return []
        undone = [part for part in self.parts if not self.learned(part).is_file()]
        return [*undone, self.ensemble]
