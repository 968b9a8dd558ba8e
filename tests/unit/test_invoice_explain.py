"""Whatever does not add up in an explained invoice is named."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from lago_cli.domain.charges import Charge
from lago_cli.domain.fees import Fee
from lago_cli.domain.instants import Window
from lago_cli.domain.pricing import Part
from lago_cli.services.explain import Line
from lago_cli.services.invoice_explain import Adjustment, Counted, FeeExplained

PER_UNIT = {"units": Fraction(5), "per_unit_amount": Fraction(1, 2)}
FEE = Fee(
    "charge",
    Window(0, 10),
    amount_cents=250,
    precise_amount=Fraction(5, 2),
    parts=[Part("units", Fraction(5, 2), PER_UNIT)],
    units=Fraction(5),
    unit_amount=Fraction(1, 2),
    charge=Charge("calls", "standard"),
)


def counted(units, **more):
    return Counted(Line(None, None, None, Fraction(units), "adds", "adds its value"), **more)  # type: ignore[arg-type]


WHOLE = FeeExplained(FEE, 2, [counted(2), counted(3)])


def faults(explained):
    return list(explained.broken_links())


def test_what_adds_up_has_no_broken_link():
    assert faults(WHOLE) == []


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"units": Fraction(6)}, "its events make 5 units of 6"),
        ({"parts": []}, "its parts are not 2.5"),
        ({"amount_cents": 251}, "its amount rounds to 250, not to 251"),
    ],
)
def test_a_fee_that_differs_is_named(changes, sentence):
    assert faults(replace(WHOLE, fee=FEE._replace(**changes))) == [sentence]


def test_adjustments_are_units_too():
    rounding = Adjustment("rounding", "", Fraction(1, 2))

    assert faults(replace(WHOLE, counted=[counted("4.5")], adjustments=[rounding])) == []


def test_prorated_units_are_those_that_are_priced():
    assert faults(replace(WHOLE, counted=[counted(5, prorated=Fraction(5))])) == []
    assert faults(replace(WHOLE, counted=[counted(5, prorated=Fraction(4))])) == [
        "its events make 4 prorated units of 5"
    ]


def test_prices_of_events_are_those_of_its_parts():
    dynamic = FEE._replace(parts=[Part("events", Fraction(5, 2))])
    found = [counted(5, amount=Fraction(2))]

    assert faults(replace(WHOLE, fee=dynamic, counted=found)) == [
        "the prices of its events are not its parts"
    ]


def test_in_advance_each_event_is_rounded():
    """Two half cents are two cents."""
    half = Part("event", Fraction(1, 200), {"units": Fraction(1)})
    charge = Charge("calls", "standard", pay_in_advance=True)
    fee = FEE._replace(
        charge=charge, parts=[half, half], precise_amount=Fraction(1, 100), units=Fraction(2)
    )
    events = [counted(1, amount=half.amount)] * 2

    assert faults(FeeExplained(fee._replace(amount_cents=2), 2, events)) == []
    assert faults(FeeExplained(fee._replace(amount_cents=1), 2, events)) == [
        "its amount rounds to 2, not to 1"
    ]
