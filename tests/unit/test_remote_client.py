"""The client of another Lago: it is patient, keeps its key to itself, and knows who is no Lago."""

from __future__ import annotations

from fractions import Fraction

import pytest

from lago_cli.errors import LagoError
from lago_cli.remote.address import normalised
from lago_cli.remote.client import Client, Surroundings
from tests.fake_lago import DROP, FakeLago, Reply

BUSY = Reply(429, {"status": 429}, {"Retry-After": "7"})
NOW = 1_795_305_600 * 10**6  # 2026-11-22T00:00:00Z


class World:
    """Time goes by where somebody waits, and only there."""

    def __init__(self):
        self.pauses, self.said = [], []

    def pause(self, seconds):
        self.pauses.append(seconds)

    def surroundings(self):
        return Surroundings(
            clock=lambda: int(sum(self.pauses) * 10**9),
            now=lambda: NOW,
            pause=self.pause,
            say=self.said.append,
        )


@pytest.fixture
def world():
    return World()


@pytest.fixture
def fake():
    with FakeLago() as fake:
        yield fake


def ask(fake, world, *, patience=60, key=None):
    body = b'{"events":[{"transaction_id":"t1"}]}'
    with Client(fake.url, key, world.surroundings(), patience=Fraction(patience)) as client:
        return client.post("/events/batch", body)


def test_a_busy_server_is_asked_again_after_what_it_asks_for(fake, world):
    fake.next(BUSY, BUSY)

    assert ask(fake, world).status == 200
    assert world.pauses == [7, 7]


@pytest.mark.parametrize(
    ("headers", "pause"),
    [
        ({"x-ratelimit-reset": "3"}, 3),
        ({"Retry-After": "1.5"}, Fraction(3, 2)),
        ({"Retry-After": "Sun, 22 Nov 2026 00:00:20 GMT"}, 20),
        ({"Retry-After": "soon", "x-ratelimit-reset": "2"}, 2),
        ({"Retry-After": "-5"}, Fraction(1, 2)),
        ({}, Fraction(1, 2)),
    ],
    ids=str,
)
def test_how_long_to_wait_is_said_in_several_ways(fake, world, headers, pause):
    fake.next(Reply(429, {}, headers))
    ask(fake, world)

    assert world.pauses == [pause]


def test_pauses_grow_where_nothing_is_asked_for(fake, world):
    fake.next(*[Reply(503, "")] * 3, *[DROP] * 4)
    ask(fake, world)

    assert world.pauses == [Fraction(1, 2), 1, 2, 4, 8, 15, 15]
    assert world.said[0] == f"{fake.url} answers 503; trying again in 1 s."


def test_patience_ends(fake, world):
    fake.next(*[Reply(503, "")] * 20)
    with pytest.raises(LagoError) as caught:
        ask(fake, world, patience=10)

    assert caught.value.code == "server_unavailable"
    assert sum(world.pauses) <= 10


def test_a_longer_wait_than_there_is_patience_is_named_at_once(fake, world):
    fake.next(Reply(429, {}, {"Retry-After": "600"}))
    with pytest.raises(LagoError) as caught:
        ask(fake, world)

    assert "wants us to wait for 600 s" in caught.value.message
    assert "--retry-for 600" in caught.value.hint
    assert world.pauses == []


def test_patience_begins_anew_with_every_request(fake, world):
    fake.next(BUSY, Reply(200, {}), BUSY, Reply(200, {}))
    with Client(fake.url, None, world.surroundings(), patience=Fraction(10)) as client:
        answers = [client.post("/events/batch", b"{}").status for _ in range(2)]

    assert answers == [200, 200]


def test_nobody_at_home_is_told(world):
    with FakeLago() as fake:
        url = fake.url
    with (
        Client(url, None, world.surroundings(), patience=Fraction(0)) as client,
        pytest.raises(LagoError) as caught,
    ):
        client.post("/events/batch", b"{}")

    assert caught.value.code == "server_unavailable"
    assert "does not answer" in caught.value.message


def test_plain_http_behind_https_is_told(fake, world):
    url = fake.url.replace("http:", "https:")
    with (
        Client(url, "secret", world.surroundings(), patience=Fraction(60)) as client,
        pytest.raises(LagoError) as caught,
    ):
        client.post("/events/batch", b"{}")

    assert caught.value.code == "tls_failed"
    assert world.pauses == []


@pytest.mark.parametrize("key", ["two words", "line\nbreak", "ü"])
def test_a_key_that_is_none_is_refused_without_being_shown(fake, world, key):
    with pytest.raises(LagoError) as caught:
        ask(fake, world, key=key)

    assert caught.value.code == "invalid_key"
    assert key not in str(caught.value) + str(caught.value.hint)


@pytest.mark.parametrize(
    ("url", "form"),
    [
        ("https://api.getlago.com", "https://api.getlago.com"),
        ("https://api.getlago.com/api/v1", "https://api.getlago.com"),
        ("HTTPS://API.getlago.com:443/api/v1/", "https://api.getlago.com"),
        ("http://localhost:80/", "http://localhost"),
        ("http://localhost:3000//", "http://localhost:3000"),
        ("http://[::1]:3000/api/v1", "http://[::1]:3000"),
        ("http://x/metering/api/v1/", "http://x/metering"),
        ("http://x/a b", None),
        ("http://bücher.example", "http://xn--bcher-kva.example"),
    ],
)
def test_a_url_has_one_form(url, form):
    if form is None:
        with pytest.raises(LagoError):
            normalised(url)
        return

    assert normalised(url) == form
