"""The application: its resources, and what calls their functions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote

from starlette.routing import Route, Router

from lago_cli.errors import LagoError
from lago_cli.server import api, bodies, pages, signing_in
from lago_cli.server.exchange import Disconnected, as_json, respond
from lago_cli.server.failures import ApiError, as_api_error, bad_request, not_found
from lago_cli.server.guard import Guard, is_api
from lago_cli.server.health import HEALTH
from lago_cli.server.routes import Answer, Body, Endpoint, Handler, Request

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from lago_cli.server.service import Service
    from lago_cli.stores.sqlite.store import SqliteStore

PREFIX = "/api/v1"


def application(service: Service, failed: Callable[[Exception], object]) -> ASGIApp:
    """
    What an ASGI server serves: the API, the page, and what watches over both.

    Args:
        failed: told why it could not start.
    """

    @asynccontextmanager
    async def lifespan(_: object) -> AsyncIterator[None]:
        try:
            await service.start()
        except Exception as error:
            failed(error)
            raise
        try:
            yield
        finally:
            await service.stop()

    resources = [
        *_resources(service, api.endpoints(), PREFIX, as_json),
        *_resources(service, HEALTH, "", as_json),
        *_resources(
            service,
            chain(signing_in.ENDPOINTS, pages.endpoints()),
            "",
            partial(pages.failure, service),
        ),
    ]
    # a bare router: an application of Starlette answers a bug itself, with its traceback
    router = Router(resources, redirect_slashes=False, default=_Unknown(service), lifespan=lifespan)
    return Guard(_at_once(resources, router), service)


def _at_once(routes: Sequence[Route], router: Router) -> ASGIApp:
    """Paths without places are looked up; only others are matched, one route after another."""
    fixed = {route.path: route.app for route in routes if "{" not in route.path}

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        resource = fixed.get(scope["path"], router) if scope["type"] == "http" else router
        await resource(scope, receive, send)

    return app


Failure = Callable[[ApiError], Answer]


def _resources(
    service: Service, endpoints: Iterable[Endpoint], prefix: str, failure: Failure
) -> list[Route]:
    """A resource for each path, in the order in which paths come."""
    by_path: dict[str, dict[str, Endpoint]] = defaultdict(dict)
    for endpoint in endpoints:
        by_path[endpoint.path][endpoint.method] = endpoint
    return [
        Route(prefix + path, _Resource(service, methods, failure))
        for path, methods in by_path.items()
    ]


class _Resource:
    """One path: an ASGI application that answers its methods."""

    def __init__(self, service: Service, methods: dict[str, Endpoint], failure: Failure) -> None:
        self._service = service
        self._methods = methods
        self._failure = failure

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            answer = await self._answer(scope, receive)
        except Disconnected:
            return
        except LagoError as error:
            answer = self._failure(as_api_error(error))
        except ApiError as error:
            answer = self._failure(error)
        await respond(scope, send, answer, receive)

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        endpoint = self._methods.get(method)
        if endpoint is None:
            reading = {"HEAD"} if "GET" in self._methods else set()
            allowed = ", ".join(sorted({*self._methods, *reading}))
            raise ApiError(405, "method_not_allowed", headers={"Allow": allowed})
        service = self._service
        if endpoint.writes:
            service.refuse_to_write()
        body = await service.room.body(receive, service.options.body_limit)
        try:
            found = await self._found(endpoint, scope, body)
        finally:
            service.room.leave(len(body))
        return found if isinstance(found, Answer) else Answer(bodies.write(found))

    async def _found(self, endpoint: Endpoint, scope: Scope, body: bytes) -> Body | Answer:
        service = self._service
        request = Request(
            path={name: _decoded(value) for name, value in scope.get("path_params", {}).items()},
            query=_query(scope["query_string"]),
            body=body,
            now=service.options.now(),
            headers=scope["headers"],
            service=service,
            visitor=scope.get("visitor"),
            is_secure=scope.get("scheme") == "https",
        )
        if endpoint.writes and request.visitor is not None:
            signing_in.check_token(request)
        handler: Any = endpoint.handler
        if endpoint.on_loop:
            answer: Body | Answer = await handler(request)
            return answer
        if endpoint.writes:
            return await service.write(partial(_changed, handler, request))
        return await service.read(partial(_asked, handler, request))


class _Unknown:
    """Every path that nothing answers."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        error = not_found("resource_not_found")
        answer = as_json(error) if is_api(scope["path"]) else pages.failure(self._service, error)
        await respond(scope, send, answer)


def _asked(handler: Handler, request: Request, store: SqliteStore) -> Body | Answer:
    return handler(store, request)


def _changed(handler: Handler, request: Request, store: SqliteStore) -> Body | Answer:
    """What is read for a change is read in the transaction that makes it."""
    with store.writing():
        return handler(store, request)


def _query(given: bytes) -> list[tuple[str, str]]:
    """Raises `ApiError` (400) where it is no text, or too much."""
    try:
        return parse_qsl(
            given.decode("latin-1"), keep_blank_values=True, errors="strict", max_num_fields=1000
        )
    except ValueError:
        raise bad_request("the query cannot be read") from None


def _decoded(segment: str) -> str:
    """Raises `ApiError` (404) where it is no text: nothing is called so."""
    try:
        return unquote(segment, errors="strict")
    except UnicodeDecodeError:
        raise not_found("resource_not_found") from None
