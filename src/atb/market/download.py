"""Bytes over HTTP, patiently: retried with growing waits, limited in size, verified by SHA-256.

It knows servers and files on disk, and nothing of exchanges or candles.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import requests

from atb import atomic
from atb.errors import DataError, SourceUnavailableError

MAX_BYTES = 256 * 2**20
_CHUNK_BYTES = 2**18
_ELSEWHERE = "try again later; training can also take a file, with --candles PATH"


class MissingError(SourceUnavailableError):
    """The server has no such page."""


class RefusedError(SourceUnavailableError):
    """The server understands the request and will not serve it; `body` says why."""

    def __init__(self, what: str, body: bytes, *, where: str = "", remedy: str = "") -> None:
        super().__init__(what, where=where, remedy=remedy)
        self.body = body


class _TransientError(SourceUnavailableError):
    """Something that may be gone at the next attempt; `wait` in seconds when the server says so."""

    def __init__(self, what: str, *, wait: float | None = None, answered: bool = True) -> None:
        super().__init__(what)
        self.wait = wait
        self.answered = answered


@dataclass(frozen=True)
class Patience:
    """How often to try, fewer times when nothing answers, and how long to wait, in seconds."""

    attempts: int = 5
    unreachable: int = 5
    first_wait: float = 0.5
    longest_wait: float = 30.0
    connect: float = 4.0
    silence: float = 30.0

    def wait(self, attempt: int) -> float:
        """Seconds before the next attempt, doubling from `first_wait`."""
        return min(self.first_wait * 2.0**attempt, self.longest_wait)


def get(
    session: requests.Session,
    url: str,
    patience: Patience,
    params: Mapping[str, str | int] | None = None,
) -> bytes:
    """The body of a page.

    Connection faults, cut bodies and the answers 429 and 5xx are tried again.

    Raises:
        MissingError: on 404.
        RefusedError: on any other 4xx, and on a redirect, which is not followed.
        SourceUnavailableError: when all attempts fail.
    """
    for attempt in range(patience.attempts):
        try:
            return _once(session, url, patience, params)
        except _TransientError as error:
            problem = error
        wait = patience.wait(attempt) if problem.wait is None else problem.wait
        attempts = patience.attempts if problem.answered else patience.unreachable
        if wait > patience.longest_wait or attempt + 1 >= attempts:
            break
        time.sleep(wait)
    raise SourceUnavailableError(problem.what, where=_place(url), remedy=_ELSEWHERE) from problem


def verified(session: requests.Session, url: str, path: Path, patience: Patience) -> bytes:
    """The content of a file whose SHA-256 the server gives at `url` + `.CHECKSUM`.

    It is kept at `path` once verified, and taken from there when it still agrees with its
    checksum, without asking the server.

    Raises:
        DataError: when it does not agree with its checksum, twice.
        SourceUnavailableError: as `get`.
    """
    checksum = path.with_name(f"{path.name}.CHECKSUM")
    with suppress(FileNotFoundError):
        content = path.read_bytes()
        if _agrees(content, checksum.read_bytes()):
            return content
    for _ in range(2):
        promised = get(session, f"{url}.CHECKSUM", patience)
        content = get(session, url, patience)
        if _agrees(content, promised):
            atomic.write_bytes(checksum, promised)
            atomic.write_bytes(path, content)
            return content
    raise DataError(
        f"its SHA-256 is {hashlib.sha256(content).hexdigest()[:16]}..., "
        f"the checksum beside it says {promised[:16].decode(errors='replace')}...",
        where=url,
        remedy="try again later, or give a range without it",
    )


def _once(
    session: requests.Session,
    url: str,
    patience: Patience,
    params: Mapping[str, str | int] | None,
) -> bytes:
    limits = (patience.connect, patience.silence)
    try:
        # No redirects: only the hosts that were named are ever asked.
        with session.get(
            url, params=params, timeout=limits, stream=True, allow_redirects=False
        ) as response:
            status = response.status_code
            if status == requests.codes.too_many_requests or status >= 500:
                raise _TransientError(f"answers {status}", wait=_retry_after(response))
            body = _body(response, url)
    except requests.RequestException as error:
        raise _TransientError(
            f"cannot be reached ({type(error).__name__})",
            answered=not isinstance(error, requests.ConnectionError),
        ) from error
    if status == requests.codes.not_found:
        raise MissingError("answers 404", where=url, remedy=_ELSEWHERE)
    if status >= 300:
        raise RefusedError(f"answers {status}", body, where=_place(url), remedy=_ELSEWHERE)
    return body


def _body(response: requests.Response, url: str) -> bytes:
    body = bytearray()
    for chunk in response.iter_content(_CHUNK_BYTES):
        body += chunk
        if len(body) > MAX_BYTES:
            raise DataError(
                f"the answer is larger than {MAX_BYTES:,} bytes", where=url, remedy=_ELSEWHERE
            )
    return bytes(body)


def _retry_after(response: requests.Response) -> float | None:
    """Seconds the server asks to wait, when it says so in seconds."""
    try:
        return max(0.0, float(response.headers["Retry-After"]))
    except (KeyError, ValueError):
        return None


def _agrees(content: bytes, checksum: bytes) -> bool:
    """Whether a line of `sha256sum` belongs to the content."""
    return checksum.split()[:1] == [hashlib.sha256(content).hexdigest().encode()]


def _place(url: str) -> str:
    return urlsplit(url).netloc
