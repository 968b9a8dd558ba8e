"""Who may ask a server what: hosts, keys, other sites, what every answer has."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lago_cli.server import app
from lago_cli.server.routes import Answer, Request, reads
from tests.conftest import Lago
from tests.server.conftest import Serve
from tests.servers import Api

EVENT = {"event": {"transaction_id": "t1", "external_subscription_id": "s", "code": "calls"}}
KEY = "a-long-key"
HTML = {"accept": "text/html"}


def status(api: Api, method: str = "GET", path: str = "/health", **given) -> int:
    return api.http.request(method, path, **given).status_code


# Hosts ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host",
    [
        *("localhost", "LOCALHOST:9999", "localhost.", "127.0.0.1:1", "[::1]", "[::1]:3000"),
        *("[0:0:0:0:0:0:0:1]:3000", "billing.example.com", "Billing.Example.com.:443"),
    ],
)
def test_a_server_is_called_by_its_names_at_any_port(serve: Serve, host: str):
    """A tunnel or a container may have another port."""
    api = serve(allowed_hosts=("billing.example.com",))

    assert status(api, headers={"host": host}) == 200


@pytest.mark.parametrize(
    "host",
    [
        *("evil.example", "127.0.0.1.evil.example", "localhost@evil.example", "evil@localhost"),
        *("localhost:x", "localhost:3000/x", "[::2]", "[", "", "localhost..", "a,localhost"),
    ],
)
def test_another_name_is_refused(api: Api, host: str):
    """A page of another site whose name was made to lead here reads nothing."""
    for path in ("/health", "/", "/api/v1/events", "/nowhere"):
        assert status(api, path=path, headers={"host": host}) == 403


# Keys -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "shown", [None, "", "Bearer", "Bearer wrong", f"Bearer {KEY}x", f"Token {KEY}", "Basic ???"]
)
def test_without_the_key_nothing_is_answered(serve: Serve, shown: str | None):
    api = serve(key=KEY)
    api.http.headers.pop("authorization")
    headers = {} if shown is None else {"authorization": shown}
    answer = api.http.get("/api/v1/events", headers=headers)

    assert answer.status_code == 401
    assert answer.json() == {"status": 401, "error": "Unauthorized"}
    assert status(api, path="/usage", headers=headers) == 401
    assert status(api, path="/health", headers=headers) == 200


def test_the_key_is_a_bearer_token_or_the_password_of_curl(serve: Serve):
    api = serve(key=KEY)

    assert status(api, path="/api/v1/events") == 200
    api.http.headers.pop("authorization")
    assert api.http.get("/api/v1/events", auth=("", KEY)).status_code == 200


def test_a_way_to_write_a_path_goes_around_no_key(serve: Serve):
    """What is asked at the door is the path that is looked up behind it."""
    api = serve(key=KEY)
    api.http.headers.pop("authorization")
    for path in (
        *("/%61pi/v1/events", "//api/v1/events", "/api//v1/events", "/API/v1/events"),
        *("/static/../api/v1/events", "/static%2f..%2fusage", "/login/../usage", "/health/"),
    ):
        assert status(api, path=path) in (401, 404), path


# Other sites ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://localhost:1"},
        {"origin": "http://["},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
    ids=str,
)
def test_a_page_of_another_site_changes_nothing(lago: Lago, api: Api, headers: dict[str, str]):
    answer = api.http.post("/api/v1/events", json=EVENT, headers=headers)

    assert answer.status_code == 403
    assert answer.json()["code"] == "foreign_origin"
    assert status(api, "POST", "/logout", headers=headers) == 403
    assert lago("events", "list", "-o", "json").json() == []


def test_a_page_behind_a_proxy_is_none_of_another_site(serve: Serve):
    """The proxy may call the server by its address."""
    api = serve(allowed_hosts=("billing.example.com",))
    headers = {"origin": "https://billing.example.com"}

    assert api.http.post("/api/v1/events", json=EVENT, headers=headers).status_code == 200


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_what_a_form_could_send_is_no_json(api: Api, kind: str):
    """A browser sends it without asking first."""
    given = {"content": b'{"event": {}}', "headers": {"content-type": kind}}

    assert status(api, "POST", "/api/v1/events", **given) == 415


def test_an_empty_body_needs_no_type(api: Api):
    """Clients send none with some requests."""
    assert status(api, "POST", "/api/v1/events") == 400


def test_no_origin_may_read_where_none_was_named(api: Api):
    headers = {"origin": "https://app.example.com", "access-control-request-method": "POST"}
    answer = api.http.options("/api/v1/events", headers=headers)

    assert answer.status_code == 405
    assert not [name for name in answer.headers if name.startswith("access-control")]


def test_an_origin_that_was_named_uses_the_api_and_only_it(serve: Serve):
    """Also errors can be read there."""
    api = serve(cors_origins=("https://app.example.com",), key=KEY)
    headers = {"origin": "https://app.example.com"}
    unknown = {"authorization": "Bearer wrong"}
    before = api.http.options("/api/v1/events", headers=headers | unknown)
    answers = [
        before,
        api.http.post("/api/v1/events", json=EVENT, headers=headers),
        api.http.get("/api/v1/events", headers=headers | unknown),
    ]

    assert [answer.status_code for answer in answers] == [204, 200, 401]
    for answer in answers:
        assert answer.headers["access-control-allow-origin"] == "https://app.example.com"
    other = api.http.get("/api/v1/events", headers={"origin": "https://evil.example"})
    page = api.http.get("/usage", headers=headers)
    assert "access-control-allow-origin" not in {*other.headers, *page.headers}


def test_a_slash_in_a_name_is_none_in_the_path(serve: Serve):
    """`a/b` is one name, and no other path."""
    api = serve()
    api("POST", "/events", {"event": {**EVENT["event"], "transaction_id": "a/b"}})

    assert api("GET", "/events/a%2Fb")["event"]["transaction_id"] == "a/b"
    assert status(api, path="/api/v1/events/a/b") == 404


# Answers ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/health", 200),
        ("GET", "/nowhere", 404),
        ("GET", "/api/v1/nowhere", 404),
        ("PUT", "/api/v1/events", 405),
        ("TRACE", "/api/v1/events", 405),
        ("HEAD", "/api/v1/nowhere", 404),
        ("GET", "/api/v1/events?" + "a=1&" * 2000, 400),
        ("GET", "/api/v1/events?a=%ff", 400),
        ("GET", "/api/v1/events/%ff", 404),
        ("GET", "/api/v1/events/..%2f%00", 404),
        ("GET", "/api", 404),
    ],
)
def test_every_answer_tells_browsers_to_be_careful(api: Api, method, path, expected):
    answer = api.http.request(method, path)

    assert answer.status_code == expected
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["cache-control"] == "no-store"
    assert re.fullmatch("[0-9a-f]{32}", answer.headers["x-request-id"])
    if path.startswith("/api") and method != "HEAD":
        assert answer.json()["status"] == expected


def test_a_method_that_is_not_there_says_which_are(api: Api):
    answer = api.http.put("/api/v1/events")

    assert answer.headers["allow"] == "GET, HEAD, POST"


def test_a_bug_tells_no_secrets(serve: Serve, monkeypatch, capfd):
    """Neither the client, nor stderr, nor /metrics learn what was in the request."""

    def broken(_store: object, request: Request) -> Answer:
        raise RuntimeError(f"customer {request.get('customer')}")

    monkeypatch.setattr(app.pages, "endpoints", lambda: [reads("GET", "/broken", broken)])
    monkeypatch.setattr(
        app.api, "endpoints", lambda: [reads("GET", "/broken", broken)], raising=True
    )
    api = serve()
    answer = api.http.get("/api/v1/broken?customer=acme")
    page = api.http.get("/broken?customer=acme")

    assert (answer.status_code, page.status_code) == (500, 500)
    assert answer.json() == {"status": 500, "error": "Internal Server Error"}
    assert "content-security-policy" in answer.headers
    said = capfd.readouterr().err
    assert "RuntimeError at " in said
    for text in (said, api.http.get("/metrics").text, page.text):
        assert "acme" not in text
        assert "Traceback" not in text


def test_gauges_have_no_series_for_whatever_is_sent(api: Api):
    api.http.request("PROPFIND", "/health")

    assert 'method="other",status="405"' in api.http.get("/metrics").text


# Reading only -----------------------------------------------------------------------------


def test_a_server_that_only_reads_refuses_every_write(lago: Lago, serve: Serve):
    lago("metrics", "create", "calls", "--aggregation-type", "count", "-q")
    api = serve(read_only=True)
    answer = api("POST", "/events", EVENT["event"], status=403)

    assert answer["code"] == "read_only"
    assert lago("events", "list", "-o", "json").json() == []
    for endpoint in app.api.endpoints():
        if endpoint.writes:
            path = "/api/v1" + re.sub(r"\{[^}]*\}", "x", endpoint.path)
            assert status(api, endpoint.method, path) == 403, path


def test_a_server_that_only_reads_opens_the_file_for_nothing_else(lago: Lago, serve: Serve):
    lago("metrics", "create", "calls", "--aggregation-type", "count", "-q")
    api = serve(read_only=True)
    api("GET", "/events")
    modes = []
    for link in Path("/proc/self/fd").glob("*"):
        if link.exists() and link.resolve() == (lago.folder / "lago.db").resolve():
            said = (Path("/proc/self/fdinfo") / link.name).read_text()
            modes.append(int(re.findall(r"flags:\s*(\d+)", said)[0], 8) & 3)

    assert modes
    assert set(modes) == {0}
