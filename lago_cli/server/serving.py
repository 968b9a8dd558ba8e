"""The process that serves: its socket, its signals, and its end."""

from __future__ import annotations

import asyncio
import logging
import os
import resource
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import uvicorn

from lago_cli.errors import wrong_usage
from lago_cli.server.app import application
from lago_cli.server.connections import Connection
from lago_cli.server.gauges import where
from lago_cli.server.service import Service
from lago_cli.server.words import tell

BACKLOG = 2048
_IDLE_SECONDS = 75  # longer than clients keep a connection for the next request
_DRAIN_SECONDS = 30
_INTERRUPTED = 130
_SWITCH_SECONDS = 0.0001  # the writer must not wait 5 ms for the event loop at each statement
LOOK_EVERY = 10  # tenths of a second, at connections that may be too slow
_FILES = 8_192  # that may be open: connections are files, too

# what it has to say is said by us, and without tracebacks: they tell what was sent
logging.getLogger("uvicorn").addHandler(logging.NullHandler())
logging.getLogger("uvicorn").propagate = False


def listen(host: str, port: int) -> socket.socket:
    """
    A socket that takes connections.

    Raises:
        LagoError: wrong usage, where the address is not to be had.
    """
    bare = host.strip("[]")
    family = socket.AF_INET6 if ":" in bare else socket.AF_INET
    try:
        listener = socket.create_server(
            (bare, port),
            family=family,
            backlog=BACKLOG,
            dualstack_ipv6=bare == "::" and socket.has_dualstack_ipv6(),
        )
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
    failed: list[Exception] = []
    sys.setswitchinterval(_SWITCH_SECONDS)
    server = server_of(service, listening, failed.append)
    _allow_many_connections()
    with listener, suppress(KeyboardInterrupt):  # before it answered anybody
        asyncio.run(server.serve(sockets=[listener]))
    if failed:
        raise failed[0]


def server_of(
    service: Service, listening: Callable[[], object], failed: Callable[[Exception], object]
) -> uvicorn.Server:
    """
    A server that is not started; it ends once its `should_exit` is set.

    Args:
        listening: called once requests are answered.
        failed: told why it could not start.
    """
    config = uvicorn.Config(
        application(service, failed),
        http=Connection,
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
        asyncio.get_running_loop().set_exception_handler(_say_where)
        with suppress(SystemExit):  # it is told why
            await super().startup(sockets)
        if self.started:
            self._listening()
        else:
            self.should_exit = True

    async def on_tick(self, counter: int) -> bool:
        if counter % LOOK_EVERY == 0:
            now = asyncio.get_running_loop().time()
            for connection in list(self.server_state.connections):
                if isinstance(connection, Connection):
                    connection.look(now)
        return await super().on_tick(counter)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if number == signal.SIGHUP and signal.getsignal(number) is signal.SIG_IGN:
                continue  # nohup
            with suppress(NotImplementedError, RuntimeError, ValueError):
                loop.add_signal_handler(number, self._stop)
        yield

    def _stop(self) -> None:
        if self.should_exit:
            os._exit(_INTERRUPTED)
        self.should_exit = True


def _say_where(_loop: object, context: dict[str, Any]) -> None:
    """Of what goes wrong outside of a request, no more than of a request."""
    error = context.get("exception")
    tell(f"lago serve: {where(error) if error is not None else context.get('message')}")


def _allow_many_connections() -> None:
    with suppress(OSError, ValueError):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = _FILES if hard == resource.RLIM_INFINITY else min(_FILES, hard)
        if soft != resource.RLIM_INFINITY and soft < wanted:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
