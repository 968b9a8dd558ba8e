"""`lago serve`: Lago's API and a page, on one file."""

from __future__ import annotations

import sys
from typing import Annotated, Literal

import typer

from lago_cli.cli.options import command
from lago_cli.cli.session import Session, say
from lago_cli.errors import wrong_usage

_LOOPBACK = ("127.0.0.1", "localhost", "::1", "[::1]")

Host = Annotated[str, typer.Option("--host", metavar="ADDRESS", help="Where to listen.")]
Port = Annotated[
    int, typer.Option("--port", metavar="N", min=0, max=65535, help="0 takes any that is free.")
]
Key = Annotated[
    str | None,
    typer.Option(
        "--key",
        metavar="KEY",
        envvar="LAGO_KEY",
        help="What clients have to show. Needed with a --host that others can reach.",
    ),
]
ReadOnly = Annotated[bool, typer.Option("--read-only", help="Answer questions, change nothing.")]
OnDuplicate = Annotated[
    Literal["error", "skip"],
    typer.Option(
        "--on-duplicate",
        metavar="ACTION",
        help="What is answered to an event that is stored already: error (422, as Lago does), or"
        " skip (200, and it counts once).",
    ),
]
Origins = Annotated[
    list[str] | None,
    typer.Option("--cors-origin", metavar="ORIGIN", help="Let pages of that origin use the API."),
]
Hosts = Annotated[
    list[str] | None,
    typer.Option(
        "--allowed-host", metavar="NAME", help="Another name by which it is called, of a proxy."
    ),
]
Open = Annotated[bool, typer.Option("--open", help="Show the page in the browser.")]


def register(app: typer.Typer) -> None:
    """Add the command to the tree."""
    command(app, "serve")(serve)


def serve(
    session: Session,
    host: Host = "127.0.0.1",
    port: Port = 3000,
    key: Key = None,
    read_only: ReadOnly = False,
    on_duplicate: OnDuplicate = "error",
    cors_origin: Origins = None,
    allowed_host: Hosts = None,
    open_: Open = False,
) -> None:
    """
    Serve Lago's API, and a page that shows usage, until it is stopped.

    What is answered with 200 is stored. Ctrl-C or SIGTERM lets everything accepted be stored.
    """
    if key is not None and not key.strip():
        raise wrong_usage("empty_key", "--key is empty.", "Leave it out, or choose a long one.")
    if host not in _LOOPBACK and key is None:
        raise wrong_usage(
            "key_needed",
            f"Others can reach {host}, and nobody is asked for a key.",
            "Choose one with --key or $LAGO_KEY; or listen on 127.0.0.1.",
        )
    session.prepare(writable=not read_only)
    from lago_cli.server.service import Options, Service
    from lago_cli.server.serving import listen, url_of
    from lago_cli.server.serving import serve as serve_on

    listener = listen(host, port)
    url = url_of(listener, host)
    options = Options(
        session.db,
        session.now,
        host=host,
        key=key,
        read_only=read_only,
        on_duplicate=on_duplicate,
        cors_origins=tuple(cors_origin or ()),
        allowed_hosts=tuple(allowed_host or ()),
        busy_timeout=session.busy_timeout,
    )
    service = Service(options)

    def listening() -> None:
        say(f"{url} serves {session.db}; stop it with Ctrl-C")
        if open_:
            import webbrowser

            ending = "" if key is None else f"/login?ticket={service.sessions.ticket()}"
            webbrowser.open(url + ending)

    serve_on(service, listener, listening)
    sys.stderr.flush()
