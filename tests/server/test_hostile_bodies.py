"""Bodies in which anything stands anywhere: they are taken or refused, and never half."""

from __future__ import annotations

import json
import re
from itertools import product
from typing import Any

import pytest

from tests.server.conftest import Serve
from tests.server.requests import (
    CUSTOMER,
    METRIC,
    PLAN,
    SUBSCRIPTION,
    WRONG,
    at,
    places,
    with_at,
)
from tests.servers import Api

NOUNS = {
    "billable_metric": ("/billable_metrics", METRIC, "code"),
    "plan": ("/plans", PLAN, "code"),
    "customer": ("/customers", CUSTOMER, "external_id"),
    "subscription": ("/subscriptions", SUBSCRIPTION, "external_id"),
}
HEADERS = {"content-type": "application/json"}
CODE = re.compile(r"[a-z][a-z0-9_]+")


@pytest.fixture
def defined(serve: Serve) -> Api:
    """A file with one of each."""
    api = serve()
    for root, (path, row, _) in NOUNS.items():
        api("POST", path, {root: row})
    return api


def ask(api: Api, method: str, path: str, body: Any) -> tuple[int, Any]:
    content = None if body is None else json.dumps(body).encode()
    answer = api.http.request(method, f"/api/v1{path}", content=content, headers=HEADERS)
    return answer.status_code, answer.json()


def explained(status: int, answer: Any) -> bool:
    """Whether it says in Lago's words why it was refused."""
    if status == 422:
        details = answer["error_details"]
        codes = [code for several in details.values() for code in several]
        return bool(codes) and all(CODE.fullmatch(code) for code in (*details, *codes))
    return status == answer["status"] and status in (400, 403, 404)


@pytest.mark.parametrize("root", NOUNS)
def test_whatever_stands_in_a_body_is_taken_or_refused_for_a_reason(defined: Api, root: str):
    """What is answered with 200 is there, and what is not changed nothing."""
    path, row, key = NOUNS[root]
    one = f"{path}/{{}}"
    _, before = ask(defined, "GET", at(one, row[key]), None)
    found = []
    for place, wrong in product(places(row), WRONG):
        body = {root: with_at(row, place, wrong)}
        method, target = ("POST", path) if root == "customer" else ("PUT", at(one, row[key]))
        status, answer = ask(defined, method, target, body)
        _, after = ask(defined, "GET", at(one, row[key]), None)
        if status == 200:
            name = answer[root][key]
            fine = ask(defined, "GET", at(one, name), None) == (200, {root: answer[root]})
        else:
            fine = explained(status, answer) and before == after
        before = after
        if not fine:
            found.append((place, wrong, status, answer))

    assert found == []


@pytest.mark.parametrize("root", NOUNS)
def test_a_new_one_of_which_something_is_wrong_is_not_there(defined: Api, root: str):
    """Whatever member it is."""
    path, row, key = NOUNS[root]
    found = []
    for number, (place, wrong) in enumerate(product(places(row), WRONG)):
        name = f"new{number}"
        body = {root: with_at({**row, key: name}, place, wrong)}
        status, answer = ask(defined, "POST", path, body)
        if status == 200:
            name = answer[root][key]
            status, after = ask(defined, "DELETE", at(f"{path}/{{}}", name), None)
            fine = (status == 200 and after[root][key] == name) or name == row[key]
        else:
            there, after = ask(defined, "GET", at(f"{path}/{{}}", name), None)
            fine = explained(status, answer) and there == 404
        if not fine:
            found.append((place, wrong, status, answer, after))

    assert found == []


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"{", b"null", b"[]", b"1", b'"x"', b"\xff\xfe", b'{"a": NaN}', b'{"a": Infinity}'),
        *(
            b"[" * 100_000,
            b'{"a":' * 50_000,
            b'{"x": {"code": "a"}}',
            b'{"plan": {"code": "\xed"}}',
        ),
    ],
)
def test_what_is_no_body_of_the_noun_is_a_bad_request(api: Api, body: bytes):
    """Malformed, nested without end, or of another root."""
    answers = [
        api.http.post(f"/api/v1{path}", content=body, headers=HEADERS)
        for path, _, _ in NOUNS.values()
    ]

    assert {each.status_code for each in answers} == {400}
    assert all(each.json()["error"].startswith("BadRequest: ") for each in answers)


@pytest.mark.parametrize("root", NOUNS)
def test_half_of_a_surrogate_pair_is_no_text(api: Api, root: str):
    """No file could keep it."""
    path, row, key = NOUNS[root]
    answer = api("POST", path, {root: {**row, key: "\ud800"}}, status=400)

    assert answer["error"] == "BadRequest: the body is no JSON"


def test_a_whole_surrogate_pair_is_a_letter(api: Api):
    """However it is written."""
    row = {"code": "😀", "name": "x", "aggregation_type": "count_agg"}
    _, answer = ask(api, "POST", "/billable_metrics", {"billable_metric": row})

    assert answer["billable_metric"]["code"] == "😀"
