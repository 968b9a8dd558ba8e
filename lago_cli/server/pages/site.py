"""All pages: under which address, and how each becomes an answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, TextIO
from urllib.parse import quote

import msgspec

from lago_cli.domain.customers import CUSTOMER
from lago_cli.domain.metrics import METRIC
from lago_cli.domain.plans import PLAN
from lago_cli.domain.subscriptions import SUBSCRIPTION
from lago_cli.errors import Kind, LagoError
from lago_cli.renderers import Terminal, render
from lago_cli.server.failures import STATUS_FOR
from lago_cli.server.pages import (
    explain,
    invoices,
    metrics,
    plans,
    prices,
    refused,
    registered,
    static,
    things,
    usage,
)
from lago_cli.server.pages.addresses import BY_ID, DATA, address_of
from lago_cli.server.pages.page import At, Elsewhere, Page
from lago_cli.server.pages.query import Query
from lago_cli.server.pages.writing import write
from lago_cli.server.pieces import written
from lago_cli.server.routes import Answer, Endpoint, Request, reads, takes, writes

if TYPE_CHECKING:
    from lago_cli import renderers
    from lago_cli.domain.definitions import Definition
    from lago_cli.server.failures import ApiError
    from lago_cli.server.service import Service
    from lago_cli.stores.sqlite.store import SqliteStore

PageOf = Callable[[At], Page]
DataOf = Callable[[At, str], "renderers.Answer"]
Doing = Callable[[At], "Page | Elsewhere"]
_TYPES = {"json": "application/json", "csv": "text/csv; charset=utf-8"}
_OF_ONE = "/{name}"
_REGISTERED: dict[str, Definition[Any]] = {
    registered.NEW[of.word]: of for of in (CUSTOMER, SUBSCRIPTION)
}


class View(NamedTuple):
    """A page, and the same as data."""

    path: str
    page: PageOf
    data: DataOf | None


def _views() -> Iterator[View]:
    yield View("/", usage.page, usage.data)
    yield View("/usage", usage.page, usage.data)
    yield View("/usage/explain", explain.page, explain.data)
    yield View("/events", explain.events, explain.events_data)
    yield View("/events/{name}", explain.event, explain.event_data)
    yield View("/invoices", invoices.page, invoices.data)
    yield View("/invoices/explain", invoices.explained_page, invoices.explained_data)
    yield View("/invoices/{name}", invoices.page, invoices.data)
    yield View("/ingest-runs", things.runs_page, things.runs_data)
    yield View("/ingest-runs/{name}", things.run_page, things.run_data)
    yield View("/refused", refused.page, refused.data)
    yield View("/estimate", prices.estimate, prices.estimate_data)
    yield View("/simulation", prices.simulation, prices.simulation_data)
    yield View(metrics.NEW, metrics.new, None)
    yield View("/billable-metrics", things.list_page(METRIC), things.list_data(METRIC))
    yield View("/billable-metrics/{name}", metrics.one, things.one_data(METRIC))
    yield View(plans.NEW, plans.new, None)
    for path, what in _REGISTERED.items():
        yield View(path, registered.new(what), None)
    pages: tuple[tuple[Definition[Any], PageOf], ...] = (
        (PLAN, plans.one),
        (CUSTOMER, registered.customer),
        (SUBSCRIPTION, registered.subscription),
    )
    for of, page in pages:
        section = f"/{things.SECTIONS[of.word]}"
        yield View(section, things.list_page(of), things.list_data(of))
        yield View(section + _OF_ONE, page, things.one_data(of))


def endpoints() -> Iterator[Endpoint]:
    """All of them; where two paths fit a request, the first is meant."""
    for view in _views():
        if view.data is not None:
            for ending in DATA:
                path = f"/index.{ending}" if view.path == "/" else f"{view.path}.{ending}"
                yield takes("GET", path, partial(_data, view.data, ending, view.path))
        yield reads("GET", view.path, partial(_shown, view.page, view.path))
    for path, attempt in ((metrics.TRY, metrics.attempt), (plans.TRY, plans.attempt)):
        yield reads("POST", path, partial(_shown, attempt, path))
    for path, doing in (
        (metrics.NEW, metrics.create),
        ("/billable-metrics/{name}", metrics.change),
        (plans.NEW, plans.create),
        ("/plans/{name}", plans.change),
        *((path, registered.create(of)) for path, of in _REGISTERED.items()),
        ("/customers/{name}", registered.change_customer),
        ("/subscriptions/{name}", registered.change_subscription),
        ("/ingest-runs/{name}", things.revert),
    ):
        yield writes("POST", path, partial(_done, doing, path))
    yield from static.endpoints()


def failure(service: Service, error: ApiError) -> Answer:
    """A page that says what went wrong."""
    headers = tuple(error.headers.items())
    if int(error.status) == 303:
        return Answer(b"", "text/plain; charset=utf-8", 303, headers)
    page = Page("error.html", _title(int(error.status)), status=int(error.status), has_data=False)
    page.values = {"message": error.message or "", "hint": error.hint}
    answer = write(page, None, read_only=service.options.read_only)
    return answer._replace(headers=(*answer.headers, *headers))


def _title(status: int) -> str:
    titles = {
        403: "This is not allowed",
        404: "There is no such page",
        405: "This cannot be done here",
        413: "This is too large",
        429: "The server is busy",
        503: "The file cannot be read now",
    }
    return titles.get(status, "This cannot be answered" if status < 500 else "Something is broken")


def _at(path: str, store: SqliteStore, request: Request) -> At:
    query, form = Query(request.query), Query(request.form if request.body else ())
    given = request.path.get("name", "")
    named = query.one("id") if given == BY_ID else None
    visitor, options = request.visitor, request.service.options
    return At(
        store,
        request.now,
        path.replace("{name}", quote(given, safe="")),
        query,
        named or given,
        form,
        may_write=not options.read_only,
        token=request.token,
        refusals=tuple(request.service.gathering.refusals.copy()),
        may_sign_out=options.key is not None and visitor is not None and visitor.is_signed_in,
    )


def _shown(page_of: PageOf, path: str, store: SqliteStore, request: Request) -> Answer:
    at = _at(path, store, request)
    try:
        return write(page_of(at), at)
    except LagoError as error:
        return write(_of_error(error, at), at)


def _done(doing: Doing, path: str, store: SqliteStore, request: Request) -> Answer:
    """To do something and see it: the address of a page, which can be loaded again."""
    at = _at(path, store, request)
    try:
        found = doing(at)
    except LagoError as error:
        return write(_of_error(error, at), at)
    if isinstance(found, Page):
        return write(found, at)
    place = address_of(found.section, found.name, [("done", found.done)])
    return Answer(b"", "text/plain; charset=utf-8", 303, (("Location", place),))


def _of_error(error: LagoError, at: At) -> Page:
    """What cannot be answered as it is asked; the questions of a page stay to be mended."""
    status = int(STATUS_FOR[error.kind])
    title = {Kind.NOT_FOUND: "Not found", Kind.USAGE: "This question has no answer"}.get(error.kind)
    values = {"message": error.message, "hint": error.hint, "back": at.path}
    return Page("error.html", title or _title(status), values, status, has_data=False)


async def _data(data_of: DataOf, ending: str, path: str, request: Request) -> Answer:
    """What the command line writes; words beside it are left out, as with --quiet."""

    def write_data(store: SqliteStore, stream: TextIO) -> None:
        render(data_of(_at(path, store, request), ending), ending, stream, Terminal())

    try:
        return await written(request.service, write_data, Answer(b"", _TYPES[ending]))
    except LagoError as error:
        fault = {"code": error.code, "message": error.message, "hint": error.hint}
        body = msgspec.json.encode({"error": fault})
        return Answer(body, _TYPES["json"], int(STATUS_FOR[error.kind]))
