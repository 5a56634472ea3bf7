"""Trees of a size that is said, however much they learn from; a search that outlives trees."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from atb.config.tabular import Advanced, Automl, Boosted
from atb.tabular.part import Lesson, Sample

pytestmark = pytest.mark.usefixtures("tensorflow_ready")

ROWS = 800


def sample(start: int, stop: int) -> Sample:
    draw = np.random.default_rng(start)
    windows = draw.normal(size=(stop - start, 6)).astype(np.float32)
    ends = np.arange(start, stop)
    return Sample(windows, windows[:, 0] ** 2 + draw.normal(0, 1, stop - start), ends, ends + 1)


@pytest.fixture(scope="module")
def lesson() -> Lesson:
    train, validation = sample(0, ROWS), sample(ROWS + 10, ROWS + 300)
    return Lesson(train, validation, classes=1, embargo=2, seed=3)


def test_random_trees_do_not_grow_with_what_they_learn_from(lesson: Lesson) -> None:
    from atb.tabular.advanced import random

    grown = random(Advanced(trees=3, leaves=7, smallest_leaf=1), lesson)
    assert [tree.get_n_leaves() for tree in grown.estimators_] == [7] * 3


def test_the_line_learns_from_windows_that_were_known_to_no_member(
    lesson: Lesson, monkeypatch: pytest.MonkeyPatch
) -> None:
    from atb.tabular import advanced, stacking

    spec = Advanced(trees=2, boosted=Boosted(trees=2, leaves=3))
    taught: list[Sample] = []
    joined: list[Any] = []
    grow, fit = advanced.random, stacking.line

    def random(spec: Advanced, lesson: Lesson) -> Any:
        taught.append(lesson.train)
        return grow(spec, lesson)

    def line(answers: Any, actual: Any, classes: int) -> Any:
        joined.append(actual)
        return fit(answers, actual, classes)

    monkeypatch.setattr(advanced, "random", random)
    monkeypatch.setattr(stacking, "line", line)
    advanced.solve(spec, lesson)
    held, first = joined[0][:, 0], ROWS * 3 // 4
    assert held.tolist() == lesson.train.actual[first:].tolist()
    assert taught[0].known_at.max() + lesson.embargo < first  # purged, and the embargo
    assert taught[0].ends.max() == first - lesson.embargo - 2
    assert taught[1].ends.tolist() == lesson.train.ends.tolist()  # grown again on all


def test_trees_that_no_graph_may_hold_do_not_end_a_search(
    lesson: Lesson, monkeypatch: pytest.MonkeyPatch
) -> None:
    from atb.export import graft
    from atb.tabular import automl

    monkeypatch.setattr(graft, "MOST_NODES", 1)
    monkeypatch.setattr(automl, "TREES", 2)
    part = automl.solve(Automl(trials=3), lesson)
    assert part.reason.startswith("basic has the smallest validation loss of 3 trials")
