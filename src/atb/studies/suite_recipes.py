"""The members of a suite: which presets, and their recipes for one book.

Knows names and recipes; nothing is read or trained here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from atb import presets
from atb.config.book_architectures import Linear
from atb.config.training import TrainingConfig
from atb.errors import UsageError, nearest
from atb.studies.study import on_the_same_rows

LINEAR = ("ols", "ridge", "lasso")
DEEP = (
    "lob-mlp",
    "lob-lstm",
    "lob-cnn",
    "deeplob",
    "deeplob-seq2seq",
    "translob",
    "temporal-attention",
)
BEYOND = ("tlob", "mlplob", "bin-ctabl")
GROUPS: Mapping[str, tuple[str, ...]] = {
    "all": (*LINEAR, *DEEP),
    "deep": DEEP,
    "linear": LINEAR,
    "extended": (*LINEAR, *DEEP, *BEYOND),
}
NAMELESS = "BOOK"  # the symbol of recipes whose book has not been read yet


def chosen(words: str) -> tuple[str, ...]:
    """Presets by a word that names a group of them, or by names with commas between them.

    >>> chosen("linear,deeplob")
    ('ols', 'ridge', 'lasso', 'deeplob')

    Raises:
        UsageError: for a name that is neither, or a preset that is not for books.
    """
    known = [*GROUPS, *(name for name in presets.names() if _is_for_books(name))]
    names: list[str] = []
    for word in filter(None, map(str.strip, words.split(","))):
        if word not in known:
            raise _refusal(word, known)
        names += GROUPS.get(word, (word,))
    if not names:
        raise UsageError("no model is named", where="--suite", remedy=f"known: {', '.join(known)}")
    return tuple(dict.fromkeys(names))


def recipes(
    names: Iterable[str], symbol: str | None, assignments: Sequence[str] = (), **options: Any
) -> dict[str, TrainingConfig]:
    """The recipe of each preset, all with their first window at the same row.

    Whatever their windows and features look back on, they learn from the same rows and are judged
    on the same.

    Args:
        names: presets for books.
        symbol: the market; None for `NAMELESS` ones, until the book says.
        assignments: dotted config fields, for every member.
        options: as in `presets.OPTION_FIELDS`, for every member.

    Raises:
        UsageError: for a field or value that one of them cannot have, or a network of moves.
        ConfigError: for a preset that does not hold together.
    """
    found = {
        name: presets.resolve(name, symbol or NAMELESS, assignments=assignments, **options).config
        for name in names
    }
    for name, config in found.items():
        _require_classes(name, config)
    return on_the_same_rows(found)


def _require_classes(name: str, config: TrainingConfig) -> None:
    """Refuse a network of moves: only those of straight lines are cut into classes here."""
    target = config.target
    if target.classes == 1 and not isinstance(config.model, Linear):
        raise UsageError(
            f"networks are compared by the classes they decide on, and {name} would predict "
            f"{target.kind}",
            where="target.kind",
            remedy=f"leave {name} its own target; moves are for {', '.join(LINEAR)}",
        )


def _is_for_books(preset: str) -> bool:
    data = presets.read(preset).fields.get("data", {})
    return isinstance(data, Mapping) and data.get("kind") == "book"


def _refusal(word: str, known: Sequence[str]) -> UsageError:
    if word in presets.names():
        return UsageError(
            f"preset {word!r} is for candles, this is a book",
            where="--suite",
            remedy=f"atb train model SYMBOL --preset {word}",
        )
    return UsageError(f"unknown model {word!r}", where="--suite", remedy=nearest(word, known))
