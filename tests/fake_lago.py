"""
A Lago of a few lines, on loopback: it keeps events once, and does what a test tells it to.

`fake.next(...)` says what becomes of the requests that come next, one each: a `Reply`, `DROP` (the
connection is cut before anything is kept) or `LOSE` (it is cut after it, so that nobody hears of
it). `fake.faults` tells what is wrong with an event, in Lago's words.
"""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Mapping
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal, NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

Event = dict[str, Any]
DROP: Literal["drop"] = "drop"
LOSE: Literal["lose"] = "lose"
TAKEN = {"transaction_id": ["value_already_exist"]}


class Reply(NamedTuple):
    """What is answered whatever was asked."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = {}


def invalid(details: Any) -> Reply:
    body = {"status": 422, "error": "Unprocessable Entity", "code": "validation_errors"}
    return Reply(422, {**body, "error_details": details})


def missing(what: str) -> Reply:
    return Reply(404, {"status": 404, "error": "Not Found", "code": f"{what}_not_found"})


class FakeLago:
    """A context manager: it serves on a port of its own as long as it is open."""

    def __init__(self, prefix: str = "", key: str | None = None) -> None:
        self.prefix, self.key = prefix, key
        self.events: dict[tuple[str | None, str], Event] = {}
        self.arrived: list[str] = []  # transaction ids, as they were kept
        self.requests: list[tuple[str, str, Any]] = []  # method, path, body
        self.usage: dict[str, Reply] = {}  # current usage, by subscription
        self.past: dict[str, Reply] = {}
        self.faults: Callable[[Event], Any] = lambda _: None
        self.keyed = True  # whether it says which event of a batch it means
        self.most = 100
        self._coming: list[Reply | str] = []
        self._lock = threading.Lock()

    def next(self, *steps: Reply | str) -> None:
        self._coming += steps

    def __enter__(self) -> FakeLago:
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                fake._answer(self)

            def do_POST(self) -> None:
                fake._answer(self)

            def log_message(self, *_: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            def handle_error(self, *_: object) -> None:
                """Who was killed hears no answer."""
                if not isinstance(sys.exc_info()[1], ConnectionError):
                    raise

        self._server = Server(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}{self.prefix}"

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        length = int(handler.headers.get("Content-Length", 0))
        body = handler.rfile.read(length)
        if len(body) < length:  # who sent it was killed
            handler.close_connection = True
            return
        with self._lock:
            sent = json.loads(body, parse_float=Decimal) if body else None
            self.requests.append((handler.command, handler.path, sent))
            step = self._coming.pop(0) if self._coming else None
            if step == DROP:
                handler.close_connection = True
                return
            given = handler.headers.get("Authorization")
            if isinstance(step, Reply):
                reply = step
            elif self.key is not None and given != f"Bearer {self.key}":
                reply = Reply(401, {"status": 401, "error": "Unauthorized"})
            else:
                reply = self._reply(handler.path, sent)
            if step == LOSE:
                handler.close_connection = True
                return
        self._write(handler, reply)

    @staticmethod
    def _write(handler: BaseHTTPRequestHandler, reply: Reply) -> None:
        text = reply.body if isinstance(reply.body, str) else json.dumps(reply.body or {})
        handler.send_response(reply.status)
        for name, value in {"Content-Type": "application/json", **reply.headers}.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(text.encode())))
        handler.end_headers()
        handler.wfile.write(text.encode())

    def _reply(self, target: str, sent: Any) -> Reply:
        parts = urlsplit(target)
        path = parts.path.removeprefix(f"{self.prefix}/api/v1")
        if path == "/events/batch" and parts.path != path:
            return self._keep(sent["events"])
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        words = [unquote(word) for word in path.split("/")]
        if words[1:2] == ["customers"] and words[3:] in (["current_usage"], ["past_usage"]):
            answers = self.usage if words[3] == "current_usage" else self.past
            unknown = Reply(
                404, {"status": 404, "error": "Not Found", "code": "customer_not_found"}
            )
            return answers.get(asked.get("external_subscription_id", ""), unknown)
        return Reply(404, {"status": 404, "error": "Not Found", "code": "resource_not_found"})

    def _keep(self, events: list[Event]) -> Reply:
        """All or nothing, as Lago does."""
        if not 0 < len(events) <= self.most:
            return invalid({"events": ["too_many_events" if events else "no_events"]})
        names = [(each.get("external_subscription_id"), each["transaction_id"]) for each in events]
        wrong = {
            str(at): TAKEN if name in self.events or name in names[:at] else fault
            for at, (name, each) in enumerate(zip(names, events, strict=True))
            if (fault := self.faults(each)) or name in self.events or name in names[:at]
        }
        if wrong and self.keyed:
            return invalid(wrong)
        if wrong:
            return invalid(next(iter(wrong.values())) if len(events) == 1 else {"events": ["bad"]})
        self.events |= dict(zip(names, events, strict=True))
        self.arrived += [name for _, name in names]
        return Reply(200, {"events": [{"transaction_id": name} for _, name in names]})
