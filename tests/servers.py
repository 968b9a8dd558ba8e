"""
Servers for tests: real sockets on loopback, in a thread of the tests or in a process of their own.

A thread is there in some milliseconds; a process can be killed.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import threading
import time
from contextlib import contextmanager
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import httpx
import uvicorn.server

from lago_cli.server.service import Options, Service
from lago_cli.server.serving import listen, server_of, url_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.conftest import Lago

SECONDS = 30
NO_TLS = False  # certificates that are never asked for take longer to read than a server to start


class _Hasty:
    """`asyncio` for uvicorn, which looks ten times a second whether it should end."""

    def __getattr__(self, name: str) -> Any:
        return getattr(asyncio, name)

    @staticmethod
    async def sleep(seconds: float) -> None:
        await asyncio.sleep(seconds / 20)


uvicorn.server.asyncio = _Hasty()  # type: ignore[assignment]


class Api:
    """Asks a server as a client of Lago's API would."""

    def __init__(self, url: str, key: str | None = None) -> None:
        self.url = url
        headers = {"authorization": f"Bearer {key}"} if key else {}
        self.http = httpx.Client(base_url=url, headers=headers, timeout=SECONDS, verify=NO_TLS)

    def __call__(
        self, method: str, path: str, body: Any = None, *, status: int = 200, **query: Any
    ) -> Any:
        """
        The JSON that is answered, with every digit of its numbers.

        Args:
            path: Below `/api/v1`, encoded.
            status: What the test expects.
        """
        content = None if body is None else json.dumps(body).encode()
        headers = {"content-type": "application/json"} if content is not None else {}
        answer = self.http.request(
            method, f"/api/v1{path}", content=content, headers=headers, params=query or None
        )
        assert answer.status_code == status, f"{answer.status_code}: {answer.text}"
        return json.loads(answer.text, parse_float=Decimal) if answer.content else None

    def send(self, *events: dict[str, Any], status: int = 200) -> Any:
        """Send events as one batch."""
        return self("POST", "/events/batch", {"events": list(events)}, status=status)


@contextmanager
def serving(
    path: Path, *, now: Callable[[], int] | None = None, **options: Any
) -> Iterator[tuple[Api, Service]]:
    """A server on a file, which is made where it is missing, in a thread."""
    from lago_cli.stores import open_store

    if not options.get("read_only"):
        with open_store(str(path), writable=True, busy_timeout=SECONDS):
            pass
    listener = listen("127.0.0.1", 0)
    clock = now or (lambda: time.time_ns() // 1000)
    service = Service(Options(str(path), clock, **options))
    ready = threading.Event()
    failed: list[Exception] = []
    server = server_of(service, ready.set, failed.append)
    thread = threading.Thread(
        target=lambda: asyncio.run(server.serve(sockets=[listener])), daemon=True
    )
    thread.start()
    try:
        while not ready.wait(0.05):
            assert thread.is_alive(), failed
        api = Api(url_of(listener, "127.0.0.1"), options.get("key"))
        yield api, service
        api.http.close()
    finally:
        server.should_exit = True
        thread.join(SECONDS)
        listener.close()


def start(lago: Lago, *options: object, **given: Any) -> tuple[subprocess.Popen[bytes], str]:
    """A server in a process of its own, and its URL; it ends with the test at the latest."""
    process = lago.start("serve", "--port", 0, *options, **given)
    assert process.stderr is not None
    for line in iter(process.stderr.readline, b""):
        if b" serves " in line:
            return process, line.split()[0].decode()
    raise AssertionError(f"it does not serve; exit code {process.wait()}")
