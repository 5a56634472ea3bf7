"""The best recipe of a study as a preset file, read back before it takes its place.

It holds what the recipe says, not where its rows lie: the next training says which those are.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from atb import atomic, presets, strict_yaml
from atb.config.judgement import SelectionSpec
from atb.config.training import TrainingConfig
from atb.errors import AtbError, IntegrityError, UsageError
from atb.workspace import check_name

SUFFIXES = (".yaml", ".yml")
OF_THE_STUDY = {"data": ("path", "source", "start", "end"), "dataset": ("fold",)}  # not written


def require_preset_name(path: Path) -> None:
    """Refuse a file that cannot be a preset.

    Raises:
        UsageError: saying what to name instead.
    """
    if path.suffix not in SUFFIXES:
        raise UsageError(
            "a preset file ends in .yaml",
            where=f"--output {path}",
            remedy=f"name {path.stem or 'my'}.yaml",
        )
    check_name(path.stem)


def require_free(path: Path, study: str) -> None:
    """Refuse a file that is there, unless this study has written it.

    Raises:
        UsageError: naming it.
    """
    if path.exists() and _study_of(path) != study:
        raise UsageError("it exists already", where=f"--output {path}", remedy="name another file")


def fields_of(
    recipe: presets.Recipe, values: Mapping[str, Any], first_end: int, selection: SelectionSpec
) -> dict[str, Any]:
    """What the preset file says, nested: of the recipe, of the best trial and of the study.

    Args:
        recipe: with which the study began, as a person asked for it.
        values: of the best trial, by dotted names.
        first_end: rows before the first window of every trial.
        selection: how it was chosen.
    """
    of_study = {"dataset.first_end": first_end, "selection": selection.model_dump()}
    fields = presets.varied(recipe.fields, {**values, **of_study})
    for block, names in OF_THE_STUDY.items():
        for name in names:
            fields.get(block, {}).pop(name, None)
    given = {name: value for name, value in fields.items() if value != {}}
    plain: dict[str, Any] = json.loads(json.dumps(given))
    return plain


def write(path: Path, description: str, remarks: Sequence[str], fields: Mapping[str, Any]) -> None:
    """Write a preset file whole, replacing what is there.

    Args:
        path: the file.
        description: one line for people.
        remarks: comments above it.
        fields: nested, of plain values.

    Raises:
        IntegrityError: when what can be read back is another recipe; nothing is written then.
        StorageError: when the disk refuses.
    """
    body = {"description": description, **fields}
    content = yaml.safe_dump(
        body, sort_keys=False, default_flow_style=None, width=100, allow_unicode=True
    )
    text = "".join(f"# {line}\n" for line in remarks) + content
    read = presets.parsed(strict_yaml.parse(text, str(path)), path)
    if _config(read.fields, path.stem) != _config(fields, path.stem):
        raise IntegrityError("what would be read back is another recipe", where=str(path))
    atomic.write_bytes(path, text.encode())


def _config(fields: Mapping[str, Any], name: str) -> TrainingConfig:
    return TrainingConfig.model_validate({"name": name, **fields, "symbol": "ANY"})


def _study_of(path: Path) -> Any:
    """The study that a preset file names; None for another file."""
    try:
        selection = presets.read(str(path)).fields.get("selection", {})
    except AtbError:
        return None
    return selection.get("study") if isinstance(selection, Mapping) else None
