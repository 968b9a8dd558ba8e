"""The style sheet, the script and the icon: files beside the templates, served as they are."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache, partial
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from lago_cli.server.routes import Answer, Endpoint, Request, reads

if TYPE_CHECKING:
    from lago_cli.stores.sqlite.store import SqliteStore

FOLDER = Path(__file__).with_name("static")
TYPES = {
    "style.css": "text/css; charset=utf-8",
    "page.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
_A_YEAR = ("cache-control", "private, max-age=31536000, immutable")


def endpoints() -> Iterator[Endpoint]:
    for name in TYPES:
        yield reads("GET", f"/static/{name}", partial(_file, name))


@cache
def content(name: str) -> bytes:
    return (FOLDER / name).read_bytes()


@cache
def address(name: str) -> str:
    """Its address changes with its content, so that browsers may keep it."""
    return f"/static/{name}?v={sha256(content(name)).hexdigest()[:12]}"


def _file(name: str, _store: SqliteStore, _request: Request) -> Answer:
    return Answer(content(name), TYPES[name], headers=(_A_YEAR,))
