"""`lago plans`: plans as Lago writes them, created, shown, changed, deleted."""

from __future__ import annotations

import json

import pytest

from tests.cli.plan_files import METRICS, NOW, apply, charge, create, plan, tiers

NEVER_SET = {"lago_id": "1a90", "created_at": "2023-06-27T19:43:42Z"}
TAX = {
    **NEVER_SET,
    "name": "TVA",
    "code": "vat",
    "description": "French",
    "rate": 20,
    "applied_to_organization": True,
}
STARTUP = {  # as Lago's API answers
    "plan": {
        **NEVER_SET,
        "name": "Startup",
        "invoice_display_name": "Startup plan",
        "code": "startup",
        "interval": "yearly",
        "description": "",
        "amount_cents": 10000,
        "amount_currency": "USD",
        "trial_period": 5.0,
        "pay_in_advance": True,
        "bill_charges_monthly": None,
        "bill_fixed_charges_monthly": None,
        "active_subscriptions_count": 4,
        "draft_invoices_count": 0,
        "customers_count": 3,
        "charges_count": 2,
        "parent_id": None,
        "minimum_commitment": {
            **NEVER_SET,
            "updated_at": "2022-04-29T08:59:51Z",
            "plan_code": "premium",
            "amount_cents": 100000,
            "invoice_display_name": "Minimum",
            "interval": "monthly",
            "commitment_type": "minimum_commitment",
            "taxes": [TAX],
        },
        "charges": [
            {
                **NEVER_SET,
                "lago_billable_metric_id": "1a91",
                "billable_metric_code": "seats",
                "charge_model": "standard",
                "invoiceable": True,
                "invoice_display_name": "Seats",
                "pay_in_advance": True,
                "regroup_paid_fees": None,
                "prorated": False,
                "min_amount_cents": 0,
                "properties": {},
                "filters": [
                    {
                        "invoice_display_name": "Europe",
                        "properties": {"amount": "10"},
                        "values": {"region": ["Europe"]},
                    }
                ],
            },
            {
                **NEVER_SET,
                "billable_metric_code": "cpu",
                "charge_model": "graduated",
                "properties": {"graduated_ranges": tiers((10, "0.50", "10"), (None, 0.4, 0))},
                "filters": [],
            },
        ],
        "fixed_charges": [
            {
                **NEVER_SET,
                "code": "setup_fee",
                "charge_model": "standard",
                "properties": {"amount": "500"},
                "units": 1,
                "taxes": [TAX],
            }
        ],
        "taxes": [TAX],
        "usage_thresholds": [{**NEVER_SET, "amount_cents": 10000, "recurring": True}],
    }
}


@pytest.fixture
def program(lago):
    """With five metrics."""
    apply(lago, METRICS)
    return lago


def shown(lago, code="basic"):
    return lago("plans", "get", code, "-o", "json", "--now", NOW).json()


def faults(finished):
    """Of a refusal, a line each."""
    assert finished.error()["code"] == "invalid_definitions"
    _, *lines = finished.error()["message"].split("\n")
    return lines


# What Lago answers -------------------------------------------------------------------------


def test_what_lago_answers_is_taken_unchanged(program):
    answered = create(program, STARTUP).json()

    assert answered == {
        "code": "startup",
        "name": "Startup",
        "interval": "yearly",
        "amount_cents": 10000,
        "amount_currency": "USD",
        "pay_in_advance": True,
        "trial_period": 5,
        "bill_charges_monthly": False,
        "description": "",
        "invoice_display_name": "Startup plan",
        "minimum_commitment": {
            "amount_cents": 100000,
            "invoice_display_name": "Minimum",
            "taxes": [{"rate": "20", "code": "vat", "name": "TVA"}],
        },
        "taxes": [{"rate": "20", "code": "vat", "name": "TVA"}],
        "charges": [
            {
                "billable_metric_code": "seats",
                "charge_model": "standard",
                "invoice_display_name": "Seats",
                "pay_in_advance": True,
                "prorated": False,
                "invoiceable": True,
                "min_amount_cents": 0,
                "properties": {"amount": "0"},
                "filters": [
                    {
                        "values": {"region": ["Europe"]},
                        "properties": {"amount": "10"},
                        "invoice_display_name": "Europe",
                    }
                ],
                "taxes": [],
            },
            {
                "billable_metric_code": "cpu",
                "charge_model": "graduated",
                "pay_in_advance": False,
                "prorated": False,
                "invoiceable": True,
                "min_amount_cents": 0,
                "properties": {"graduated_ranges": tiers((10, "0.5", "10"), (None, "0.4", "0"))},
                "filters": [],
                "taxes": [],
            },
        ],
        "created_at": NOW,
    }


def test_what_is_not_billed_is_named(program):
    told = create(program, STARTUP).stderr

    assert [line.split(": ", 2)[2] for line in told.splitlines()] == [
        "plan.fixed_charges: fixed charges are not billed.",
        "plan.usage_thresholds: no invoice is made when usage passes a threshold.",
    ]


def test_apply_takes_what_lago_answers_too(program):
    (done,) = apply(program, json.dumps(STARTUP)).json()
    assert (done["type"], done["name"], done["action"]) == ("plan", "startup", "created")

    (again,) = apply(program, json.dumps(STARTUP)).json()
    assert again["action"] == "unchanged"


# Create, list, get, update, delete ---------------------------------------------------------


def test_a_plan_is_shown_as_it_was_created(program):
    created = create(program, plan(charge("cpu", properties={"amount": "1.50"}))).json()

    assert shown(program) == created
    assert program("plans", "list", "-o", "json", "--now", NOW).json() == [created]
    assert created["charges"][0]["properties"] == {"amount": "1.5"}


@pytest.mark.parametrize("output", ["json", "ndjson"])
def test_bounds_with_decimals_are_numbers_as_an_update_reads_them(program, output):
    price = {"per_unit_amount": 1, "flat_amount": 0}
    ranges = [
        {"from_value": 0, "to_value": 0.1, **price},
        {"from_value": 0.1, "to_value": None, **price},
    ]
    create(program, plan(charge("cpu", "graduated", {"graduated_ranges": ranges})))
    text = program("plans", "get", "basic", "-o", output).stdout
    program("plans", "update", "basic", "--input", "-", stdin=text)

    again = program("plans", "get", "basic", "-o", output).stdout
    assert again == text
    assert [row["from_value"] for row in _ranges(again)] == [0, 0.1]


def _ranges(text):
    return json.loads(text)["charges"][0]["properties"]["graduated_ranges"]


def test_a_plan_in_yaml_is_one_too(program):
    text = "{code: basic, interval: weekly, amount_cents: 5, amount_currency: JPY}"
    program("plans", "create", "--input", "-", stdin=text)

    assert shown(program)["amount_currency"] == "JPY"


def test_a_plan_is_created_once(program):
    create(program, plan())
    refused = create(program, plan(), exits=5)

    assert refused.error()["code"] == "plan_exists"


def test_an_update_changes_what_the_file_says(program):
    create(program, plan(charge("cpu", properties={"amount": "2"}), amount_cents=500))
    changed = create(program, {"name": "Basic"}, verb=("update", "basic")).json()
    assert (changed["name"], changed["amount_cents"], len(changed["charges"])) == ("Basic", 500, 1)

    without = create(program, {"plan": {"charges": []}}, verb=("update", "basic")).json()
    assert (without["name"], without["charges"]) == ("Basic", [])


def test_an_update_cannot_give_another_code(program):
    create(program, plan())
    refused = create(program, {"code": "other"}, verb=("update", "basic"), exits=5)

    assert faults(refused) == ['<stdin>:1: code: "other" is another plan; the code of a plan stays']


@pytest.mark.parametrize(
    "words", [("get", "bassic"), ("delete", "bassic"), ("update", "bassic", "--input", "-")]
)
def test_a_plan_that_is_not_there_is_not_found(program, words):
    create(program, plan())
    refused = program("plans", *words, "-o", "json", stdin=b"{}", exits=4)

    assert refused.error()["code"] == "plan_not_found"
    assert refused.error()["message"] == 'There is no plan "bassic". Did you mean "basic"?'


def test_a_plan_goes_unless_a_subscription_has_it(program):
    create(program, plan())
    names = ("--external-id", "s", "--external-customer-id", "c", "--plan-code", "basic")
    program("subscriptions", "create", *names)
    refused = program("plans", "delete", "basic", "-o", "json", exits=5)
    assert refused.error()["code"] == "plan_has_subscriptions"
    assert shown(program)["code"] == "basic"

    create(program, plan(code="spare"))
    program("plans", "delete", "spare")
    assert [row["code"] for row in program("plans", "list", "-o", "json").json()] == ["basic"]


def test_a_metric_keeps_what_a_plan_charges_by(program):
    rate = charge("payments", "percentage", {"rate": 1, "free_units_per_events": 3})
    create(program, plan(rate))
    update = ("metrics", "update", "payments", "-o", "json")
    error = program(*update, "--aggregation-type", "max", exits=5).error()

    assert error["code"] == "metric_has_charges"
    assert 'The plan "basic" charges for the metric "payments": a charge model' in error["message"]
    assert program(*update, "--field-name", "other").json()["aggregation_type"] == "sum_agg"


def test_apply_keeps_what_a_plan_charges_by_unless_it_changes_the_plan_too(program):
    create(program, plan(charge("payments", "percentage", {"rate": 1})))
    metric = "billable_metrics: [{code: payments, aggregation_type: latest, field_name: amount}]\n"
    (fault,) = faults(apply(program, metric, exits=5))
    assert fault.startswith('<stdin>:1: billable_metrics[0]: The plan "basic" charges for')

    both = metric + "plans: " + json.dumps([plan(charge("payments", properties={"amount": 1}))])
    assert {row["action"] for row in apply(program, both).json()} == {"changed"}


# Faults ------------------------------------------------------------------------------------


def test_every_fault_is_told_with_its_place(program):
    bad = plan(
        charge("cpus"),
        charge("cpu", "graduated", {"graduated_ranges": tiers((10, "x", 0), (None, -1, 0))}),
        charge("seats", filters=[{"values": {"regoin": ["Europe"], "region": ["Mars"]}}]),
        charge("cpu", "standart"),
        amount_currency="EURO",
    )
    found = faults(create(program, bad, exits=5))

    assert [line.split(": ", 2)[1] for line in found] == [
        "charges[1].properties.graduated_ranges[0].per_unit_amount",
        "charges[1].properties.graduated_ranges[1].per_unit_amount",
        "charges[3].charge_model",
        "amount_currency",
        "charges[0].billable_metric_code",
        "charges[2].filters[0].values.regoin",
        "charges[2].filters[0].values.region",
    ]
    assert program("plans", "list", "-o", "json").json() == []


def test_a_charge_with_a_faulty_price_tells_its_other_faults_too(program):
    bad = plan(charge("cpu", properties={"amount": -1}, prorated=True))
    found = faults(create(program, bad, exits=5))

    assert [line.split(": ", 2)[1] for line in found] == [
        "charges[0].properties.amount",
        "charges[0].prorated",
    ]


def test_faults_with_metrics_are_told_with_their_places(program):
    bad = {
        "plan": plan(
            charge("cpus"),
            charge("seats", filters=[{"values": {"regoin": ["Europe"], "region": ["Mars"]}}]),
            charge("cpu", properties={"amount": 1}, prorated=True),
        )
    }
    found = faults(create(program, bad, exits=5))

    assert [line.split(": ", 2)[1:] for line in found] == [
        [
            "plan.charges[0].billable_metric_code",
            'There is no metric "cpus". Did you mean "cpu"? Define it first, or in the same file.',
        ],
        ["plan.charges[1].filters[0].values.regoin", found[1].split(": ", 2)[2]],
        ["plan.charges[1].filters[0].values.region", found[2].split(": ", 2)[2]],
        ["plan.charges[2].prorated", "only a recurring sum or unique count can be prorated"],
    ]


def test_an_id_of_a_metric_is_asked_for_its_code(program):
    bad = plan({"billable_metric_id": "1a901a90-1a90", "charge_model": "standard"})

    assert faults(create(program, bad, exits=5)) == [
        "<stdin>:1: charges[0]: billable_metric_code is missing."
        " Name the metric by its code; an id of Lago says nothing here."
    ]


@pytest.mark.parametrize(("row", "kind"), [(3, "a number"), ("3", "text"), (None, "null")])
def test_what_stands_where_an_object_should_is_named(program, row, kind):
    assert faults(create(program, plan(row), exits=5)) == [
        f"<stdin>:1: charges[0]: this is {kind}, where an object is expected"
    ]


@pytest.mark.parametrize("text", ["", "null", "---\n---\n"])
def test_an_empty_file_is_no_plan(program, text):
    refused = program("plans", "create", "--input", "-", "-o", "json", stdin=text, exits=5)

    assert refused.error() == {
        "code": "no_plan",
        "message": "<stdin>: there is nothing in it, where one plan is expected.",
        "hint": "Give it a plan as Lago's API has it, in JSON or YAML.",
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (json.dumps({"plans": [plan(), plan(code="b")]}), "2 plans"),
        ('{"plans": []}', "0 plans"),
        ("{code: a}\n---\n{code: b}\n", "2 documents"),
    ],
)
def test_one_plan_is_created_at_a_time(program, text, said):
    given = ("plans", "create", "--input", "-", "-o", "json")
    error = program(*given, stdin=text, exits=5).error()

    assert error["message"] == f"<stdin>: {said}, where one plan is expected."
    assert error["hint"] == "Define several with: lago apply FILE"


def test_a_file_that_cannot_be_read_is_named(program):
    given = ("plans", "create", "--input", "-", "-o", "json")
    refused = program(*given, stdin='{"code": "a", "code": "b"}', exits=5)

    assert refused.error()["message"].startswith('<stdin>: the key "code" stands twice')


def test_an_update_with_a_fault_changes_nothing(program):
    create(program, plan(amount_cents=500))
    bad = {"amount_cents": 7, "charges": [charge("cpu", properties={"amount": -1})]}
    create(program, bad, verb=("update", "basic"), exits=5)

    assert shown(program)["amount_cents"] == 500


# Warnings ----------------------------------------------------------------------------------

OVERLAP = charge(
    "seats",
    properties={"amount": 1},
    filters=[{"values": {"region": ["USA"]}}, {"values": {"tier": ["gold"]}}],
)


def test_a_plan_that_is_hardly_meant_is_warned_of(program):
    told = create(program, plan(OVERLAP)).stderr

    assert told.startswith("Warning: <stdin>:1: charges[0].filters[1]: an event with region=USA,")
    assert shown(program)["code"] == "basic"


def test_with_strict_it_is_not_created(program):
    refused = create(program, {"plan": plan(OVERLAP)}, "--strict", exits=5)

    assert len(faults(refused)) == 1
    assert "<stdin>:1: plan.charges[0].filters[1]: an event" in faults(refused)[0]
    assert program("plans", "list", "-o", "json").json() == []


def test_with_strict_it_is_not_changed_either(program):
    create(program, plan())
    changes = {"charges": [OVERLAP], "fixed_charges": [{"units": 1}]}
    refused = create(program, changes, "--strict", verb=("update", "basic"), exits=5)

    assert len(faults(refused)) == 2
    assert shown(program)["charges"] == []


def test_with_strict_a_good_plan_is_created(program):
    create(program, plan(charge("cpu", properties={"amount": 1})), "--strict")

    assert shown(program)["code"] == "basic"


@pytest.mark.parametrize("options", [(), ("--dry-run",)])
def test_apply_warns_and_with_strict_refuses(lago, options):
    text = METRICS + f"plans: [{json.dumps(plan(OVERLAP))}]\n"
    refused = apply(lago, text, "--strict", *options, exits=5)
    assert not (lago.folder / "lago.db").exists()
    assert [line.split(": ")[1] for line in faults(refused)] == [
        "plans[0].charges[0].filters[1]",
        "billable_metrics[0]",
        "billable_metrics[1]",
        "billable_metrics[3]",
        "billable_metrics[4]",
    ]

    done = apply(lago, text)
    assert [line.removeprefix("Warning: ") for line in done.stderr.splitlines()[1:]] == faults(
        refused
    )


def test_apply_says_nothing_of_metrics_where_it_defines_no_plan(program):
    assert apply(program, METRICS, "--strict").stderr == ""


def test_apply_with_strict_changes_nothing_of_a_file(program):
    create(program, plan(amount_cents=500))
    text = json.dumps({"plans": [plan(OVERLAP, amount_cents=7)]})
    apply(program, text, "--strict", exits=5)

    assert shown(program)["amount_cents"] == 500
