"""What differs between two versions of an event, member by member."""

from __future__ import annotations

import json

import pytest

from lago_cli.domain.differences import differences
from lago_cli.services.conflicts import Conflict

SAME = ("t1", "a", "c1", None, 1_700_000_000_000_000)


def found(stored, sent):
    return [tuple(each) for each in differences((*SAME, stored, None), (*SAME, sent, None))]


@pytest.mark.parametrize(
    ("stored", "sent", "said"),
    [
        ('{"n":12}', '{"n":13}', [("properties.n", "12", "13")]),
        ('{"n":1}', '{"n":1.0}', []),
        ('{"n":1}', '{"n":"1"}', [("properties.n", "1", '"1"')]),
        ('{"n":1}', "{}", [("properties.n", "1", None)]),
        ("{}", '{"n":null}', [("properties.n", None, "null")]),
        ('{"a":{"b":1,"c":2}}', '{"a":{"c":3,"b":1}}', [("properties.a.c", "2", "3")]),
        ('{"a":[1,{"b":2}]}', '{"a":[1,{"b":3}]}', [("properties.a[1].b", "2", "3")]),
        ('{"a":[1]}', '{"a":[1,2]}', [("properties.a", "[1]", "[1,2]")]),
        ('{"a":{}}', '{"a":[]}', [("properties.a", "{}", "[]")]),
    ],
)
def test_of_properties_each_path_is_told(stored, sent, said):
    assert found(stored, sent) == said


def test_of_fields_each_is_told_by_its_name():
    stored = ("t1", "a", "c1", None, 1_700_000_000_000_000, "{}", None)
    sent = ("t1", "b", None, "s", 1_700_000_000_500_000, "{}", "1.5")

    assert [tuple(each) for each in differences(stored, sent)] == [
        ("code", '"a"', '"b"'),
        ("external_customer_id", '"c1"', None),
        ("external_subscription_id", None, '"s"'),
        ("timestamp", "2023-11-14T22:13:20Z", "2023-11-14T22:13:20.5Z"),
        ("precise_total_amount_cents", None, '"1.5"'),
    ]


def test_an_event_that_says_no_time_does_not_differ_by_it():
    stored = (*SAME, "{}", None)

    assert list(differences(stored, (*SAME[:4], None, "{}", None))) == []


def said(stored, sent):
    texts = (json.dumps(each) for each in (stored, sent))
    fields = ((*SAME, text, None) for text in texts)
    return Conflict("f", 1, "t1", ("properties",), *fields).said


def test_five_differences_are_named_and_the_others_counted():
    text = said({f"k{n}": 1 for n in range(8)}, {f"k{n}": 2 for n in range(8)})

    assert text.count("stored 1, sent 2") == 5
    assert text.endswith("; and 3 more")


def test_long_values_are_cut():
    text = said({"k": "x" * 1000}, {"k": "y"})

    assert len(text) < 150
    assert 'xxx…, sent "y"' in text


def test_what_differs_only_in_too_long_a_number_is_told_by_the_field():
    number = "9" * 5000
    fields = ((*SAME, text, None) for text in (f'{{"n":{number}}}', f'{{ "n":{number}}}'))

    assert Conflict("f", 1, "t1", ("properties",), *fields).said.endswith("different properties")
