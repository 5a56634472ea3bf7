"""A server on loopback that behaves like the exchange, and can be told to misbehave."""

from __future__ import annotations

import hashlib
import io
import json
import threading
import time
import zipfile
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from atb.clock import now_ms, parse_time, to_datetime
from atb.market.candles import COLUMNS, Candles
from atb.market.download import Patience
from atb.market.klines import Endpoints

SWITCH_MS = parse_time("2025-01-01")  # archives hold microseconds from here on


@dataclass
class Exchange:
    """Serves candles as archives and klines.

    `absent` are archive names answered 404; `faults` maps a part of a path to the faults of its
    next answers, each a status, a body, or "cut", "corrupt", "stall", "drop", "double"; `asked` are
    the paths so far. With a clock (`now`, ms) it tells the time and has no bar that has not opened;
    the last is unfinished, and sent whatever end is asked for if it is `careless`. `left_out` are
    bars that it has only from a time on.
    """

    candles: object
    header: bool = False
    absent: set = field(default_factory=set)
    faults: dict = field(default_factory=dict)
    asked: list = field(default_factory=list)
    retry_after: str = "0.01"
    now: object = None
    careless: bool = False
    left_out: dict = field(default_factory=dict)
    port: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def endpoints(self):
        base = f"http://127.0.0.1:{self.port}"
        patience = Patience(first_wait=0.01, longest_wait=2, silence=5)
        return Endpoints(f"{base}/data/spot", f"{base}/api/v3", patience)

    def count(self, part):
        return sum(part in path for path in self.asked)

    def fault(self, path):
        with self.lock:
            self.asked.append(path)
            for part, waiting in self.faults.items():
                if part in path and waiting:
                    return waiting.pop(0)
        return None

    def answer(self, path):
        """Status and body."""
        parts = urlsplit(path)
        if parts.path == "/api/v3/time":
            return 200, json.dumps({"serverTime": (self.now or now_ms)()}).encode()
        if parts.path == "/api/v3/klines":
            return self.klines({name: value[0] for name, value in parse_qs(parts.query).items()})
        name = parts.path.rsplit("/", 1)[-1].removesuffix(".CHECKSUM")
        known = name.endswith(".zip") and name not in self.absent
        content = self.archive(name) if known else None
        if content is None:
            return 404, b"<Error>NoSuchKey</Error>"
        if parts.path.endswith(".CHECKSUM"):
            return 200, f"{hashlib.sha256(content).hexdigest()}  {name}\n".encode()
        return 200, content

    def klines(self, query):
        if query["symbol"] != self.candles.symbol:
            return 400, json.dumps({"code": -1121, "msg": "Invalid symbol."}).encode()
        part, limit = self.candles, int(query["limit"])
        if self.now is not None:
            part = self.as_it_stands(self.now())
        if not self.careless:
            part = part.between(None, int(query["endTime"]) + 1)
        if "startTime" in query:
            part = part.between(int(query["startTime"]), None).rows(0, limit)
        else:
            part = part.rows(max(0, len(part) - limit), len(part))
        return 200, json.dumps([self.row(part, i, 1, repr) for i in range(len(part))]).encode()

    def as_it_stands(self, now):
        """The bars that have opened, but for those left out; a part of the last one's volume."""
        part = self.candles.between(None, now + 1)
        kept = [self.left_out.get(time, now) <= now for time in part.time.tolist()]
        columns = {name: getattr(part, name)[kept].copy() for name in ("time", *COLUMNS)}
        columns["volume"][part.close_time[kept] > now] /= 2
        return Candles.from_columns(part.symbol, part.timeframe, columns)

    def archive(self, name):
        """A zip as the exchange writes it, or None where it has none."""
        symbol, timeframe, date = name.removesuffix(".zip").split("-", 2)
        if (symbol, timeframe) != (self.candles.symbol, self.candles.timeframe):
            return None
        start = parse_time(date if len(date) > 7 else f"{date}-01")
        days = 1 if len(date) > 7 else 31
        part = self.candles.between(start, start + days * 86_400_000)
        rows = [
            i
            for i in range(len(part))
            if to_datetime(int(part.time[i])).isoformat()[: len(date)] == date
        ]
        if not rows:
            return None
        per_ms = 1000 if start >= SWITCH_MS else 1
        lines = [",".join(map(str, self.row(part, i, per_ms, repr))) for i in rows]
        if self.header:
            lines.insert(
                0,
                "open_time,open,high,low,close,volume,close_time,quote_volume,count,"
                "taker_buy_volume,taker_buy_quote_volume,ignore",
            )
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as bundle:
            info = zipfile.ZipInfo(name.replace(".zip", ".csv"))
            bundle.writestr(info, "\n".join(lines) + "\n")
        return out.getvalue()

    def row(self, part, i, per_ms, text):
        values = [text(float(getattr(part, name)[i])) for name in COLUMNS]
        return [
            int(part.time[i]) * per_ms,
            *values,
            (int(part.close_time[i]) - 1) * per_ms,
            "0",
            1,
            "0",
            "0",
            "0",
        ]


@contextmanager
def serving(exchange):
    """The exchange on a free port of loopback while the body runs."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # a body after its headers would wait for 40 ms

        def log_message(self, *words):
            pass

        def do_GET(self):
            fault = exchange.fault(self.path)
            status, body = exchange.answer(self.path)
            if fault == "drop":
                self.close_connection = True
                return
            if isinstance(fault, int):
                status, body = fault, b"trouble"
            if isinstance(fault, bytes):
                body = fault
            if fault == "double":
                body = json.dumps([row for row in json.loads(body) for _ in range(2)]).encode()
            if fault == "stall":
                time.sleep(60)
            if fault == "corrupt":
                body = body[:-40] + bytes(40)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            if status in (418, 429):
                self.send_header("Retry-After", exchange.retry_after)
            self.end_headers()
            if fault == "cut":
                self.wfile.write(body[: len(body) // 2])
                self.wfile.flush()
                self.connection.close()
                self.close_connection = True
                return
            self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    exchange.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield exchange
    finally:
        server.shutdown()
        thread.join()
