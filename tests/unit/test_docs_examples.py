"""Every figure in docs/charge-models.md is what the program computes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest

from lago_cli.domain.advance import price_in_advance
from lago_cli.domain.charge_models import CHARGE_MODELS
from lago_cli.domain.numbers import as_plain
from lago_cli.domain.pricing import Change, Used
from tests.prices import cost, model, steps, used_in

PAGE = (Path(__file__).parents[2] / "docs" / "charge-models.md").read_text()
CHARGE = re.compile(r"```json charge\n(.*?)```\n\n((?:- [^\n]*\n)*)", re.DOTALL)
CENTS = 100


def examples() -> Iterator[object]:
    for block, claims in CHARGE.findall(PAGE):
        charge = json.loads(block, parse_float=Decimal)
        for claim in claims.splitlines():
            name = f"{charge['charge_model']}: {claim.removeprefix('- ')}"
            yield pytest.param(charge, claim.removeprefix("- "), id=name)


def amounts(charge, claim):
    """What a charge costs, of the usage that a claim begins with."""
    of = model(charge["charge_model"], charge["properties"])
    usage = claim.rsplit(" cost ", 1)[0]
    numbers = [Fraction(number) for number in re.findall(r"-?\d+(?:\.\d+)?", usage)]
    if usage.startswith("in advance, events of"):
        found = steps(*numbers, scale=3)
        return [part.amount for part in price_in_advance(of, found, 0, 2).price.parts]
    if usage.startswith("events of"):
        return [cost(of, used_in(steps(*numbers, scale=3)))]
    if usage.startswith("events that carry"):
        return [cost(of, Used(events=len(numbers), amount=sum(numbers) / CENTS))]
    if usage.startswith("of "):
        days, *pairs = numbers
        changes = [
            Change(value, (days - day + 1) / days)
            for value, day in zip(pairs[::2], pairs[1::2], strict=True)
        ]
        return [cost(of, Used(sum(pairs[::2]), len(changes), Fraction(0), changes=changes))]
    return [cost(of, Used(numbers[0], prorated=numbers[1] if len(numbers) > 1 else None))]


@pytest.mark.parametrize(("charge", "claim"), list(examples()))
def test_an_example_costs_what_it_says(charge, claim):
    said = claim.rsplit(" cost ", 1)[1].split(", ")

    assert [as_plain(amount) for amount in amounts(charge, claim)] == said


def test_every_model_has_an_example():
    shown = [json.loads(block)["charge_model"] for block, claims in CHARGE.findall(PAGE) if claims]

    assert set(shown) == set(CHARGE_MODELS)


def test_every_claim_belongs_to_a_charge():
    claims = [claim for _, found in CHARGE.findall(PAGE) for claim in found.splitlines()]

    assert claims == re.findall(r"^- .*", PAGE, re.MULTILINE)


@pytest.mark.parametrize("charge_model", CHARGE_MODELS)
def test_the_table_says_what_goes_with_what(charge_model):
    row = next(line for line in PAGE.splitlines() if line.startswith(f"| {charge_model} | "))
    of = CHARGE_MODELS[charge_model]
    can_be = (of.may_be_prorated, of.may_be_in_advance, of.may_be_prorated_in_advance)

    assert row.split(" | ")[1:4] == ["yes" if each else "no" for each in can_be]
