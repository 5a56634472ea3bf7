"""The one table inside a zip file, without ever unpacking to the disk.

It knows nothing of what is in the table. Names inside the zip are never used as paths.
"""

from __future__ import annotations

import io
import stat
import zipfile
import zlib

from atb.errors import DataError

MAX_UNPACKED_BYTES = 256 * 2**20


def member(content: bytes) -> bytes:
    """The content of the only file in a zip.

    Raises:
        DataError: when it is damaged, encrypted, a link, holds several files, or unpacks to more
            than `MAX_UNPACKED_BYTES`.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as bundle:
            info = _only(bundle)
            with bundle.open(info) as stream:
                # Declared sizes can lie, so the limit is on what really comes out.
                unpacked = stream.read(MAX_UNPACKED_BYTES + 1)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError) as error:
        raise DataError(
            f"it cannot be read as zip ({error})", remedy="download it again"
        ) from error
    except (NotImplementedError, RuntimeError) as error:
        raise DataError(
            f"its zip is encrypted or packed in an unusual way ({error})", remedy="pack it again"
        ) from error
    if len(unpacked) > MAX_UNPACKED_BYTES:
        raise DataError(
            f"it unpacks to more than {MAX_UNPACKED_BYTES:,} bytes", remedy="give smaller files"
        )
    return unpacked


def _only(bundle: zipfile.ZipFile) -> zipfile.ZipInfo:
    files = [info for info in bundle.infolist() if not info.is_dir()]
    if len(files) != 1:
        raise DataError(
            f"the zip holds {len(files)} files", remedy="give a zip with one CSV table in it"
        )
    if stat.S_ISLNK(files[0].external_attr >> 16):
        raise DataError(
            f"the zip holds a link, {files[0].filename[:60]!r}", remedy="pack the file itself"
        )
    return files[0]
