"""The door to promotion: a model is read, stands before the gates, and runs from then on or not.

Nothing of it is parsed before its checksums hold. Knows where a model's facts lie; what they must
be is for the gates.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from atb import rivals
from atb.clock import now_ms
from atb.config.features import lookback
from atb.config.gates import Limits
from atb.config.training import TrainingConfig, from_json
from atb.errors import AtbError, GateRefusedError, UsageError, nearest
from atb.registry import document, gate_file, integrity, promotion, store
from atb.registry.gates import GATES, Dossier, Finding, Rivalry, judged
from atb.registry.journal import Entry
from atb.registry.promotion import Grounds, OvertakenError, State
from atb.registry.version import Version
from atb.runtime.session import Session
from atb.workspace import Workspace

NEWEST = "latest"


@dataclass(frozen=True)
class Review:
    """What the gates say of a model.

    Attributes:
        version: the model.
        gates: name or file of the limits.
        limits: those limits.
        findings: the answer of each gate.
        seen: what was promoted then.
    """

    version: Version
    gates: str
    limits: Limits
    findings: list[Finding]
    seen: State

    @property
    def refused(self) -> list[Finding]:
        """The gates it does not pass."""
        return [finding for finding in self.findings if not finding.passed]

    def to_json(self) -> dict[str, Any]:
        """Name, limits and figures of the gates, as the journal keeps them."""
        return {
            "name": self.gates,
            "limits": self.limits.model_dump(),
            "findings": [finding.to_json() for finding in self.findings],
        }


def candidate(workspace: Workspace, symbol: str, version: str) -> Version:
    """The model of a symbol that a person means to promote.

    Args:
        workspace: where models lie.
        symbol: the market.
        version: `VERSION`, `NAME/VERSION`, `SYMBOL/NAME/VERSION`, or `latest`, the newest of all.

    Raises:
        UsageError: when there is none such, or more than one.
    """
    known = store.versions(workspace, symbol)
    if version == NEWEST and known:
        return max(known, key=lambda one: one.version)
    found = [
        one for one in known if version in (one.version, f"{one.name}/{one.version}", one.reference)
    ]
    if len(found) > 1:
        raise UsageError(
            f"{version!r} names {len(found)} models of {symbol}",
            remedy=f"say which: {', '.join(f'{one.name}/{one.version}' for one in found)}",
        )
    if not found:
        names = {f"{one.name}/{one.version}" for one in known}
        raise UsageError(
            f"there is no model {version!r} of {symbol} in {workspace.model_root}",
            remedy=f"{nearest(version, names)} (see: atb models list)" if names else "train one",
        )
    return found[0]


def examine(
    workspace: Workspace,
    version: Version,
    gates: str = "default",
    rivalry: Rivalry | None = None,
) -> Review:
    """Let a model stand before the gates; nothing is changed.

    Args:
        workspace: where models lie.
        version: which one.
        gates: name or file of the limits.
        rivalry: how it stands to the model that runs, from rows newer than those both were tested
            on; by default their stored predictions are compared.

    Raises:
        UsageError: when there are no such gates.
        ConfigError: when their file is not as it must be.
        IntegrityError: when the journal or the pointer of its symbol is damaged.
    """
    limits = gate_file.read(gates)
    seen = promotion.read(workspace, version.symbol)
    dossier = _dossier(workspace, version, limits, seen, rivalry)
    return Review(version, gates, limits, judged(dossier, limits), seen)


def promote(
    workspace: Workspace,
    version: Version,
    *,
    gates: str = "default",
    why: str = "",
    rivalry: Rivalry | None = None,
) -> tuple[Review, Entry]:
    """Let a model run from now on, if it passes every gate; the only way to do so.

    Args:
        workspace: where models lie.
        version: which one.
        gates: name or file of the limits.
        why: the reason given, for the journal.
        rivalry: as in `examine`.

    Returns:
        What the gates said, and the line of the journal by which it runs.

    Raises:
        GateRefusedError: with every gate's answer, when one of them refuses.
        AtbError: as `examine` does, or a StorageError when the disk refuses.
    """
    while True:
        review = examine(workspace, version, gates, rivalry)
        if review.refused:
            raise _refusal(review)
        try:
            grounds = Grounds(why, review.to_json())
            return review, promotion.promote(workspace, version, review.seen, grounds)
        except OvertakenError:
            continue  # it has to stand beside the model that runs now


def _refusal(review: Review) -> GateRefusedError:
    names = ", ".join(finding.gate for finding in review.refused)
    count = f"{len(review.refused)} of {len(review.findings)}"
    return GateRefusedError(
        f"{count} gates refuse it: {names}",
        where=review.version.reference,
        remedy="what runs is unchanged",
        findings=[finding.to_json() for finding in review.findings],
    )


# What files that say nonsense, or a disk that does not answer, can end in.
_UNREADABLE = (
    ArithmeticError,
    AttributeError,
    LookupError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
)


class _Problems(dict[str, str]):
    """By gate, why what it asks could not be read."""

    @contextmanager
    def of(self, gate: str) -> Iterator[None]:
        """Note an error of the body as this gate's."""
        try:
            yield
        except AtbError as error:
            self[gate] = str(error)
        except _UNREADABLE as error:
            self[gate] = f"it cannot be read ({type(error).__name__}: {error})"


def _dossier(
    workspace: Workspace, version: Version, limits: Limits, seen: State, measured: Rivalry | None
) -> Dossier:
    """All that the gates ask, read from a folder whose checksums hold."""
    now, problems = now_ms(), _Problems()
    files = 0
    with problems.of("integrity"):
        files = len(integrity.verify(version.path))
    if problems:
        unread = dict.fromkeys(GATES, "not read: its files are not what was written")
        return Dossier(version, files, {}, {}, {}, {}, now, None, {**unread, **problems})
    metadata, metrics, recipe, said = {}, {}, {}, {}
    rivalry = None
    with problems.of("schema"):
        metadata = document.read(version.path / "metadata.json")
        recipe = _facts(from_json((version.path / "config.json").read_text(), str(version.path)))
        said = dict(Session.open(version.path).says)
    with problems.of("skill"):
        metrics = document.read(version.path / "metrics.json")
    if seen.running and limits.maximum_worsening is not None:
        with problems.of("not_worse"):
            running = promotion.version_of(workspace, seen.running)
            rivalry = (
                measured
                if measured is not None and measured.model == running.reference
                else rivals.rivalry(version, running, limits.minimum_shared_rows)
            )
    return Dossier(version, files, metadata, metrics, recipe, said, now, rivalry, problems)


def _facts(config: TrainingConfig) -> dict[str, Any]:
    """What a recipe says of a model's input and target, by the names used in its metadata."""
    dumped = config.model_dump(mode="json")
    return {
        "symbol": config.symbol,
        "market": config.data.kind,
        **config.data.facts(),
        "features": config.features,
        "window": config.window,
        "lookback": lookback(config.features),
        "max_gap": config.dataset.max_gap,
        "target": config.target.kind,
        "horizon": dumped["target"]["horizon"],
    }
