"""The trials of a study of tuning, kept in an Optuna journal that its processes share.

The only file that knows Optuna: the tree-structured Parzen estimator (Bergstra et al. 2011) says
what to try next, median pruning (Golovin et al. 2017) what to give up. Knows dotted names and
losses, not what is trained.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from atb import atomic
from atb.config.search import Between, Dimension, Search
from atb.errors import IntegrityError
from atb.extras import require

JOURNAL = "journal.log"
STUDY = "tune"
UNPRUNED_TRIALS = 5  # complete ones, before any is pruned

State = Literal["waiting", "running", "complete", "pruned", "failed"]
_STATES: Mapping[str, State] = {
    "WAITING": "waiting",
    "RUNNING": "running",
    "COMPLETE": "complete",
    "PRUNED": "pruned",
    "FAIL": "failed",
}


class PrunedError(Exception):
    """A trial is given up: its losses are above the median of the others; ends its training."""


@dataclass(frozen=True)
class Trial:
    """A recipe that was tried, or will be.

    Attributes:
        number: from 1.
        state: how far it is.
        values: by the dotted names of fields.
        loss: its validation loss; of one that was pruned the lowest until then, else None.
        steps: losses it has reported: epochs, or folds.
        notes: what else was found out, by name.
    """

    number: int
    state: State
    values: Mapping[str, Any]
    loss: float | None
    steps: int
    notes: Mapping[str, Any]

    @property
    def over(self) -> bool:
        """Whether it came to an end."""
        return self.state in ("complete", "pruned", "failed")


class Journal:
    """The trials of one study in its folder; several processes may open it at once."""

    def __init__(self, folder: Path, search: Search, seed: int, unpruned: int) -> None:
        """Open the journal of a study, or begin one.

        Args:
            folder: of the study.
            search: what is tried.
            seed: of what is tried, together with a trial's number.
            unpruned: steps that every trial is given.

        Raises:
            ResourceError: when Optuna is not installed.
            StorageError: when the journal cannot be locked.
            IntegrityError: when it is not what Optuna wrote.
        """
        self._search, self._seed = search, seed
        self._optuna = require("optuna", extra="tune")
        self._optuna.logging.set_verbosity(self._optuna.logging.WARNING)
        path = folder / JOURNAL
        lock = _Lock(path.with_suffix(".lock"))
        with atomic.locked(lock.path):
            _mend(path)
        journal = self._optuna.storages.journal
        backend = journal.JournalFileBackend(str(path), lock_obj=lock)
        pruner = self._optuna.pruners.MedianPruner(UNPRUNED_TRIALS, unpruned)
        with _read_back(path):
            self._storage = journal.JournalStorage(backend)
            self._study = self._optuna.create_study(
                storage=self._storage, study_name=STUDY, load_if_exists=True, pruner=pruner
            )

    def plan(self, count: int, first: Mapping[str, Any]) -> None:
        """Make so many trials, less those that are there.

        Args:
            count: of all.
            first: values of the first one; a field that is not there gets one like any other.
        """
        for number in range(len(self._study.trials), count):
            fixed = {name: self._kept(name, value) for name, value in first.items()}
            self._study.enqueue_trial({} if number else fixed)

    def trials(self) -> list[Trial]:
        """All of them, by number."""
        return [self._record(one) for one in self._study.trials]

    def claim(self) -> Attempt | None:
        """Take the next trial that nobody has begun; None when there is none left."""
        states = self._optuna.trial.TrialState
        for found in self._study.get_trials(deepcopy=False, states=(states.WAITING,)):
            try:
                mine = self._storage.set_trial_state_values(self._key(found), states.RUNNING)
            except self._optuna.exceptions.UpdateFinishedTrialError:  # others were faster
                mine = False
            if mine:
                return self.begin(found.number + 1)
        return None

    def begin(self, number: int) -> Attempt:
        """Go on with a running trial that nobody is at.

        What it tries depends on the seed, its number and the trials that came to an end before.
        """
        found = self._study.trials[number - 1]
        luck = int(np.random.SeedSequence((self._seed, number)).generate_state(1)[0])
        self._study.sampler = self._optuna.samplers.TPESampler(seed=luck, multivariate=False)
        asked = self._optuna.trial.Trial(self._study, self._key(found))
        values = {name: _suggested(asked, name, one) for name, one in self._search.items()}
        return Attempt(self, asked, values, frozenset(found.intermediate_values))

    def end(self, attempt: Attempt, state: str, loss: float | None = None) -> None:
        """Write down how a trial ended: COMPLETE with its loss, PRUNED or FAIL."""
        self._study.tell(attempt.asked, loss, state=self._optuna.trial.TrialState[state])

    def _key(self, found: Any) -> int:
        """What the storage calls a trial."""
        study = self._storage.get_study_id_from_name(STUDY)
        return int(self._storage.get_trial_id_from_study_id_trial_number(study, found.number))

    def _record(self, found: Any) -> Trial:
        reported = found.intermediate_values
        state = _STATES[found.state.name]
        pruned = min(reported.values(), default=None) if state == "pruned" else None
        loss = found.value if state == "complete" else pruned
        values = {name: self._given(name, value) for name, value in found.params.items()}
        return Trial(found.number + 1, state, values, loss, len(reported), found.user_attrs)

    def _kept(self, name: str, value: Any) -> Any:
        """A value as Optuna keeps it."""
        return value if isinstance(self._search[name], Between) else _text(value)

    def _given(self, name: str, value: Any) -> Any:
        """A value as a recipe gets it."""
        dimension = self._search[name]
        return _rounded(value, dimension) if isinstance(dimension, Between) else json.loads(value)


@dataclass(frozen=True)
class Attempt:
    """A trial at work in this process.

    Attributes:
        journal: that it is kept in.
        asked: Optuna's own record of it.
        values: to be tried, by the dotted names of fields.
        said: steps it reported before it was taken up.
    """

    journal: Journal
    asked: Any
    values: Mapping[str, Any]
    said: frozenset[int]

    @property
    def number(self) -> int:
        """The trial's, from 1."""
        return int(self.asked.number) + 1

    def report(self, step: int, loss: float) -> None:
        """Say how good it is after a step, from 1; what it said before it was taken up stays.

        Raises:
            PrunedError: when it is worse than most were at that step.
        """
        if step not in self.said:
            self.asked.report(loss, step)
        if self.asked.should_prune():
            raise PrunedError

    def note(self, **facts: Any) -> None:
        """Keep what was found out, by name."""
        for name, value in facts.items():
            self.asked.set_user_attr(name, value)

    def complete(self, loss: float) -> None:
        """It came to its end with this loss."""
        self.journal.end(self, "COMPLETE", loss)

    def prune(self) -> None:
        """It was given up."""
        self.journal.end(self, "PRUNED")

    def fail(self, problem: str) -> None:
        """It came to nothing, and why."""
        self.note(problem=problem)
        self.journal.end(self, "FAIL")


class _Lock:
    """The journal's lock, in the form Optuna asks for; a process that dies lets go of it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._held = ExitStack()

    def acquire(self) -> bool:
        self._held.enter_context(atomic.locked(self.path))
        return True

    def release(self) -> None:
        self._held.close()


@contextmanager
def _read_back(path: Path) -> Iterator[None]:
    """Name the journal when its lines are not what Optuna wrote."""
    try:
        yield
    except (AssertionError, LookupError, TypeError, ValueError) as error:
        raise IntegrityError(
            f"the journal cannot be read ({type(error).__name__}: {error})",
            where=str(path),
            remedy="remove the study's folder and ask for it again",
        ) from error


def _mend(path: Path) -> None:
    """Cut off a line that a crash left half-written."""
    if not path.exists():
        return
    content = path.read_bytes()
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        atomic.write_bytes(path, content[:whole])


def _suggested(asked: Any, name: str, dimension: Dimension) -> Any:
    if not isinstance(dimension, Between):
        return json.loads(asked.suggest_categorical(name, [*map(_text, dimension.corners())]))
    low, high = dimension.ends
    suggest = asked.suggest_int if dimension.whole else asked.suggest_float
    return _rounded(suggest(name, low, high, log=dimension.logarithmic), dimension)


def _rounded(value: int | float, dimension: Between) -> int | float:
    """A value as it can be read: a real one with four digits, between the ends."""
    low, high = dimension.ends
    return value if dimension.whole else min(max(float(f"{value:.4g}"), low), high)


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
