"""The process that serves: its socket, its signals, and its end."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import uvicorn

from lago_cli.errors import LagoError, wrong_usage
from lago_cli.server.app import application
from lago_cli.server.service import Service

BACKLOG = 2048
_IDLE_SECONDS = 75  # longer than clients keep a connection for the next request
_DRAIN_SECONDS = 30
_INTERRUPTED = 130
_SWITCH_SECONDS = 0.0001  # the writer must not wait 5 ms for the event loop at each statement


def listen(host: str, port: int) -> socket.socket:
    """
    A socket that takes connections.

    Raises:
        LagoError: wrong usage, where the address is not to be had.
    """
    bare = host.strip("[]")
    family = socket.AF_INET6 if ":" in bare else socket.AF_INET
    try:
        listener = socket.create_server((bare, port), family=family, backlog=BACKLOG)
        # an answer's two pieces must not wait for each other; connections inherit it
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listener
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise wrong_usage(
            "address_not_available",
            f"{host}:{port} cannot be listened on: {reason}.",
            "Choose another --port; 0 takes any that is free.",
        ) from None


def url_of(listener: socket.socket, host: str) -> str:
    port = listener.getsockname()[1]
    name = f"[{host}]" if ":" in host and not host.startswith("[") else host
    return f"http://{name}:{port}"


def serve(service: Service, listener: socket.socket, listening: Callable[[], object]) -> None:
    """
    Answer until SIGTERM or SIGINT, then let what was accepted be stored. A second one ends it.

    Args:
        listening: called once requests are answered.

    Raises:
        LagoError: the file cannot be opened.
    """
    failed: list[LagoError] = []
    sys.setswitchinterval(_SWITCH_SECONDS)
    server = server_of(service, listening, failed.append)
    with listener:
        asyncio.run(server.serve(sockets=[listener]))
    if failed:
        raise failed[0]


def server_of(
    service: Service, listening: Callable[[], object], failed: Callable[[LagoError], object]
) -> uvicorn.Server:
    """
    A server that is not started; it ends once its `should_exit` is set.

    Args:
        listening: called once requests are answered.
        failed: told why it could not start.
    """
    config = uvicorn.Config(
        application(service, failed),
        http="httptools",
        ws="none",
        loop="asyncio",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=_IDLE_SECONDS,
        timeout_graceful_shutdown=_DRAIN_SECONDS,
        backlog=BACKLOG,
    )
    return _Server(config, listening)


class _Server(uvicorn.Server):
    """Uvicorn's, with our signals and a word when it listens."""

    def __init__(self, config: uvicorn.Config, listening: Callable[[], object]) -> None:
        super().__init__(config)
        self._listening = listening

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._listening()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            with suppress(NotImplementedError, RuntimeError, ValueError):
                loop.add_signal_handler(number, self._stop)
        yield

    def _stop(self) -> None:
        if self.should_exit:
            os._exit(_INTERRUPTED)
        self.should_exit = True
