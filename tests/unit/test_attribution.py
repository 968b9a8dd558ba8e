"""Whose an event is, by the names it carries and the subscriptions that are registered."""

from __future__ import annotations

from itertools import pairwise

import pytest

from lago_cli.domain.attribution import Attribution, Registry
from lago_cli.domain.instants import Window
from lago_cli.domain.subscriptions import EVER, Subscription

DAY = 86_400_000_000
START = 1_700_000_000_000_000
ACME, S1 = ("acme", None), (None, "s1")


def lasting(name, first, last=None, customer="acme"):
    """A subscription from one day up to another."""
    end = None if last is None else START + last * DAY
    start = START + first * DAY
    return Subscription(name, customer, start, start, terminated_at=end)


def whose(registry, party, day, *, recurring=False):
    """(customer, subscription) of an event of that day."""
    at = START + day * DAY
    (claim,) = [
        claim
        for claim in registry.claims(party, recurring=recurring)
        if claim.span.start <= at < claim.span.end
    ]
    return claim.customer, claim.subscription


def refusal(registry, party, day, now=100):
    error = registry.refusal(party, START + day * DAY, START + now * DAY)
    return error and error.code


# Events that name a subscription ----------------------------------------------------------


def test_an_event_is_the_customers_and_subscriptions_it_names():
    claims = Registry([], []).claims(("acme", "s1"))

    assert claims == [Attribution("acme", "s1", EVER, EVER)]


def test_it_counts_in_the_life_of_a_registered_subscription():
    subscription = lasting("s1", 0, 10)

    assert Registry([subscription], []).claims(("acme", "s1")) == [
        Attribution("acme", "s1", EVER, subscription.life)
    ]


@pytest.mark.parametrize(
    ("registered", "named", "customer"),
    [
        pytest.param([], [S1], None, id="nobody says"),
        pytest.param([], [S1, ("acme", "s1")], "acme", id="another event says"),
        pytest.param([], [S1, ("acme", "s1"), ("bolt", "s1")], None, id="they do not agree"),
        pytest.param([], [S1, ("bolt", "s2")], None, id="of another subscription"),
        pytest.param([lasting("s1", 0)], [S1, ("bolt", "s1")], "acme", id="it is registered"),
    ],
)
def test_who_names_only_a_subscription_belongs_to_its_customer(registered, named, customer):
    registry = Registry(registered, named)

    assert registry.customer_of("s1") == customer
    assert [claim[:2] for claim in registry.claims(S1)] == [(customer, "s1")]


def test_the_customer_that_an_event_names_holds():
    """Whatever was registered after it."""
    assert whose(Registry([lasting("s1", 0)], []), ("bolt", "s1"), 5) == ("bolt", "s1")


# Events that name only a customer ---------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "subscription"),
    [(-1, None), (0, "s1"), (9, "s1"), (10, None), (14, None), (15, "s2"), (19, None), (25, None)],
)
def test_an_event_of_a_customer_is_its_one_active_subscriptions(day, subscription):
    """From the 15th to the 19th one is; then two are; then none."""
    lives = lasting("s1", 0, 10), lasting("s2", 15, 25), lasting("s3", 19, 25)

    assert whose(Registry(lives, []), ACME, day) == ("acme", subscription)
    assert whose(Registry(lives, []), ("bolt", None), day) == ("bolt", None)


@pytest.mark.parametrize(
    ("lives", "day", "subscription"),
    [
        pytest.param([lasting("s1", 0, 10)], -5, "s1", id="before the only one"),
        pytest.param([lasting("s1", 0, 10)], 10, None, id="after it"),
        pytest.param([lasting("s1", 0), lasting("s2", 5)], -5, None, id="before several"),
    ],
)
def test_what_came_before_the_only_subscription_is_carried_into_it(lives, day, subscription):
    registry = Registry(lives, [])

    assert whose(registry, ACME, day, recurring=True) == ("acme", subscription)
    assert whose(registry, ACME, day) == ("acme", None)


@pytest.mark.parametrize("recurring", [False, True])
@pytest.mark.parametrize(
    "lives",
    [
        [],
        [lasting("s1", 0)],
        [lasting("s1", 0, 0)],
        [lasting("s1", 0, 10), lasting("s2", 10, 20)],
        [lasting("s1", 0, 10), lasting("s2", 5, 7), lasting("s3", 5)],
        [lasting("s1", 0, 10), lasting("s2", 0, 10)],
    ],
    ids=len,
)
def test_every_instant_is_in_just_one_claim(lives, recurring):
    claims = Registry(lives, []).claims(ACME, recurring=recurring)

    assert (claims[0].span.start, claims[-1].span.end) == EVER
    assert all(one.span.end == other.span.start for one, other in pairwise(claims))
    assert all(one.subscription != other.subscription for one, other in pairwise(claims))
    assert all(claim.life == EVER for claim in claims if claim.subscription is None)


def test_subscriptions_that_follow_each_other_share_an_edge():
    lives = lasting("s1", 0, 10), lasting("s2", 10, 20)
    edges = [START + day * DAY for day in (0, 10, 20)]

    assert [claim.span for claim in Registry(lives, []).claims(ACME)] == [
        Window(EVER.start, edges[0]),
        Window(*edges[:2]),
        Window(*edges[1:]),
        Window(edges[2], EVER.end),
    ]


# What may not go in -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("party", "code"),
    [
        (("acme", "s1"), None),
        ((None, "s1"), None),
        (("bolt", "s1"), "subscription_of_another_customer"),
        (("bolt", "s9"), None),
        (("bolt", None), None),
    ],
)
def test_a_subscription_has_one_customer(party, code):
    registry = Registry([lasting("s1", 0)], [])

    assert refusal(registry, party, 5) == code
    assert registry.is_suspicious(party) == (code is not None)


@pytest.mark.parametrize(
    ("day", "now", "code"),
    [
        pytest.param(2, 2, None, id="one was active then"),
        pytest.param(5, 30, "subscription_required", id="two were"),
        pytest.param(10, 5, None, id="one of them had ended"),
        pytest.param(30, 5, "subscription_required", id="none was, and two are now"),
        pytest.param(30, 30, None, id="none was, and none is"),
        pytest.param(-9, 12, None, id="none was, and one is"),
    ],
)
def test_with_several_active_subscriptions_one_must_be_named(day, now, code):
    registry = Registry([lasting("s1", 0, 10), lasting("s2", 5, 20)], [])

    assert refusal(registry, ACME, day, now) == code
    assert registry.is_suspicious(ACME)
    assert refusal(registry, ("acme", "s2"), day, now) is None


def test_the_subscriptions_to_choose_from_are_named():
    lives = [lasting(name, 0) for name in ("s4", "s2", "s1", "s3")]
    error = Registry(lives, []).refusal(ACME, START, START)

    assert error is not None
    assert error.message == 'the customer "acme" has 4 active subscriptions (s1, s2, s3)'
