"""Which code this is: one hash of the package's sources, with or without version control.

Knows nothing of what the code does.
"""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parent


@cache
def code_sha256(package: Path = PACKAGE) -> str:
    """SHA-256, as 64 hexadecimal digits, of the names and contents of a package's `.py` files.

    Compiled files and anything else that lies beside the sources change nothing. It is computed
    once in a process: what is imported already is not replaced by a later edit either.
    """
    digest = hashlib.sha256()
    for source in sorted(package.rglob("*.py")):
        if not source.is_file():  # an editor marks what it has open by a link to nowhere
            continue
        content = source.read_bytes()
        digest.update(f"{source.relative_to(package).as_posix()}\n{len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()
