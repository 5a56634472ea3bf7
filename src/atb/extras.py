"""Optional libraries, imported in one place so that a missing one is one clear sentence."""

from __future__ import annotations

import importlib
from typing import Any

from atb.errors import ResourceError


def require(module: str, *, extra: str) -> Any:
    """Import a library that belongs to an extra of this package.

    Raises:
        ResourceError: naming the extra to install when the library is absent.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ResourceError(
            f"{module} is not installed ({error})",
            remedy=f"install it with: pip install 'atb[{extra}]'",
        ) from error
