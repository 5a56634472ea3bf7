"""A plan spelt out: every piece of work, for which symbol, after which others.

Knows names and recipes; nothing is read, trained or looked up here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from atb.config.data import AnyData
from atb.presets import Recipe


@dataclass(frozen=True)
class Node:
    """One piece of work.

    Attributes:
        name: unique within the plan; names its job.
        step: the step it is part of.
        kind: what is done: data, features, train, evaluate, compare, drift, tune or promote.
        symbol: the market.
        data: the rows it works on.
        recipe: what is trained or tuned, or whose features are computed; None for other kinds.
        settings: what else was asked for, JSON-ready.
        needs: names of the nodes that come before it; the first is that of its rows.
        models: names of the nodes whose models it works on.
    """

    name: str
    step: str
    kind: str
    symbol: str
    data: AnyData
    recipe: Recipe | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    models: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plan:
    """What is to be done.

    Attributes:
        name: of the plan's file, or `models` for one that was spelt on a command line.
        steps: names of the steps in an order in which they can be gone through.
        nodes: by name, each after those that it needs.
    """

    name: str
    steps: tuple[str, ...]
    nodes: Mapping[str, Node]

    def of_kind(self, *kinds: str) -> list[Node]:
        """The nodes of some kinds, in order."""
        return [node for node in self.nodes.values() if node.kind in kinds]
