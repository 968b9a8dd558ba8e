"""Customers and subscriptions: registered by a form, changed, moved to another plan, ended."""

from __future__ import annotations

from collections import defaultdict
from itertools import islice
from typing import TYPE_CHECKING, Any

from lago_cli.domain.customers import CUSTOMER
from lago_cli.domain.subscriptions import BILLING_TIMES, INTERVALS, SUBSCRIPTION
from lago_cli.errors import LagoError
from lago_cli.renderers.html import render
from lago_cli.reports.definitions import definition_report
from lago_cli.server.pages.addresses import address_of
from lago_cli.server.pages.explain import Command
from lago_cli.server.pages.forms import Fault, Form, told
from lago_cli.server.pages.page import At, Elsewhere, Page
from lago_cli.server.pages.query import Query
from lago_cli.server.pages.things import SECTIONS, leads_of, link_of
from lago_cli.services import catalog

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from lago_cli.domain.definitions import Definition
    from lago_cli.server.pages.forms import Choices

NEW = {CUSTOMER.word: "/new/customer", SUBSCRIPTION.word: "/new/subscription"}
_SUGGESTED = 100
_FORMS = {
    CUSTOMER.word: Form(
        CUSTOMER,
        {
            "external_id": "External id",
            "name": "Name",
            "timezone": "Time zone",
            "currency": "Currency",
        },
        {
            "external_id": "As its events carry it.",
            "timezone": "Where its days begin, such as Europe/Paris; UTC where there is none.",
            "currency": "Three letters, such as EUR.",
        },
    ),
    SUBSCRIPTION.word: Form(
        SUBSCRIPTION,
        {
            "external_customer_id": "Customer",
            "external_id": "External id",
            "plan_code": "Plan",
            "started_at": "Start",
            "billing_time": "Periods begin",
            "interval": "Interval",
            "ending_at": "End",
        },
        {
            "external_id": "As its events carry it.",
            "started_at": "Such as 2026-11-01, in the customer's time zone; now where it is empty.",
            "interval": "Only without a plan, which has one of its own.",
            "ending_at": "The first instant after it, where that is agreed.",
        },
    ),
}
_BEGINNINGS = {"calendar": "with the calendar", "anniversary": "on the day of its start"}


def new(of: Definition[Any]) -> Callable[[At], Page]:
    def page(at: At) -> Page:
        """A form; fields may be given in the address."""
        at.query.refuse_others(list(_FORMS[of.word].labels))
        return _new(at, of, at.query)

    return page


def create(of: Definition[Any]) -> Callable[[At], Page | Elsewhere]:
    def done(at: At) -> Page | Elsewhere:
        form = _FORMS[of.word]
        given = form.given(at.form)
        faults: Sequence[LagoError] = catalog.faults_in(at.store, of, given, now=at.now)
        try:
            if not faults:
                entry = catalog.create(at.store, of, given, now=at.now)
                return Elsewhere(SECTIONS[of.word], of.name_of(entry.value), "registered")
        except LagoError as error:
            faults = [error]
        return _new(at, of, at.form, form.faults(faults))

    return done


def _new(at: At, of: Definition[Any], given: Query, faults: Sequence[Fault] = ()) -> Page:
    values = {
        **_blanks(at, of, given, None, faults),
        "action": NEW[of.word],
        "word": of.word,
    }
    title = f"Register a {of.word}"
    return Page("registering.html", title, values, 422 if faults else 200, has_data=False)


def _blanks(
    at: At, of: Definition[Any], given: Query, known: object | None, faults: Sequence[Fault]
) -> dict[str, Any]:
    choices: Mapping[str, Choices] = {}
    suggestions: Mapping[str, Sequence[str]] = {}
    if of is SUBSCRIPTION:
        choices = {
            "plan_code": _plans(at, ("", "None: usage without a price")),
            "billing_time": [(each, _BEGINNINGS[each]) for each in BILLING_TIMES],
            "interval": [("", "that of the plan, else monthly"), *((n, n) for n in INTERVALS)],
        }
        suggestions = {"external_customer_id": list(islice(at.store.names("customer"), _SUGGESTED))}
    fields = _FORMS[of.word].blanks(given, known, faults, choices, suggestions)
    return {"fields": fields, "faults": faults}


def _plans(at: At, *first: tuple[str, str]) -> Choices:
    plans = at.store.plans().values()
    named = [(each.code, _title(each.name, each.code)) for each in plans]
    return [*first, *named]


def _title(name: str, code: str) -> str:
    return code if name in ("", code) else f"{code}: {name}"


def customer(at: At) -> Page:
    """A customer, and the form to change it."""
    return _customer(at)


def change_customer(at: At) -> Page | Elsewhere:
    form = _FORMS[CUSTOMER.word]
    known = at.store.table(CUSTOMER).get(at.name).value
    given = form.given(at.form, known)
    faults = catalog.faults_in(at.store, CUSTOMER, given, now=at.now, known=known)
    if faults:
        return _customer(at, form.faults(faults))
    catalog.update(at.store, CUSTOMER, at.name, given)
    return Elsewhere(SECTIONS[CUSTOMER.word], at.name, "customer-changed")


def _customer(at: At, faults: Sequence[Fault] = ()) -> Page:
    entry = at.store.table(CUSTOMER).get(at.name)
    form = _FORMS[CUSTOMER.word]
    given = at.form if faults else form.typed(entry.value)
    values = {
        **_shown(at, CUSTOMER, entry),
        **_blanks(at, CUSTOMER, given, entry.value, faults),
    }
    return Page("customer.html", f"Customer {at.name}", values, 422 if faults else 200)


def _shown(at: At, of: Definition[Any], entry: Any) -> dict[str, Any]:
    return {
        "report": render(definition_report(of, entry, at.now), link_of(None)),
        "leads": leads_of(of, at.name),
        "command": Command(f"lago {of.plural} get", at.name).text,
        "word": of.word,
        "action": address_of(SECTIONS[of.word], at.name),
    }


def subscription(at: At) -> Page:
    """A subscription, with the forms to bill it by another plan and to end it."""
    return _subscription(at)


def change_subscription(at: At) -> Page | Elsewhere:
    """What the button says; a moment without an offset is one of the customer's."""
    when = at.form.one("at")
    try:
        if at.form.one("do") == "plan":
            code = at.form.one("plan_code") or ""
            known = at.store.table(SUBSCRIPTION).get(at.name).value
            if known.plan_code is None:
                catalog.update(at.store, SUBSCRIPTION, at.name, {"plan_code": code})
            else:
                catalog.change_plan(at.store, at.name, code, when, now=at.now)
            return Elsewhere(SECTIONS[SUBSCRIPTION.word], at.name, "moved")
        if not at.form.flag("confirmed"):
            fault = Fault("confirmed", "Tick the box to confirm that it is to end.")
            return _subscription(at, [fault])
        catalog.terminate(at.store, at.name, when, now=at.now)
    except LagoError as error:
        return _subscription(at, [Fault(_field(at, error), told(error))])
    return Elsewhere(SECTIONS[SUBSCRIPTION.word], at.name, "ended")


def _field(at: At, error: LagoError) -> str:
    is_of_plan = error.code in ("plan_not_found", "no_plan")
    return "plan_code" if is_of_plan else f"at-{at.form.one('do') or 'end'}"


def _subscription(at: At, faults: Sequence[Fault] = ()) -> Page:
    entry = at.store.table(SUBSCRIPTION).get(at.name)
    one = entry.value
    values = {
        **_shown(at, SUBSCRIPTION, entry),
        "plans": [pair for pair in _plans(at) if pair[0] != one.plan_code],
        "plan": one.plan_code,
        "has_ended": one.status(at.now) == "terminated",
        "faults": faults,
        "told": defaultdict(str, {each.field: each.text for each in faults}),
        "typed": at.form,
    }
    return Page("subscription.html", f"Subscription {at.name}", values, 422 if faults else 200)
