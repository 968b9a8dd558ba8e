"""
What every charge costs: the cases of `cases/price.json`, and what is refused.

A case in doubt is an accident of Lago's; what it expects is the consistent figure.
"""

from __future__ import annotations

import json
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest

from lago_cli.domain.charge_models import read_model
from lago_cli.domain.currencies import minor_digits
from lago_cli.domain.definitions import Faulty
from lago_cli.domain.fees import charge_fee, minimum_spend
from lago_cli.domain.instants import Window
from lago_cli.domain.metrics import define_metric
from lago_cli.domain.numbers import round_half_up
from lago_cli.domain.pricing import Change, Used
from lago_cli.domain.slices import Slice
from lago_cli.domain.steps import Steps
from lago_cli.services.plans import read_plan
from tests.prices import priced, written

FOLDER = Path(__file__).parent / "cases"
PLAN = {"code": "p", "interval": "monthly", "amount_cents": 0, "amount_currency": "EUR"}
SHOWN = Fraction(1, 10**12)  # quotients in the cases are cut somewhere


def cases(name):
    text = (FOLDER / f"{name}.json").read_text("utf-8")
    found = json.loads(text, parse_float=Decimal)
    return pytest.mark.parametrize("case", found, ids=lambda case: case["id"])


def model_of(charge):
    properties = dict(charge["properties"])
    for key in ("pricing_group_keys", "grouped_by"):
        properties.pop(key, None)
    return read_model(charge["charge_model"], written(properties))


def used_of(case, cents):
    """
    The usage of a case, or of one of its groups.

    Args:
        cents: in the unit of currency.
    """
    units = Fraction(case["units"])
    prorated = units if "full_units" in case else None
    values = case.get("event_values")
    return Used(
        Fraction(case.get("full_units", case["units"])),
        case.get("events_count", len(values or ())),
        prorated,
        steps=None if values is None else steps_of(values),
        changes=changes_of(case),
        amount=Fraction(case.get("precise_total_amount_cents", 0)) / cents,
    )


def steps_of(values):
    numbers = [int(Fraction(value) * 10**18) for value in values]
    return Steps(range(len(values)), numbers, 18)


def changes_of(case):
    shares = case.get("event_prorated_values", ())
    moves = [Fraction(value) for value in case.get("event_values", ())][: len(shares)]
    return [Change(move, Fraction(share) / move) for move, share in zip(moves, shares, strict=True)]


def agrees(figure, expected, tolerance=SHOWN):
    return abs(Fraction(figure) - Fraction(expected)) <= Fraction(tolerance)


@cases("price")
def test_every_case_has_its_price(case):
    digits = minor_digits(case.get("currency", "EUR"))
    model, expect = model_of(case["charge"]), case["expect"]
    tolerance = expect.get("tolerance", SHOWN)
    groups = [
        (priced(model, used_of(each, 10**digits)), wanted)
        for each, wanted in zip(
            case.get("groups", [case]), expect.get("groups", [expect]), strict=True
        )
    ]
    cents = [round_half_up(price.amount, digits).scaleb(digits) for price, _ in groups]

    assert agrees(sum(price.amount for price, _ in groups), expect["amount"], tolerance)
    if "amount_cents" in expect:
        assert sum(cents) == int(expect["amount_cents"])
    for (price, wanted), rounded in zip(groups, cents, strict=True):
        assert agrees(price.amount, wanted["amount"], tolerance)
        if "unit_amount" in wanted:
            assert agrees(price.unit_amount, wanted["unit_amount"], tolerance)
        if "amount_cents" in wanted:
            assert rounded == int(wanted["amount_cents"])
    if "details" in expect and "min_amount_cents" not in case["charge"]:
        told = DETAILS[case["charge"]["charge_model"]](case, groups[0][0])
        assert {key: told[key] for key in expect["details"]} == decoded(expect["details"])


def decoded(details):
    """The details of a case with its texts as numbers."""
    if isinstance(details, dict):
        return {key: decoded(each) for key, each in details.items()}
    if isinstance(details, list):
        return [decoded(each) for each in details]
    return Fraction(details)


def of_ranges(case, price):
    return {"ranges": [of_tier(part) for part in price.parts]}


def of_tier(part):
    told = part.told
    return {
        "units": told["units"],
        "per_unit_total": told["per_unit_total"],
        "flat": told["flat_amount"],
        "total": part.amount,
    }


def of_volume(case, price):
    """Lago tells what a unit costs of those that are not prorated."""
    tier = of_tier(price.parts[0])
    units = Fraction(case.get("full_units", case["units"]))
    return {**tier, "per_unit_amount": tier["per_unit_total"] / units if units else Fraction(0)}


def of_packages(case, price):
    """Lago tells the free units that there are, not those that were used."""
    packages = price.parts[-1].told
    free = Fraction(case["charge"]["properties"]["free_units"])
    return {"free_units": free, "paid_units": packages["units"], "packages": packages["packages"]}


def of_percentage(case, price):
    parts = {part.kind: part for part in price.parts}
    free = parts["free"].told if "free" in parts else {"units": 0, "events": 0}
    fixed = parts.get("fixed")
    values = case["event_values"]
    return {
        "free_units": free["units"],
        "paid_units": parts["percentage"].told["units"],
        "free_events": free["events"],
        "paid_events": fixed.told["events"] if fixed else None,
        "percentage_part": parts["percentage"].amount,
        "fixed_part": fixed.amount if fixed else Fraction(0),
        "per_event": per_event(case, values),
    }


def per_event(case, values):
    """What each event adds to the price of those before it."""
    model = model_of(case["charge"])
    sums = [Fraction(0)]
    for number in range(1, len(values) + 1):
        part = {"units": sum(map(Fraction, values[:number])), "event_values": values[:number]}
        sums.append(priced(model, used_of(part, 1)).amount)
    return [after - before for before, after in pairwise(sums)]


DETAILS = {
    "graduated": of_ranges,
    "volume": of_volume,
    "package": of_packages,
    "percentage": of_percentage,
}


@cases("price_invalid")
def test_every_faulty_charge_is_refused(case):
    """As a charge of a plan, with its place."""
    charge = {**case["charge"], "billable_metric_code": "m"}
    kind = {"aggregation_type": "sum_agg", "field_name": "value"}
    metric = define_metric(code="m", **charge.pop("billable_metric", kind))

    with pytest.raises(Faulty) as refused:
        read_plan(written({**PLAN, "charges": [charge]}), {"m": metric})

    assert {path[:2] for path, _ in refused.value.faults} == {("charges", 0)}, case["why"]


@pytest.mark.parametrize(
    "case",
    [case for case in json.loads((FOLDER / "price.json").read_text()) if "period_days" in case],
    ids=lambda case: case["id"],
)
def test_a_minimum_is_made_up_for(case):
    charge = {**case["charge"], "billable_metric_code": "m"}
    plan = read_plan(
        written({**PLAN, "charges": [charge]}),
        {"m": define_metric(code="m", aggregation_type="count")},
    )
    days, window = case["period_days"], Window(0, 1)
    part = Slice(window, window, plan, 1, days["billed"], days["full"])
    price = priced(model_of(charge), Used(Fraction(case["units"])))
    fee = charge_fee(part, plan, 0, 0, None, price, 0)

    lacking = minimum_spend(part, plan, 0, [fee])

    details = case["expect"]["details"]
    true_up = lacking.amount_cents if lacking else 0
    assert str(true_up) == details["true_up_cents"]
    assert str(fee.amount_cents + true_up) == details["total_cents"]
