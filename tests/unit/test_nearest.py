"""Which name was meant: a slip away, and never an absurd one."""

from __future__ import annotations

import pytest

from lago_cli.domain.nearest import nearest, one_slip_away


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("acmee", "acme"),
        ("acm", "acme"),
        ("amce", "acme"),
        ("acne", "acme"),
        ("ACME", "acme"),
        ("api-calls", "api_calls"),
        ("apicalls", "api_calls"),
        ("Api.Call", "api_calls"),
        ("gbb", "gb"),
        ("bg", "gb"),
        ("strasse", "Straße"),
        ("storage_hous", "storage_hours"),
        ("strorage_huors", "storage_hours"),
    ],
)
def test_a_slip_finds_the_name(written, meant):
    assert nearest(written, ["other", meant, "zebra"]) == meant


@pytest.mark.parametrize(
    ("written", "known"),
    [
        ("s1", ["s2", "s3"]),
        ("a", ["ab", "b"]),
        ("zoe", ["bolt", "acme"]),
        ("name", ["acme"]),
        ("storage", ["seats"]),
        ("acme", []),
        ("", ["a"]),
    ],
)
def test_a_name_that_is_too_far_is_not_suggested(written, known):
    assert nearest(written, known) is None


def test_of_several_the_nearest_is_meant():
    assert nearest("customer-12", ["customer-123", "Customer-12", "customer-21"]) == "Customer-12"


def test_equally_near_ones_are_told_by_their_first_letter():
    assert nearest("bold", ["gold", "bolt"]) == "bolt"


@pytest.mark.parametrize("meant", ["acme", "amce", "acmee", "cme", "acxe", "acm"])
def test_names_of_one_slip_are_all_there(meant):
    assert meant in set(one_slip_away("acme")) | {"acme"}


def test_very_long_names_are_compared_at_once():
    assert nearest("A" * 10**6, ["a" * 10**6]) == "a" * 10**6
    assert nearest("a" * 10**6, ["a" * (10**6 - 1)]) is None
