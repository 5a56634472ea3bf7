"""A suite: presets side by side on one order book, straight lines judged by classes as well."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from atb.config.book_architectures import Linear
from atb.config.targets import MidPriceTarget
from atb.studies.study import Study

KIND = "suite"


@dataclass(frozen=True)
class Suite(Study):
    """A study of presets for books."""

    @property
    def lines(self) -> list[str]:
        """Members that are straight lines."""
        return [name for name, recipe in self.members.items() if isinstance(recipe.model, Linear)]

    @property
    def target(self) -> MidPriceTarget:
        """The classes that networks decide between, and lines are judged by too."""
        targets = (recipe.target for recipe in self.members.values())
        return next((one for one in targets if isinstance(one, MidPriceTarget)), MidPriceTarget())

    def decisions(self, line: str) -> Path:
        """The file with the verdicts on a line's decisions, once it is judged."""
        return self.path / "decisions" / f"{line}.json"

    def missing(self) -> list[str]:
        """Members without a model, and lines that are not judged by classes yet."""
        without = super().missing()
        return [
            member
            for member in self.members
            if member in without or (member in self.lines and not self.decisions(member).is_file())
        ]
