"""What comes over a raw connection: too long, too slow, no HTTP at all, or in pieces."""

from __future__ import annotations

import itertools
import json
import random
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest

from lago_cli.server import connections, service, serving
from tests.conftest import Lago
from tests.server.conftest import Serve
from tests.servers import Api

SECONDS = 10
CLOSE = b"Connection: close\r\n"
HEAD = b"Host: localhost\r\n"
JSON = b"Content-Type: application/json\r\n"
EVENT = b'{"event": {"transaction_id": "t%d", "external_subscription_id": "s", "code": "calls"}}'


@contextmanager
def connected(api: Api) -> Iterator[socket.socket]:
    parts = urlsplit(api.url)
    with socket.create_connection((parts.hostname, parts.port), timeout=SECONDS) as found:
        yield found


def answer_to(api: Api, *pieces: bytes) -> bytes:
    """All that is answered until the server hangs up, which is asked for last."""
    with connected(api) as client:
        try:
            for piece in pieces:
                client.sendall(piece)
        except OSError:
            pass  # it has heard enough
        return rest_of(client)


def rest_of(client: socket.socket) -> bytes:
    answer = b""
    try:
        while piece := client.recv(65536):
            answer += piece
    except ConnectionResetError:
        pass
    return answer


def one_answer(client: socket.socket) -> bytes:
    """The next answer, a JSON object, on a connection that stays open; it may come in pieces."""
    answer = b""
    while not answer.endswith(b"}") and (piece := client.recv(65536)):
        answer += piece
    return answer


def send_until(status: bytes, api: Api, more: bytes) -> bool:
    """Send an event with so many more bytes until it is answered so."""
    until = time.monotonic() + SECONDS
    for number in itertools.count(1):
        if answer_to(api, post(EVENT % number + more, CLOSE)).split()[1] == status:
            return True
        assert time.monotonic() < until
    return False


def post(body: bytes, *headers: bytes) -> bytes:
    length = b"Content-Length: %d\r\n" % len(body)
    return (
        b"".join((b"POST /api/v1/events HTTP/1.1\r\n", HEAD, JSON, length, *headers, b"\r\n"))
        + body
    )


def assert_refused(answer: bytes, status: int) -> None:
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status), answer[:300]
    assert b"\r\ncontent-security-policy: " in head
    assert json.loads(body)["status"] == status


@pytest.mark.parametrize("other", [b"evil.example", b"localhost"])
def test_whoever_names_two_hosts_names_none(api: Api, other: bytes):
    more = b"Host: %s\r\nConnection: close\r\n\r\n" % other
    answer = answer_to(api, b"GET /health HTTP/1.1\r\n" + HEAD + more)

    assert answer.split()[1] == b"403"


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",  # TLS
        b"hello\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /\x00 HTTP/1.1\r\n" + HEAD + b"\r\n",
        b"GET ?a=1 HTTP/1.1\r\n" + HEAD + b"\r\n",
        b"CONNECT evil:443 HTTP/1.1\r\n" + HEAD + b"\r\n",
        b"POST / HTTP/1.1\r\n" + HEAD + b"Content-Length: ten\r\n\r\n",
        b"POST / HTTP/1.1\r\n" + HEAD + b"Content-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\n" + HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"POST / HTTP/1.1\r\n" + HEAD + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"POST /api/v1/events HTTP/1.1\r\n"
        + HEAD
        + JSON
        + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n",
    ],
    ids=range(12),
)
def test_what_is_no_http_is_told_so(api: Api, request_bytes: bytes):
    assert_refused(answer_to(api, request_bytes), 400)


def test_a_url_has_a_limit(api: Api):
    assert_refused(
        answer_to(api, b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\n" + HEAD + b"\r\n"), 414
    )


@pytest.mark.parametrize(
    "headers", [b"a: " + b"x" * 70_000, b"a: b\r\n" * 20_000, b"a: " + b"x" * 1_000_000]
)
def test_headers_have_a_limit(api: Api, headers: bytes):
    answer = answer_to(api, b"GET /health HTTP/1.1\r\n" + HEAD, headers, b"\r\n\r\n")

    assert answer == b"" or answer.startswith(b"HTTP/1.1 431 ")


def test_a_body_has_a_limit_by_what_it_says(serve: Serve):
    """It is refused before it comes, and the connection stays of use."""
    api = serve(body_limit=1000)
    request = post(b"x" * 2000) + b"GET /health HTTP/1.1\r\n" + HEAD + b"Connection: close\r\n\r\n"
    answer = answer_to(api, request)

    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"HTTP/1.1 200 " in answer


def test_a_body_has_a_limit_by_what_comes(serve: Serve):
    api = serve(body_limit=1000)
    head = b"POST /api/v1/events HTTP/1.1\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n"
    answer = answer_to(
        api, head + HEAD + JSON + b"\r\n" + b"3e8\r\n" + b"x" * 1000 + b"\r\n", b"1\r\nx\r\n"
    )

    assert_refused(answer, 413)


def test_long_bodies_share_one_room(serve: Serve, monkeypatch: pytest.MonkeyPatch):
    """Many of them at once take no more memory; short ones always find a place."""
    monkeypatch.setattr(service, "ROOM", 200_000)
    api = serve()
    with connected(api) as slow:
        slow.sendall(post(EVENT % 0 + b" " * 250_000)[:200_000])
        send_until(b"429", api, b" " * 250_000)
        short = answer_to(api, post(EVENT % 0, CLOSE))

    assert short.startswith(b"HTTP/1.1 200 ")
    for _ in range(2):
        assert send_until(b"200", api, b" " * 250_000)


def test_requests_come_one_after_another_before_any_is_answered(lago: Lago, api: Api):
    many = b"".join(post(EVENT % number) for number in range(20))
    answer = answer_to(api, many + post(EVENT % 20, b"Connection: close\r\n"))

    assert answer.count(b"HTTP/1.1 200 ") == 21
    assert len(lago("events", "list", "-o", "json").json()) == 21


def test_an_answer_comes_before_the_word_that_the_next_request_is_none(api: Api):
    answer = answer_to(api, post(EVENT % 1) + b"garbage\r\n\r\n")

    assert answer.startswith(b"HTTP/1.1 200 ")


def test_a_request_comes_byte_by_byte(api: Api):
    request = post(EVENT % 1, b"Connection: close\r\n")

    assert answer_to(api, *(request[at : at + 1] for at in range(len(request)))).startswith(
        b"HTTP/1.1 200 "
    )


def test_nothing_is_changed_to_another_protocol(api: Api):
    """As newer clients offer."""
    offer = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"

    request = post(EVENT % 1, offer)
    assert answer_to(api, request).startswith(b"HTTP/1.1 200 ")
    request = post(EVENT % 2, offer)
    assert answer_to(api, request[:-9], request[-9:]).startswith(b"HTTP/1.1 200 ")
    get = b"GET /health HTTP/1.1\r\n" + HEAD + b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    assert answer_to(api, get).startswith(b"HTTP/1.1 200 ")


def test_what_stands_after_a_body_is_no_header(serve: Serve):
    api = serve(key="secret")
    head = b"POST /api/v1/events HTTP/1.1\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n"
    late = b"0\r\nAuthorization: Bearer secret\r\n\r\n"

    assert_refused(answer_to(api, head + HEAD + JSON + b"\r\n" + late), 401)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HEAD_SECONDS", "BODY_SECONDS"):
        monkeypatch.setattr(connections, name, 0.05)
    monkeypatch.setattr(serving, "LOOK_EVERY", 1)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    "start",
    [b"", b"GET /health HTTP/1.1\r\n" + HEAD, post(b"x" * 100)[:-50]],
    ids=["", "head", "body"],
)
def test_who_never_comes_to_an_end_is_let_go(api: Api, start: bytes):
    assert_refused(answer_to(api, start), 408)


@pytest.mark.usefixtures("impatient")
def test_who_waits_for_the_next_request_is_kept(api: Api):
    with connected(api) as client:
        ask = b"GET /health HTTP/1.1\r\n" + HEAD + b"\r\n"
        client.sendall(ask)
        first = one_answer(client)
        time.sleep(0.5)  # longer than headers may take
        client.sendall(ask)

        assert first.startswith(b"HTTP/1.1 200 ")
        assert one_answer(client).startswith(b"HTTP/1.1 200 ")


def test_of_too_many_connections_those_that_do_nothing_go(
    api: Api, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(connections, "MOST_CONNECTIONS", 2)
    ask = b"GET /health HTTP/1.1\r\n" + HEAD + b"\r\n"
    with connected(api) as first, connected(api) as second:
        for client in (first, second):
            client.sendall(ask)
            one_answer(client)
        with connected(api) as third:
            third.sendall(ask)

            assert one_answer(third).startswith(b"HTTP/1.1 200 ")
            assert first.recv(1) == b""


def test_of_too_many_connections_that_are_busy_the_last_is_refused(
    api: Api, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(connections, "MOST_CONNECTIONS", 2)
    with connected(api) as first, connected(api) as second:
        for client in (first, second):
            client.sendall(b"GET /hea")
        time.sleep(0.1)

        assert_refused(answer_to(api), 503)


def test_whatever_is_sent_it_answers_and_breaks_nothing(serve: Serve, capfd: pytest.CaptureFixture):
    """A few hundred requests, each with some bytes that are wrong."""
    api = serve(key="secret")
    chance = random.Random(11)
    key = b"Authorization: Bearer secret\r\nConnection: close\r\n"
    paths = (b"events", b"plans", b"customers/x/current_usage", b"billable_metrics/%00", b"nowhere")
    seeds = [post(EVENT % 1, key)]
    for path in paths:
        seeds.append(
            b"GET /api/v1/" + path + b"?page=1&per_page=2 HTTP/1.1\r\n" + HEAD + key + b"\r\n"
        )
    for _ in range(400):
        request = bytearray(chance.choice(seeds))
        for _ in range(chance.randint(1, 4)):
            at = chance.randrange(len(request))
            if chance.random() < 0.3:
                del request[at : at + chance.randint(1, 5)]
            else:
                request[at] = chance.choice(b'\x00\r\n%/\\?&"{}[]\xff\xc3:;,0 9aZ')
        with connected(api) as client:
            client.sendall(request)
            client.shutdown(socket.SHUT_WR)
            answer = rest_of(client)
            assert not answer.startswith(b"HTTP/1.1 5"), (bytes(request), answer)

    assert api.http.get("/health").status_code == 200
    assert "Traceback" not in capfd.readouterr().err
