"""
Endpoints as data: a method, a path, and a function from a store and a request to an answer.

`reads` are asked beside each other, each of the file of one moment; `writes` go through the one
writer. A function returns what becomes the JSON body, or an `Answer` of its own.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple
from urllib.parse import parse_qsl

from lago_cli.server import bodies
from lago_cli.server.failures import bad_request
from lago_cli.server.pagination import Page, page_of

if TYPE_CHECKING:
    from lago_cli.server.pieces import Pieces
    from lago_cli.server.service import Service
    from lago_cli.server.sessions import Visitor
    from lago_cli.stores.sqlite.store import SqliteStore

Query = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Request:
    """One request, as handlers see it."""

    path: Mapping[str, str]  # what stands in the places of the path, decoded
    query: Query  # in its order; a key may come again
    body: bytes
    now: int  # microseconds since 1970
    headers: Sequence[tuple[bytes, bytes]] = ()
    service: Service = None  # type: ignore[assignment]
    visitor: Visitor | None = None  # of the page
    is_secure: bool = False  # it came over https

    def get(self, key: str, *others: str) -> str | None:
        """The last value of a key of the query, or of another one that means the same."""
        names = {key, *others}
        return next((value for name, value in reversed(self.query) if name in names), None)

    def all(self, key: str) -> list[str]:
        """All values of a key, also written `key[]`."""
        return [value for name, value in self.query if name in (key, f"{key}[]")]

    @property
    def page(self) -> Page:
        return page_of(self.get("page"), self.get("per_page"))

    @property
    def form(self) -> Query:
        """The fields of a form, in their order. Raises `ApiError` (400)."""
        try:
            text = self.body.decode()
            return parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=1000)
        except ValueError:
            raise bad_request("the form cannot be read") from None

    @property
    def token(self) -> str:
        """What the forms of a page have to carry, in the field `token`."""
        return self.service.sessions.token(self.visitor) if self.visitor else ""

    def root(self, name: str) -> Mapping[str, Any]:
        """The object under a root of the JSON body. Raises `ApiError` (400)."""
        return bodies.root_of(bodies.read(self.body), name)


class Answer(NamedTuple):
    """An answer that is no plain JSON with status 200."""

    body: bytes | Pieces
    content_type: str = "application/json"
    status: int = 200
    headers: Sequence[tuple[str, str]] = ()


Body = Mapping[str, Any]
Handler = Callable[["SqliteStore", Request], Body | Answer]
Taking = Callable[[Request], Awaitable[Body | Answer]]


class Endpoint(NamedTuple):
    """One method of one path; `{code}` in the path is a segment, `{code:path}` may have more."""

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
    path: str
    handler: Handler | Taking
    writes: bool
    on_loop: bool = False  # the handler is one that asks the writer or the readers itself


def reads(method: Literal["GET", "POST"], path: str, handler: Handler) -> Endpoint:
    """An endpoint that changes nothing; it is there with `--read-only`, too."""
    return Endpoint(method, path, handler, writes=False)


def writes(
    method: Literal["POST", "PUT", "PATCH", "DELETE"], path: str, handler: Handler
) -> Endpoint:
    """An endpoint that changes the file, in one transaction."""
    return Endpoint(method, path, handler, writes=True)


def takes(
    method: Literal["GET", "POST"], path: str, taking: Taking, *, writing: bool = False
) -> Endpoint:
    """An endpoint on the event loop, which asks the writer or the readers itself."""
    return Endpoint(method, path, taking, writing, on_loop=True)
