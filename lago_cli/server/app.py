"""The application: its resources, and what calls their functions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote

from starlette.applications import Starlette
from starlette.routing import Route

from lago_cli.errors import LagoError
from lago_cli.server import api, bodies, pages
from lago_cli.server.exchange import Disconnected, as_json, body_of, respond
from lago_cli.server.failures import ApiError, as_api_error, not_found
from lago_cli.server.guard import Guard
from lago_cli.server.health import HEALTH
from lago_cli.server.routes import Answer, Endpoint, Request

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from lago_cli.server.service import Service
    from lago_cli.stores.sqlite.store import SqliteStore

PREFIX = "/api/v1"


def application(service: Service, failed: Callable[[LagoError], object]) -> ASGIApp:
    """
    What an ASGI server serves: the API, the page, and what watches over both.

    Args:
        failed: told why it could not start.
    """

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        try:
            await service.start()
        except LagoError as error:
            failed(error)
            raise
        try:
            yield
        finally:
            await service.stop()

    resources = [
        *_resources(service, api.endpoints(), PREFIX, as_json),
        *_resources(service, HEALTH, "", as_json),
        *_resources(service, pages.endpoints(), "", partial(pages.failure, service)),
    ]
    unknown = _Unknown(service)
    app = Starlette(routes=resources, lifespan=lifespan, exception_handlers={})
    app.router.default = unknown
    app.router.redirect_slashes = False
    return Guard(_Raw(app), service)


class _Raw:
    """
    Lets paths be matched as they were sent, and their segments be decoded after that.

    So a plan called `a/b` is `/plans/a%2Fb`, whatever other paths there are.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        raw = scope.get("raw_path")
        if scope["type"] == "http" and raw is not None:
            scope = {**scope, "path": raw.decode("latin-1")}
        await self._app(scope, receive, send)


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
        await respond(scope, send, answer)

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        endpoint = self._methods.get(method)
        if endpoint is None:
            allowed = ", ".join(sorted(self._methods))
            raise ApiError(405, "method_not_allowed", headers={"Allow": allowed})
        service = self._service
        if endpoint.writes:
            service.refuse_to_write()
        request = Request(
            path={name: _decoded(value) for name, value in scope["path_params"].items()},
            query=parse_qsl(
                scope["query_string"].decode("latin-1"), keep_blank_values=True, max_num_fields=1000
            ),
            body=await body_of(receive, service.options.body_limit),
            now=service.options.now(),
            headers=scope["headers"],
            service=service,
            visitor=scope.get("visitor"),
        )
        if endpoint.writes and request.visitor is not None:
            _check_token(request)
        found: Any
        if endpoint.takes is not None:
            found = await endpoint.takes(request)
        elif endpoint.writes:
            found = await service.write(partial(_call, endpoint, request))
        else:
            found = await service.read(partial(_call, endpoint, request))
        return found if isinstance(found, Answer) else Answer(bodies.write(found))


class _Unknown:
    """Every path that nothing answers."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        error = not_found("resource_not_found")
        is_api = scope["path"].startswith("/api")
        await respond(
            scope, send, as_json(error) if is_api else pages.failure(self._service, error)
        )


def _call(endpoint: Endpoint, request: Request, store: SqliteStore) -> Any:
    return endpoint.handler(store, request)


def _check_token(request: Request) -> None:
    """Raises `ApiError` (403) where a form was not made for this visitor."""
    token = next((value for name, value in request.form if name == "token"), "")
    if request.visitor is None or not request.service.sessions.is_token(request.visitor, token):
        message = "The form is too old: load the page again."
        raise ApiError(403, "invalid_token", message=message)


def _decoded(segment: str) -> str:
    """Raises `ApiError` (404) where it is no text: nothing is called so."""
    try:
        return unquote(segment, errors="strict")
    except UnicodeDecodeError:
        raise not_found("resource_not_found") from None
