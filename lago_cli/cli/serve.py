"""`lago serve`: Lago's API and a page, on one file."""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated, Literal

import typer

from lago_cli.cli.options import command
from lago_cli.cli.session import Session, say
from lago_cli.errors import wrong_usage

_CLIENTS, _BROWSERS = "Clients", "Browsers"

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
        help="What clients have to show. Needed with a --host that others can reach. Other people"
        " of this machine see it among the processes; not so in $LAGO_KEY.",
        rich_help_panel=_CLIENTS,
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
        rich_help_panel=_CLIENTS,
    ),
]
Origins = Annotated[
    list[str] | None,
    typer.Option(
        "--cors-origin",
        metavar="ORIGIN",
        help="Let pages of that origin use the API; may be repeated.",
        rich_help_panel=_BROWSERS,
    ),
]
Hosts = Annotated[
    list[str] | None,
    typer.Option(
        "--allowed-host",
        metavar="NAME",
        help="Another name by which it is called, of a proxy; may be repeated.",
        rich_help_panel=_BROWSERS,
    ),
]
Open = Annotated[
    bool, typer.Option("--open", help="Show the page in the browser.", rich_help_panel=_BROWSERS)
]


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
    Serve Lago's API, and a page that shows usage.

    It runs until it is stopped, with Ctrl-C or SIGTERM: everything accepted is stored then.
    """
    _check_key(key)
    origins = tuple(_origin(each) for each in cors_origin or ())
    from lago_cli.server.guard import host_of, is_loopback
    from lago_cli.server.service import Options, Service
    from lago_cli.server.serving import listen, url_of
    from lago_cli.server.serving import serve as serve_on

    for name in allowed_host or ():
        if host_of(name) is None:
            hint = "For example: --allowed-host billing.example.com"
            raise wrong_usage("invalid_host", f'--allowed-host: "{name}" is no name.', hint)
    if key is None and not is_loopback(host):
        raise wrong_usage(
            "key_needed",
            f"Others can reach {host or 'every address'}, and nobody is asked for a key.",
            "Choose one with --key or $LAGO_KEY; or listen on 127.0.0.1.",
        )
    if key is None and allowed_host:
        session.warn(f"Whoever reaches {allowed_host[0]} needs no key; choose one with $LAGO_KEY.")
    with listen(host, port) as listener:
        session.prepare(writable=not read_only)
        options = Options(
            session.db,
            session.now,
            host=host,
            key=key,
            read_only=read_only,
            on_duplicate=on_duplicate,
            cors_origins=origins,
            allowed_hosts=tuple(allowed_host or ()),
            busy_timeout=session.busy_timeout,
        )
        service = Service(options)
        url = url_of(listener, host)

        def listening() -> None:
            ending = "" if session.quiet else f" serves {session.db}; stop it with Ctrl-C"
            say(url + ending)
            if open_:
                ticket = None if key is None else service.sessions.ticket()
                _show(url_of(listener, host, to_open=True), ticket)

        serve_on(service, listener, listening)


def _check_key(key: str | None) -> None:
    """Raises `LagoError` where no client could show it."""
    if key is None:
        return
    if not key.strip():
        raise wrong_usage("empty_key", "The key is empty.", "Leave it out, or choose a long one.")
    if not key.isascii() or not key.isprintable() or " " in key:
        raise wrong_usage(
            "invalid_key",
            "A key is of letters, digits and signs, without spaces: it stands in a header.",
            "Make one: openssl rand -hex 32",
        )


def _origin(given: str) -> str:
    """An origin as browsers write it. Raises `LagoError` where it is none."""
    from urllib.parse import urlsplit

    with suppress(ValueError):
        parts = urlsplit(given.lower())
        if (
            parts.scheme
            and parts.hostname
            and given.lower().rstrip("/") == (f"{parts.scheme}://{parts.netloc}")
        ):
            return f"{parts.scheme}://{parts.netloc}"
    raise wrong_usage(
        "invalid_origin",
        f'--cors-origin: "{given}" is no origin.',
        "For example: --cors-origin https://app.example.com",
    )


def _show(url: str, ticket: str | None) -> None:
    """In a thread: some browsers come back only when they are closed."""
    import webbrowser
    from threading import Thread

    ending = "" if ticket is None else f"/login?ticket={ticket}"
    Thread(target=webbrowser.open, args=(url + ending,), daemon=True).start()
