"""One graph is opened once for all who hold it, and closed with the last of them."""

from __future__ import annotations

import gc
import weakref
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from atb.errors import IntegrityError
from atb.runtime import pool
from atb.runtime.session import Session


def content(model, **says: str) -> bytes:
    return (model(**says) / "model.onnx").read_bytes()


def test_the_same_bytes_are_opened_once(model):
    graph = content(model)
    first = pool.shared(graph, "a")
    assert pool.shared(bytes(bytearray(graph)), "b") is first
    assert pool.shared(content(model, symbol="ETHUSDT"), "c") is not first


def test_what_nobody_holds_is_closed(model):
    graph = content(model)
    seen = weakref.ref(pool.shared(graph, "a"))
    gc.collect()
    assert seen() is None


def test_threads_that_come_at_once_share_one(model, monkeypatch):
    graph, opened = content(model), []
    real = pool._opened
    monkeypatch.setattr(pool, "_opened", lambda *given: opened.append(1) or real(*given))
    with ThreadPoolExecutor(8) as threads:
        sessions = list(threads.map(lambda _: pool.shared(graph, "a"), range(64)))
    assert len({id(session) for session in sessions}) == 1 == len(opened)


def test_threads_that_run_one_session_get_their_own_answers(model):
    folder = model()
    sessions = [Session.open(folder) for _ in range(4)]
    windows = np.full((64, 1, 6, 5), 100, np.float32)
    windows[:, 0, -1, 3] = np.arange(100, 164)
    with ThreadPoolExecutor(4) as threads:
        said = list(threads.map(lambda i: sessions[i % 4].run(windows[i])[0], range(64)))
    assert said == pytest.approx(np.log(np.arange(100, 164) / 100), abs=1e-6)


@pytest.mark.parametrize("graph", [b"", b"no graph", bytes(1000)])
def test_what_is_no_graph_is_refused_and_not_kept(graph):
    for _ in range(2):
        with pytest.raises(IntegrityError, match="here"):
            pool.shared(graph, "here")
