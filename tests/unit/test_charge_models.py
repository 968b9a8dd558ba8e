"""Charge models: how their properties are read, and what they do not go with."""

from __future__ import annotations

import json
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest

from lago_cli.domain.charge_models import CHARGE_MODELS, faults_with, read_model
from lago_cli.domain.currencies import CURRENCIES, minor_digits
from lago_cli.domain.definitions import Faulty
from lago_cli.domain.pricing import Used
from tests.prices import Number, cost, model, priced, tiers, written

RANGE = {"from_value": 0, "to_value": None, "per_unit_amount": "1", "flat_amount": "0"}
PRICES = Path(__file__).parents[1] / "conformance" / "cases" / "price.json"
NOTHING_SAID = {
    "standard": {"amount": "0"},
    "graduated": {
        "graduated_ranges": [
            {"from_value": 0, "to_value": None, "per_unit_amount": "0", "flat_amount": "0"}
        ]
    },
    "graduated_percentage": {
        "graduated_percentage_ranges": [
            {"from_value": 0, "to_value": None, "rate": "0", "flat_amount": "0"}
        ]
    },
    "volume": {
        "volume_ranges": [
            {"from_value": 0, "to_value": None, "per_unit_amount": "0", "flat_amount": "0"}
        ]
    },
    "package": {"amount": "0", "package_size": 1, "free_units": 0},
    "percentage": {"rate": "0"},
    "dynamic": {},
}


def faults(charge_model, properties):
    """[(path, message)] of what is wrong."""
    with pytest.raises(Faulty) as raised:
        read_model(charge_model, properties)
    return [(path, error.message) for path, error in raised.value.faults]


@pytest.mark.parametrize(("units", "amount"), [("10", "51.2345"), ("0", "0"), ("-5", "0")])
def test_a_standard_price(units, amount):
    assert cost(model("standard", amount="5.12345"), units) == Fraction(amount)


def test_a_prorated_standard_price_is_shown_of_all_units():
    price = priced(model("standard", amount="10"), Used(Fraction(5), prorated=Fraction("2.5")))

    assert (price.units, price.amount, price.unit_amount) == (5, 25, 5)


def test_what_is_given_back_at_most_makes_prorated_units_free():
    price = priced(model("standard", amount="10"), Used(Fraction(5), prorated=Fraction(-1)))

    assert (price.units, price.amount) == (0, 0)
    assert [(part.kind, part.amount) for part in price.parts] == [("units", -10), ("negative", 10)]


@pytest.mark.parametrize(
    ("units", "free", "amount"),
    [
        ("121", 0, "1300"),
        ("121", 10, "1200"),
        ("121", 200, "0"),
        ("10", 0, "100"),
        ("10.1", 0, "200"),
        ("0", 0, "0"),
        ("-5", 0, "0"),
        pytest.param("1" + 25 * "0" + ".1", 0, "1" + 23 * "0" + "100", id="beyond binary floats"),
    ],
)
def test_a_package_price(units, free, amount):
    of = model("package", amount="100", package_size=10, free_units=free)

    assert cost(of, units) == Fraction(amount)


def test_a_package_shows_what_a_paid_unit_costs():
    price = priced(model("package", amount="100", package_size=10, free_units=10), "121")

    assert price.unit_amount == Fraction(1200, 111)
    assert [tuple(part) for part in price.parts] == [
        ("free", 0, {"units": 10}),
        (
            "packages",
            1200,
            {"units": 111, "packages": 12, "package_size": 10, "per_package_amount": 100},
        ),
    ]


def test_usage_below_zero_gives_no_package_back():
    (part,) = priced(model("package", amount="100", package_size=10), "-25").parts

    assert (part.kind, part.amount, part.told["units"]) == ("packages", 0, 0)


def test_a_count_is_one_that_every_reader_of_json_takes():
    found = faults("package", written({"amount": "1", "package_size": 10**18}))

    assert [path for path, _ in found] == [("package_size",)]


def test_events_that_carry_their_prices_are_billed_also_where_units_add_up_to_nothing():
    used = Used(Fraction(0), 2, amount=Fraction("9.12"))

    assert cost(model("dynamic"), used) == Fraction("9.12")


@pytest.mark.parametrize("charge_model", CHARGE_MODELS)
@pytest.mark.parametrize("properties", [None, {}])
def test_a_charge_without_properties_costs_nothing(charge_model, properties):
    assert read_model(charge_model, properties).as_json() == NOTHING_SAID[charge_model]


@pytest.mark.parametrize("case", json.loads(PRICES.read_text()), ids=lambda case: case["id"])
def test_what_a_model_says_of_itself_can_be_read_again(case):
    properties = dict(case["charge"]["properties"])
    properties.pop("pricing_group_keys", None)
    charge_model = case["charge"]["charge_model"]
    of = model(charge_model, properties)

    assert model(charge_model, of.as_json()) == of


def test_one_form_stands_for_all_that_mean_the_same():
    spelled = model(
        "percentage",
        {
            "rate": "1.50",
            "fixed_amount": Number("0"),
            "free_units_per_events": 0,
            "free_units_per_total_aggregation": None,
            "per_transaction_max_amount": "1e1",
        },
    )

    assert spelled.as_json() == {"rate": "1.5", "per_transaction_max_amount": "10"}


def test_bounds_are_numbers_and_prices_texts():
    half = Decimal("0.5")
    of = tiers("graduated", (0, half, "1.10", "0"), (half, None, "2", "3"))

    assert of.as_json()["graduated_ranges"] == [
        {"from_value": 0, "to_value": Decimal("0.5"), "per_unit_amount": "1.1", "flat_amount": "0"},
        {
            "from_value": Decimal("0.5"),
            "to_value": None,
            "per_unit_amount": "2",
            "flat_amount": "3",
        },
    ]


def test_bounds_beyond_what_readers_of_json_take_are_still_exact():
    of = tiers("volume", (0, 10**30, "1", "0"), (10**30, None, "2", "0"))

    assert of.as_json()["volume_ranges"][0]["to_value"] == Decimal(10**30)
    assert isinstance(of.as_json()["volume_ranges"][0]["to_value"], Decimal)


def test_prices_may_be_numbers_and_stay_exact():
    assert model("standard", amount=Number("0.10000000000000000001")).as_json() == {
        "amount": "0.10000000000000000001"
    }


def test_keys_of_other_models_may_be_null_or_empty():
    of = read_model(
        "standard",
        {
            "amount": "1",
            "rate": None,
            "graduated_ranges": [],
            "free_units": None,
            "fixed_amount": "",
        },
    )

    assert of.as_json() == {"amount": "1"}


@pytest.mark.parametrize(
    ("charge_model", "properties", "path", "message"),
    [
        ("standard", {"amount": "ten"}, ("amount",), "'ten' is not a number"),
        ("standard", {"amount": " 1"}, ("amount",), "' 1' is not a number"),
        ("standard", {"amount": "1_000"}, ("amount",), "'1_000' is not a number"),
        ("standard", {"amount": "NaN"}, ("amount",), "'NaN' is not a number"),
        ("standard", {"amount": "-1"}, ("amount",), "-1 is less than 0"),
        ("standard", {"amount": None}, (), "amount is missing"),
        (
            "standard",
            {"amount": True},
            ("amount",),
            "this is true or false, where a number is expected",
        ),
        ("standard", {"amount": "1", "rate": "2"}, ("rate",), '"rate" is no key here: amount'),
        ("standard", {"amount": "1", "amout": "2"}, ("amout",), '"amout" is no key here: amount'),
        ("standard", [], (), "this is a list, where an object is expected"),
        ("dynamic", {"amount": "1"}, ("amount",), '"amount" is no key here: there are none'),
        ("package", {"amount": "1"}, (), "package_size is missing"),
        (
            "package",
            {"amount": "1", "package_size": "10"},
            ("package_size",),
            "this is text, where a number is expected",
        ),
        (
            "package",
            {"amount": "1", "package_size": 0},
            ("package_size",),
            "0 is no whole number from 1 to 999999999999999999",
        ),
        (
            "package",
            {"amount": "1", "package_size": 1, "free_units": Number("1.5")},
            ("free_units",),
            "1.5 is no whole number from 0 to 999999999999999999",
        ),
        ("percentage", {"fixed_amount": "1"}, (), "rate is missing"),
        (
            "percentage",
            {"rate": "1", "free_units_per_events": "3"},
            ("free_units_per_events",),
            "this is text, where a number is expected",
        ),
        (
            "percentage",
            {"rate": "1", "per_transaction_min_amount": "3", "per_transaction_max_amount": "2"},
            ("per_transaction_max_amount",),
            "the most that an event costs, 2, is less than the least",
        ),
    ],
)
def test_a_fault_says_what_and_where(charge_model, properties, path, message):
    assert faults(charge_model, written(properties)) == [(path, message)]


def ranges(*bounds):
    return [{**RANGE, "from_value": start, "to_value": end} for start, end in bounds]


@pytest.mark.parametrize(
    ("bounds", "place", "message"),
    [
        ([(1, None)], (0, "from_value"), "the first range begins at 1, and has to begin at 0"),
        (
            [(0, 100), (120, None)],
            (1, "from_value"),
            "this range begins at 120, and the one before it ends at 100",
        ),
        (
            [(0, 100), (90, None)],
            (1, "from_value"),
            "this range begins at 90, and the one before it ends at 100",
        ),
        ([(0, 10)], (0, "to_value"), "the last range has to be open"),
        ([(0, None), (10, None)], (0, "to_value"), "only the last range is open"),
        (
            [(0, 10), (11, 11), (12, None)],
            (1, "to_value"),
            "this range ends at 11, and has to end after it begins, at 11",
        ),
    ],
)
@pytest.mark.parametrize("charge_model", ["graduated", "volume"])
def test_ranges_are_a_chain_from_nothing_on(charge_model, bounds, place, message):
    key = f"{charge_model}_ranges"

    assert faults(charge_model, written({key: ranges(*bounds)})) == [((key, *place), message)]


def test_every_fault_of_every_range_is_told_at_once():
    rows = [
        {"from_value": "0", "to_value": 10, "per_unit_amount": "x", "flat_amount": "0"},
        "11-20",
        {"from_value": 21, "to_value": None, "rate": "1", "flat_amount": "-1"},
    ]

    found = faults("graduated", written({"graduated_ranges": rows}))

    assert found == [
        (("graduated_ranges", 0, "from_value"), "this is text, where a number is expected"),
        (("graduated_ranges", 0, "per_unit_amount"), "'x' is not a number"),
        (("graduated_ranges", 1), "this is text, where an object is expected"),
        (
            ("graduated_ranges", 2, "rate"),
            '"rate" is no key here: from_value, to_value, per_unit_amount, flat_amount',
        ),
        (("graduated_ranges", 2), "per_unit_amount is missing"),
        (("graduated_ranges", 2, "flat_amount"), "-1 is less than 0"),
    ]


@pytest.mark.parametrize("given", [{"volume_ranges": []}, {"volume_ranges": None, "rate": None}])
def test_there_has_to_be_a_range(given):
    assert faults("volume", given)


def test_an_unknown_model_names_those_there_are():
    with pytest.raises(Faulty) as raised:
        read_model("flat", {"amount": "1"})

    ((path, error),) = raised.value.faults
    assert (path, error.field) == ((), "charge_model")
    assert error.message == '"flat" is no charge model.'
    assert str(error.hint) == "One of: " + ", ".join(CHARGE_MODELS)


def fields(charge_model, properties=None, **more):
    """Which keys of a charge break a rule."""
    charge = {
        "prorated": False,
        "pay_in_advance": False,
        "min_amount_cents": 0,
        "aggregation_type": "sum_agg",
        "recurring": False,
        **more,
    }
    found = faults_with(charge_model, model(charge_model, properties), **charge)
    return [error.field for error in found]


@pytest.mark.parametrize("charge_model", CHARGE_MODELS)
def test_every_model_prices_a_sum(charge_model):
    assert fields(charge_model) == []


@pytest.mark.parametrize(
    ("charge_model", "in_arrears", "in_advance"),
    [
        ("standard", True, True),
        ("graduated", True, False),
        ("volume", True, False),
        ("graduated_percentage", False, False),
        ("package", False, False),
        ("percentage", False, False),
        ("dynamic", False, False),
    ],
)
def test_which_models_can_be_prorated(charge_model, in_arrears, in_advance):
    recurring = {"prorated": True, "recurring": True}

    assert ("prorated" not in fields(charge_model, **recurring)) is in_arrears
    advance = fields(charge_model, **recurring, pay_in_advance=True)
    assert ("prorated" not in advance) is in_advance


@pytest.mark.parametrize(
    ("aggregation_type", "recurring", "can_be"),
    [
        ("sum_agg", True, True),
        ("unique_count_agg", True, True),
        ("weighted_sum_agg", True, False),
        ("sum_agg", False, False),
        ("count_agg", False, False),
    ],
)
def test_which_metrics_can_be_prorated(aggregation_type, recurring, can_be):
    found = fields(
        "standard", prorated=True, aggregation_type=aggregation_type, recurring=recurring
    )

    assert (found == []) is can_be


@pytest.mark.parametrize(
    ("aggregation_type", "can_be"),
    [
        ("count_agg", True),
        ("sum_agg", True),
        ("unique_count_agg", True),
        ("max_agg", False),
        ("latest_agg", False),
        ("weighted_sum_agg", False),
    ],
)
def test_which_metrics_can_be_paid_in_advance(aggregation_type, can_be):
    found = fields("standard", pay_in_advance=True, aggregation_type=aggregation_type)

    assert found == ([] if can_be else ["pay_in_advance"])


def test_a_volume_cannot_be_paid_in_advance():
    assert fields("volume", pay_in_advance=True) == ["pay_in_advance"]


@pytest.mark.parametrize(
    ("cents", "in_advance", "is_faulty"),
    [(None, True, False), (0, True, False), (5, True, True), (5, False, False), (-1, True, True)],
)
def test_a_minimum_is_of_charges_in_arrears(cents, in_advance, is_faulty):
    found = fields("standard", min_amount_cents=cents, pay_in_advance=in_advance)

    assert found == (["min_amount_cents"] if is_faulty else [])


@pytest.mark.parametrize(
    ("charge_model", "properties", "refused"),
    [
        ("percentage", {"rate": "1"}, {"latest_agg"}),
        (
            "percentage",
            {"rate": "1", "free_units_per_events": 1},
            {"latest_agg", "max_agg", "weighted_sum_agg"},
        ),
        (
            "percentage",
            {"rate": "1", "per_transaction_max_amount": "1"},
            {"latest_agg", "max_agg", "weighted_sum_agg"},
        ),
        ("graduated_percentage", None, {"latest_agg"}),
        (
            "dynamic",
            None,
            {"count_agg", "latest_agg", "max_agg", "unique_count_agg", "weighted_sum_agg"},
        ),
        ("package", None, set()),
    ],
)
def test_which_metrics_a_model_has_no_price_for(charge_model, properties, refused):
    types = ["count", "latest", "max", "sum", "unique_count", "weighted_sum"]

    found = {
        f"{each}_agg"
        for each in types
        if fields(charge_model, properties, aggregation_type=f"{each}_agg") == ["charge_model"]
    }

    assert found == refused


@pytest.mark.parametrize(
    ("code", "digits"),
    [
        ("EUR", 2),
        ("USD", 2),
        ("JPY", 0),
        ("KRW", 0),
        ("KWD", 3),
        ("TND", 3),
        ("CLF", 4),
        ("UYW", 4),
        ("STD", 2),
    ],
)
def test_a_currency_has_its_decimals(code, digits):
    assert minor_digits(code) == digits


def test_currencies_are_known_by_three_letters():
    assert len(CURRENCIES) > 150
    assert all(len(code) == 3 and code.isupper() for code in CURRENCIES)
