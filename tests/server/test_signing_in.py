"""Signing in and out of the page: the form, the cookie, the ticket, and where it leads."""

from __future__ import annotations

import re

import httpx
import pytest

from tests.server.conftest import Serve
from tests.servers import Api, serving

KEY = "a-long-key"


@pytest.fixture
def page(serve: Serve) -> Api:
    """A browser that knows nothing yet."""
    api = serve(key=KEY)
    api.http.headers.pop("authorization")
    api.http.headers["accept"] = "text/html"
    return api


def token(page: Api) -> str:
    return re.findall(r'name="token" value="([^"]+)"', page.http.get("/login").text)[0]


def sign_in(page: Api, **fields: str) -> httpx.Response:
    return page.http.post("/login", data={"key": KEY, "token": token(page), **fields})


def test_whoever_is_not_signed_in_is_sent_to_sign_in(page: Api):
    answer = page.http.get("/usage?customer=a%26b")

    assert answer.status_code == 303
    assert answer.headers["location"] == "/login?next=%2Fusage%3Fcustomer%3Da%2526b"


def test_the_key_opens_the_page_until_one_signs_out(page: Api):
    answer = sign_in(page, next="/usage?customer=a%26b")

    assert answer.headers["location"] == "/usage?customer=a%26b"
    assert page.http.get("/nowhere").status_code == 404
    assert page.http.get("/login?next=/usage").headers["location"] == "/usage"
    cookie = page.http.cookies["lago_session"]
    assert cookie
    out = page.http.post("/logout", data={"token": "wrong"})
    assert out.status_code == 403


def test_signing_out_makes_the_browser_forget(serve: Serve, tmp_path):
    with serving(tmp_path / "other.db", key=KEY) as (page, service):
        page.http.headers.pop("authorization")
        sign_in(page)
        visitor = service.sessions.visitor(f"lago_session={page.http.cookies['lago_session']}")
        answer = page.http.post("/logout", data={"token": service.sessions.token(visitor)})

        assert answer.headers["location"] == "/login"
        assert page.http.get("/nowhere").status_code == 401


def test_a_cookie_that_was_copied_is_of_no_use_after_signing_out(tmp_path):
    with serving(tmp_path / "other.db", key=KEY) as (page, service):
        page.http.headers.pop("authorization")
        sign_in(page)
        cookie = {"cookie": f"lago_session={page.http.cookies['lago_session']}"}
        visitor = service.sessions.visitor(cookie["cookie"])
        before = page.http.get("/usage", headers=cookie).status_code
        page.http.post("/logout", data={"token": service.sessions.token(visitor)})
        page.http.cookies.clear()

        assert before == 200
        assert page.http.get("/usage", headers=cookie).status_code == 401


def test_the_cookie_is_for_nobody_else(page: Api):
    answer = sign_in(page)

    parts = answer.headers["set-cookie"].split("; ")
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(parts)
    assert "Secure" not in parts


def test_behind_https_the_cookie_stays_there(page: Api):
    page.http.headers["x-forwarded-proto"] = "https"

    assert "; Secure" in page.http.get("/login").headers["set-cookie"]


def test_a_wrong_key_is_told_and_not_shown(page: Api):
    answer = sign_in(page, key="wrong-key<")

    assert answer.status_code == 403
    assert "wrong-key" not in answer.text
    assert page.http.get("/usage").status_code == 303


def test_a_form_that_was_made_for_another_visitor_signs_nobody_in(page: Api):
    foreign = token(page)
    page.http.cookies.clear()

    assert sign_in(page, token=foreign).status_code == 403


@pytest.mark.parametrize("change", [lambda text: text[:-1] + "x", lambda text: "x" + text])
def test_a_cookie_that_was_changed_is_nobodys(page: Api, change):
    sign_in(page)
    cookie = page.http.cookies["lago_session"]
    page.http.cookies.clear()

    answer = page.http.get("/nowhere", headers={"cookie": f"lago_session={change(cookie)}"})
    assert answer.status_code == 303
    kept = page.http.get("/nowhere", headers={"cookie": f'a="b; lago_session={cookie}'})
    assert kept.status_code == 404


@pytest.mark.parametrize(
    "wanted",
    [
        *("//evil.example", "/\\evil.example", "https://evil.example", "evil", "", "\\\\evil"),
        *("/\t/evil.example", "javascript:alert(1)", "/x\r\nset-cookie: a=b", " //evil.example"),
    ],
)
def test_signing_in_leads_nowhere_else(page: Api, wanted: str):
    assert sign_in(page, next=wanted).headers["location"] == "/"


def test_signing_in_leads_to_any_page(page: Api):
    answer = sign_in(page, next="/customers/café?x=€")

    assert answer.headers["location"] == "/customers/caf%C3%A9?x=%E2%82%AC"


def test_a_ticket_signs_in_once(tmp_path):
    with serving(tmp_path / "lago.db", key=KEY) as (page, service):
        page.http.headers.pop("authorization")
        ticket = service.sessions.ticket()
        first = page.http.get("/login", params={"ticket": "wrong"})
        second = page.http.get("/login", params={"ticket": ticket})
        assert page.http.get("/nowhere").status_code == 404
        page.http.cookies.clear()
        third = page.http.get("/login", params={"ticket": ticket})

        assert [first.status_code, second.status_code, third.status_code] == [200, 303, 200]
