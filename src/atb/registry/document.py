"""A JSON object in a file of a model or a study: written in one way, and damaged if it is none.

Knows no file by name, nor what stands in it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from atb.errors import IntegrityError


def read(path: Path) -> dict[str, Any]:
    """The object in a file.

    Raises:
        IntegrityError: when it cannot be read, is no JSON or holds something else.
    """
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise _error(f"it cannot be read ({type(error).__name__}: {error})", path) from error
    if not isinstance(found, dict):
        raise _error("it holds no object", path)
    return found


def write(content: Any, path: Path) -> None:
    """Write an object into a folder that is still being filled; NaN is refused.

    Raises:
        ValueError: when a number is not finite, since JSON has no name for it.
    """
    path.write_text(json.dumps(content, indent=2, allow_nan=False) + "\n")


def _error(what: str, path: Path) -> IntegrityError:
    return IntegrityError(what, where=str(path), remedy="train the model again")
