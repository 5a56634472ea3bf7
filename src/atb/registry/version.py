"""A version: one trained model's folder and its names."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Version:
    """`models/SYMBOL/NAME/VERSION` and where that lies."""

    symbol: str
    name: str
    version: str
    path: Path

    @property
    def onnx(self) -> Path:
        """The serving graph."""
        return self.path / "model.onnx"

    @classmethod
    def at(cls, path: Path) -> Version:
        """The version whose folder this is, by the names of its parents."""
        full = path.absolute()
        return cls(full.parent.parent.name, full.parent.name, full.name, path)
