"""What trees and lines in a graph may be: operators of the domain `ai.onnx.ml`.

onnxruntime trusts what they say of themselves: a feature that a window has not is read from other
memory, an answer beyond the last is written there, a node within itself never ends. So all of that
is asked here. Operators: onnx.ai/onnx/operators, domain ai.onnx.ml, version 3.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from atb.registry.onnx_known import Known, ShapeError
from atb.registry.onnx_wire import Message, whole

Int64 = npt.NDArray[np.int64]

DOMAIN, OPSETS = "ai.onnx.ml", range(1, 4)
MAX_TARGETS = 1_024
MAX_DEPTH = 512  # onnxruntime reads a tree by recursion
LEAF, BRANCH = b"LEAF", b"BRANCH_LEQ"
NODES = ("treeids", "nodeids", "featureids", "truenodeids", "falsenodeids")


@dataclass(frozen=True)
class Said:
    """What an operator says of itself, by name."""

    attributes: Mapping[str, Message]

    def require_only(self, *names: str) -> None:
        """Nothing else is said."""
        others = sorted(self.attributes.keys() - {*names, "post_transform"})
        _require(not others, f"it says {', '.join(others)[:100]}, which no model needs")
        after = bytes(self.attributes.get("post_transform", {}).get("s", b"NONE"))
        _require(after == b"NONE", f"its post_transform is {after[:20]!r}")

    def number(self, name: str) -> int:
        """A whole number, 1 unless it is said."""
        return int(self.attributes.get(name, {}).get("i", 1))

    def integers(self, name: str) -> Int64:
        """A list of whole numbers, none negative."""
        return whole(self.attributes[name]["ints"])

    def floats(self, name: str) -> int:
        """How many numbers a list has."""
        given = self.attributes.get(name, {}).get("floats", [])
        return sum(len(part) for part in given) // 4


def made(operator: str, attributes: Mapping[str, Message], given: Known) -> Known:
    """What an operator makes of windows.

    Args:
        operator: its name, one of `RULES`.
        attributes: by name.
        given: the windows, `[B, P]`.

    Raises:
        ShapeError: when it would read or write beyond what there is, or never end.
    """
    windows, columns = given.shape
    outputs, products = RULES[operator](Said(attributes), columns)
    return Known((windows, outputs), products=windows * products)


def _line(said: Said, columns: int) -> tuple[int, int]:
    said.require_only("coefficients", "intercepts", "targets")
    targets = _targets(said, "targets")
    for name, wanted in (("coefficients", targets * columns), ("intercepts", targets)):
        _require(said.floats(name) == wanted, f"its {name} are not {wanted}")
    return targets, targets * columns


def _trees(said: Said, columns: int) -> tuple[int, int]:
    """Trees whose answers are added up."""
    of_nodes = [f"nodes_{name}" for name in NODES]
    of_targets = ["target_treeids", "target_nodeids", "target_ids"]
    others = ("n_targets", "base_values", "nodes_modes", "nodes_values", "target_weights")
    said.require_only(*of_nodes, *of_targets, *others)
    targets = _targets(said, "n_targets")
    _require(said.floats("base_values") in (0, targets), "its base_values are not one a target")
    tree, node, feature, yes, no = (said.integers(name) for name in of_nodes)
    branch = _branches(said.attributes["nodes_modes"]["strings"])
    lengths = {len(tree), len(node), len(feature), len(yes), len(no), said.floats("nodes_values")}
    _require(lengths == {len(branch)}, "its nodes are not told whole")
    _require(bool((feature < columns).all()), f"it reads features beyond {columns}")
    depth = _depth(_place(tree, node), branch, tree, (yes, no))
    leaf_tree, leaf_node, target = (said.integers(name) for name in of_targets)
    same = len(leaf_tree) == len(leaf_node) == len(target) == said.floats("target_weights")
    _require(same, "its leaves are not told whole")
    _require(bool((target < targets).all()), f"it answers beyond {targets}")
    leaves = _found(_place(tree, node), _place(leaf_tree, leaf_node))
    _require(not branch[leaves].any(), "an answer of its is at no leaf")
    return targets, depth * (int(tree[-1]) + 1) + len(target)


def _branches(modes: list[Any]) -> npt.NDArray[np.bool_]:
    """Which nodes divide."""
    known = {bytes(one[:20]) for one in modes}
    _require(known <= {LEAF, BRANCH}, f"its nodes are {sorted(known)[:5]}")
    return np.array([one == BRANCH for one in modes], bool)


def _place(tree: Int64, node: Int64) -> Int64:
    """One number for each node of each tree."""
    return (tree << 31) + node


def _depth(
    place: Int64, branch: npt.NDArray[np.bool_], tree: Int64, children: tuple[Int64, Int64]
) -> int:
    """How many nodes follow each other at most, in trees that are trees."""
    _require(len(place) > 0 and bool((np.diff(place) > 0).all()), "its nodes are in no order")
    trees = np.flatnonzero(np.diff(tree, prepend=-1))  # where each begins: its root
    of = tree[branch]
    yes, no = (_found(place, _place(of, child[branch])) for child in children)
    both = np.concatenate([yes, no])
    follow = np.bincount(both, minlength=len(place))
    follow[trees] += 1
    _require(bool((follow == 1).all()), "its trees are no trees")
    number = np.cumsum(branch) - 1
    here, depth, seen = trees, 1, len(trees)
    while len(here := here[branch[here]]):
        here = np.concatenate([yes[number[here]], no[number[here]]])
        depth, seen = depth + 1, seen + len(here)
        _require(depth <= MAX_DEPTH, f"it has a tree deeper than {MAX_DEPTH}")
    _require(seen == len(place), "it has nodes that no tree leads to")
    return depth


def _found(place: Int64, wanted: Int64) -> Int64:
    """Where nodes stand."""
    at = np.minimum(np.searchsorted(place, wanted), len(place) - 1)
    _require(bool((place[at] == wanted).all()), "it names nodes that it has not")
    return at


def _targets(said: Said, name: str) -> int:
    targets = said.number(name)
    _require(1 <= targets <= MAX_TARGETS, f"its {name} is {targets}")
    return targets


def _require(holds: bool, words: str) -> None:
    if not holds:
        raise ShapeError(words)


RULES: Mapping[str, Callable[[Said, int], tuple[int, int]]] = {
    "LinearRegressor": _line,
    "TreeEnsembleRegressor": _trees,
}
