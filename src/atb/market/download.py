"""Bytes over HTTP, patiently: retried with growing waits, limited in size, verified by SHA-256.

It knows servers and files on disk, and nothing of exchanges or candles.
"""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests

from atb import atomic
from atb.errors import DataError, SourceUnavailableError

MAX_BYTES = 256 * 2**20
_CHUNK_BYTES = 2**18
_ELSEWHERE = "try again later, or give a file, with --candles PATH"


class UnservedError(SourceUnavailableError):
    """No page, for a reason given; `wait` in seconds when the server says how long to keep away."""

    def __init__(
        self, what: str, *, where: str = "", remedy: str = "", wait: float | None = None
    ) -> None:
        super().__init__(what, where=where, remedy=remedy)
        self.wait = wait


class MissingError(UnservedError):
    """The server has no such page."""


class RefusedError(UnservedError):
    """The server understands the request and will not serve it; `body` says why."""

    def __init__(self, what: str, body: bytes, *, where: str, wait: float | None) -> None:
        super().__init__(what, where=where, remedy=_ELSEWHERE, wait=wait)
        self.body = body


class _TransientError(UnservedError):
    """Something that may be gone at the next attempt."""

    def __init__(self, what: str, *, wait: float | None = None, answered: bool = True) -> None:
        super().__init__(what, wait=wait)
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
        return min(self.first_wait * 2.0 ** min(attempt, 64), self.longest_wait)


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
        UnservedError: when all attempts fail.
    """
    for attempt in range(patience.attempts):
        try:
            return _once(session, url, patience, params)
        except _TransientError as error:
            problem = error
        wait = patience.wait(attempt) if problem.wait is None else problem.wait
        attempts = patience.attempts if problem.answered else patience.unreachable
        if wait > patience.longest_wait or attempt + 1 >= min(attempts, patience.attempts):
            break
        time.sleep(wait)
    raise UnservedError(
        problem.what, where=_place(url), remedy=_ELSEWHERE, wait=problem.wait
    ) from problem


def get_json(
    session: requests.Session,
    url: str,
    patience: Patience,
    params: Mapping[str, str | int] | None = None,
) -> Any:
    """What a page says in JSON.

    Raises:
        DataError: when it is no JSON.
        SourceUnavailableError: as `get`.
    """
    try:
        return json.loads(get(session, url, patience, params))
    except ValueError as error:
        raise DataError("the answer is no JSON", where=url, remedy="try again later") from error


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
        raise RefusedError(
            f"answers {status}", body, where=_place(url), wait=_retry_after(response)
        )
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
        seconds = float(response.headers["Retry-After"])
    except (KeyError, ValueError):
        return None
    return max(0.0, seconds) if math.isfinite(seconds) else None


def _agrees(content: bytes, checksum: bytes) -> bool:
    """Whether a line of `sha256sum` belongs to the content."""
    return checksum.split()[:1] == [hashlib.sha256(content).hexdigest().encode()]


def _place(url: str) -> str:
    return urlsplit(url).netloc
