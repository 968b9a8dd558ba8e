"""What plans would cost: for amounts that are typed, and for real usage."""

from __future__ import annotations

from shlex import quote
from typing import TYPE_CHECKING

from lago_cli.domain.plans import PLAN
from lago_cli.errors import LagoError, wrong_usage
from lago_cli.renderers import Pages
from lago_cli.renderers.html import render
from lago_cli.reports.bills import simulated
from lago_cli.reports.estimates import estimated
from lago_cli.server.pages.page import At, Page
from lago_cli.server.pages.query import Query
from lago_cli.server.pages.sentences import sayer
from lago_cli.server.pages.things import link_of

if TYPE_CHECKING:
    from lago_cli.renderers import Answer
    from lago_cli.services.requests import UsageRequest

_UNITS = "units."
_OF_SIMULATION = ("plan", "customer", "subscription", "period", "at", "as_of")


def _plan_of(at: At) -> str:
    code = at.query.one("plan")
    if code is None:
        raise wrong_usage("plan_needed", "Name the plan to estimate.", "Choose one of the plans.")
    at.query.refuse_others(
        ("plan", "units", "events", *(n for n, _ in at.query.pairs if n.startswith(_UNITS)))
    )
    return code


def _units(query: Query) -> list[str]:
    """As options: `api_calls=10`; each field of the form has a metric of its own."""
    own = [f"{n.removeprefix(_UNITS)}={value}" for n, value in query.pairs if n.startswith(_UNITS)]
    return [*query.all("units"), *own]


def estimate_data(at: At, output: str) -> Answer:
    code = _plan_of(at)
    units, events = _units(at.query), at.query.all("events")
    return estimated(lambda: at.store, code, units, events, at.heard, output)


def estimate(at: At) -> Page:
    """A form with a field for each metric of the plan, and the bill below it."""
    code = _plan_of(at)
    plan = at.store.table(PLAN).get(code).value
    units = _units(at.query)
    words = [("units", each) for each in units] + at.query.only("events")
    values = {
        "plan": plan,
        "metrics": [
            (each, at.query.one(_UNITS + each) or "")
            for each in dict.fromkeys(charge.billable_metric_code for charge in plan.charges)
        ],
        "others": at.query.all("units"),
        "statements": [],
        "fault": None,
        "command": Query(words).command(f"lago plans estimate {quote(code)}"),
    }
    try:
        answer = estimate_data(at, "table")
    except LagoError as error:
        values["fault"] = error
        return Page("estimate.html", f"Estimate of {code}", values, 422)
    if isinstance(answer, Pages):
        values["statements"] = answer.statements
    return Page("estimate.html", f"Estimate of {code}", values)


def _request(at: At) -> UsageRequest:
    at.query.refuse_others(_OF_SIMULATION)
    return at.query.usage_request(by="subscription")


def simulation_data(at: At, output: str) -> Answer:
    request, plans = _request(at), at.query.all("plan")
    if not plans:
        raise wrong_usage("plan_needed", "Name the plans to try.", "For example: ?plan=basic")
    return simulated(at.store, request, plans, now=at.now, in_units=output == "table")


def simulation(at: At) -> Page:
    """Real usage under other plans."""
    _request(at)
    chosen = at.query.all("plan")
    values = {
        "plans": [(code, code in chosen) for code in at.store.plans()],
        "report": "",
        "command": "",
    }
    if chosen:
        answer = simulation_data(at, "table")
        values["report"] = render(answer, link_of(None), footer=sayer(at))  # type: ignore[arg-type]
        others = Query(at.query.but("plan"))
        values["command"] = others.command(" ".join(["lago plans simulate", *map(quote, chosen)]))
    return Page("simulation.html", "Simulation", values, has_data=bool(chosen))
