"""`lago invoices preview`: what subscriptions cost, to be read, sent, printed or computed with."""

from __future__ import annotations

import csv
import io
import re
from html.parser import HTMLParser

import pytest

from tests import invoices as made
from tests.conftest import Lago

AT = ("--at", "2026-10-10")
NARROW = {"COLUMNS": "80"}
SMALL = [
    made.charge(
        "requests",
        "package",
        {"amount": "30", "package_size": 1000, "free_units": 100},
        invoice_display_name="Requests to the API",
        min_amount_cents=10_000,
    ),
    made.charge("cpu", "graduated", {"graduated_ranges": made.RANGES}),
    made.EVERY_CHARGE[-1],
    made.charge("payments", "standard", {"amount": "5", "pricing_group_keys": ["region"]}),
    made.charge("peak", "standard", {"amount": "5"}),
]
EVENTS = [
    made.event(1, "requests", "2026-10-03T10:00:00Z"),
    made.event(2, "cpu", "2026-10-04T10:00:00Z", n="1234567.5"),
    made.event(3, "calls", "2026-10-04T10:00:00Z", n=3, region="Europe", u="ana"),
    made.event(4, "calls", "2026-10-04T10:00:00Z", n="2.5", region="USA"),
    made.event(5, "payments", "2026-10-04T10:00:00Z", n=300, region="Asia"),
    made.event(6, "payments", "2026-10-05T10:00:00Z", n=1),
]


@pytest.fixture(scope="module")
def used(tmp_path_factory):
    """Plans in three currencies, one subscription of each, and one without a plan."""
    lago = Lago(tmp_path_factory.mktemp("invoices"))
    made.define(
        lago,
        made.plan("small", SMALL, invoice_display_name="Small plan"),
        made.plan("yen", SMALL[1:2], amount_currency="JPY", taxes=[]),
        made.plan("dinar", SMALL[1:2], amount_currency="KWD"),
    )
    made.subscribe(lago, "s1", "small")
    made.subscribe(lago, "s2", "small", "--started-at", "2026-10-12")
    made.subscribe(lago, "y1", "yen", customer="tokyo")
    made.subscribe(lago, "k1", "dinar", customer="nobody")
    free = ("--external-id", "free", "--external-customer-id", "acme", "--started-at", "2026-10-01")
    lago("subscriptions", "create", *free)
    events = [*EVENTS, *({**EVENTS[1], "external_subscription_id": who} for who in ("y1", "k1"))]
    lago("ingest", "-q", lago.write("events.ndjson", events), "--now", made.NOW)
    return lago


def preview(lago, *options, **more):
    return lago("invoices", "preview", *AT, *options, **more)


# One subscription -------------------------------------------------------------------------


def test_an_invoice_as_a_table(used, golden):
    golden("invoice.txt", preview(used, "--subscription", "s1", env=NARROW))


def test_an_invoice_in_markdown(used, golden):
    golden("invoice.md", preview(used, "--subscription", "s1", "-o", "markdown"))


def test_an_invoice_as_a_page(used, golden):
    golden("invoice.html", preview(used, "--subscription", "s1", "-o", "html"))


def test_yen_have_no_decimals(used, golden):
    golden("invoice_yen.txt", preview(used, "--subscription", "y1", env=NARROW))


def test_dinars_have_three(used, golden):
    golden("invoice_dinar.txt", preview(used, "--subscription", "k1", env=NARROW))


@pytest.mark.parametrize("width", [30, 44, 60, 80, 200])
def test_no_line_is_wider_than_the_terminal(used, width):
    shown = preview(used, "--subscription", "s1", env={"COLUMNS": str(width)}).stdout

    assert max(map(len, shown.splitlines())) <= width
    assert re.search(r"Total EUR +599,0\d\d\.\d\d|Total EUR +\d{3},\d{3}\.\d\d", shown)


def test_a_terminal_without_unicode_gets_ascii(used):
    environment = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"}
    shown = preview(used, "--subscription", "s1", env=environment).stdout

    assert shown.isascii()
    assert "tier 0-10: 10 x 0.5 + 10 = 15" in shown
    assert "\\u" not in shown


def test_json_is_one_object_with_all_fees(used):
    found = preview(used, "--subscription", "s1", "-o", "json").json()
    sums = ("sub_total_cents", "taxes_cents", "total_amount_cents")

    assert found["external_subscription_id"] == "s1"
    assert sum(int(fee["amount_cents"]) for fee in found["fees"]) == int(found[sums[0]])
    assert int(found[sums[0]]) + int(found[sums[1]]) == int(found[sums[2]])
    assert [fee["billable_metric_code"] for fee in found["fees"]].count("peak") == 1


def test_ndjson_is_the_same_on_one_line(used):
    one = preview(used, "--subscription", "s1", "-o", "json").json()

    assert preview(used, "--subscription", "s1", "-o", "ndjson").ndjson() == [one]


def test_csv_has_a_row_a_fee(used):
    fees = preview(used, "--subscription", "s1", "-o", "json").json()["fees"]
    rows = preview(used, "--subscription", "s1", "-o", "csv").csv()

    assert list(rows[0]) == list(fees[0])
    assert [row["precise_amount"] for row in rows] == [fee["precise_amount"] for fee in fees]


@pytest.mark.parametrize("output", ["table", "markdown", "html"])
def test_fees_of_nothing_are_only_counted(used, output):
    shown = preview(used, "--subscription", "s1", "-o", output).stdout

    assert "peak" not in shown
    assert "2 more lines without usage and without an amount." in shown


def test_days_are_those_of_the_customer(used):
    """The period ends at 23:00 UTC; in Paris that is the end of the day."""
    shown = preview(used, "--subscription", "s1").stdout

    assert "Period        2026-10-01 to 2026-10-31 (Europe/Paris)\n" in shown


def test_a_line_of_another_period_says_so(lago):
    """Charges by the month, of a plan by the year."""
    made.define(lago, made.plan("year", SMALL[1:2], interval="yearly", bill_charges_monthly=True))
    made.subscribe(lago, "s1", "year", "--started-at", "2025-11-20")
    shown = lago("invoices", "preview", "--subscription", "s1", "--period", "2026").stdout

    assert "CPU hours" in shown
    assert "2026-02-01 to 2026-02-28\n" in shown


def test_the_day_of_a_change_belongs_to_the_new_plan(lago):
    made.define(lago, made.plan("old", []), made.plan("new", []))
    made.subscribe(lago, "s1", "new")
    made.change_plan(lago, "s1", "old", "2026-10-12T15:00:00Z", "new")
    notes = preview(lago, "--subscription", "s1").stdout

    assert re.search(r"Old .*35\.48\n  2026-10-01 to 2026-10-11\n  11 of 31 days", notes)
    assert re.search(r"New .*64\.52\n  2026-10-12 to 2026-10-31\n  20 of 31 days", notes)


def test_events_that_are_billed_one_by_one_are_one_note(lago):
    made.define(lago, made.plan("advance", [made.EVERY_CHARGE[1]]))
    made.subscribe(lago, "s1", "advance")
    events = [made.event(n, "requests", f"2026-10-03T10:{n}:00Z") for n in range(10, 35)]
    lago("ingest", "-q", lago.write("events.ndjson", events))
    shown = preview(lago, "--subscription", "s1").stdout

    assert "25 events billed one by one, 25 units = 8.325\n" in shown


def fee_of(lago, metric, found, charge):
    """The one fee of October, of a plan with one charge."""
    lago("apply", lago.write("metric.json", [{"billable_metrics": [metric]}]), "--now", made.NOW)
    made.define(lago, made.plan("one", [charge], amount_cents=0))
    made.subscribe(lago, "s1", "one")
    lago("ingest", "-q", lago.write("events.ndjson", found), "--now", made.NOW)
    fees = preview(lago, "--subscription", "s1", "-o", "json").json()["fees"]
    return next(fee for fee in fees if fee["type"] == "charge")


def test_prorated_units_are_rounded_as_the_metric_says(lago):
    metric = {"code": "whole", "aggregation_type": "sum", "field_name": "n", "recurring": True}
    metric |= {"rounding_function": "ceil"}
    found = [made.event(1, "whole", "2026-10-17T10:00:00Z", n=3)]  # 15 of 31 days: 1.45…
    fee = fee_of(
        lago, metric, found, made.charge("whole", "standard", {"amount": "10"}, prorated=True)
    )

    assert (fee["units"], fee["amount_cents"]) == ("3", "2000")


def test_the_fixed_amount_of_a_unique_count_is_due_once_for_each_item(lago):
    metric = {"code": "users", "aggregation_type": "unique_count", "field_name": "u"}
    found = [made.event(n, "users", "2026-10-03T10:00:00Z", u=u) for n, u in enumerate("aab")]
    percentage = made.charge("users", "percentage", {"rate": "0", "fixed_amount": "5"})
    fee = fee_of(lago, metric, found, percentage)

    assert (fee["units"], fee["amount_cents"]) == ("2", "1000")


def test_a_weighted_sum_carries_a_level_and_no_events(lago):
    metric = {"code": "held", "aggregation_type": "weighted_sum", "field_name": "n"}
    metric |= {"recurring": True}
    found = [
        made.event(1, "held", "2026-09-03T10:00:00Z", n=7),
        made.event(2, "held", "2026-10-03T10:00:00Z", n=0),
    ]
    percentage = made.charge("held", "percentage", {"rate": "100", "fixed_amount": "5"})
    fee = fee_of(lago, metric, found, percentage)

    assert (fee["units"], fee["events_count"], fee["amount_cents"]) == ("7", 1, "1200")


# Several ----------------------------------------------------------------------------------


def test_all_as_a_table(used, golden):
    golden("invoices.txt", preview(used))


def test_a_narrow_table_keeps_the_total(used):
    shown = preview(used, env={"COLUMNS": "66"}).stdout

    assert max(map(len, shown.splitlines())) <= 66
    assert "599,094.61" in shown or "total" in shown.splitlines()[0]


@pytest.mark.parametrize("output", ["csv", "markdown"])
def test_all_in_rows_without_fees(used, output):
    shown = preview(used, "-o", output).stdout
    if output == "csv":
        header, *rows = csv.reader(io.StringIO(shown))
    else:
        header, _, *rows = [line.strip("| ").split(" | ") for line in shown.splitlines()]

    assert header == [
        *("external_customer_id", "external_subscription_id", "plan_code", "currency"),
        *("from_datetime", "to_datetime"),
        *("sub_total_cents", "taxes_cents", "total_amount_cents"),
    ]
    assert [row[1] for row in rows] == ["k1", "s1", "s2", "y1"]


def test_all_as_json_have_their_fees(used):
    found = preview(used, "-o", "json").json()

    assert [len(each["fees"]) for each in found] == [2, 10, 9, 2]
    assert preview(used, "-o", "ndjson").ndjson() == found


def test_all_as_pages(used):
    shown = preview(used, "-o", "html").stdout

    assert shown.count("<article>") == 4
    assert shown.count("<html") == 1
    assert "article + article { break-before: page; }" in shown


def test_of_one_customer(used):
    rows = preview(used, "--customer", "acme", "-o", "csv").csv()

    assert [row["external_subscription_id"] for row in rows] == ["s1", "s2"]


# Nothing, and wrong use -------------------------------------------------------------------


@pytest.mark.parametrize("output", ["table", "html", "markdown"])
def test_where_nothing_lives_it_says_so(used, output):
    options = ("--subscription", "s1", "--period", "2025-03")
    shown = used("invoices", "preview", *options, "-o", output).stdout

    if output == "markdown":
        assert shown.startswith("| external_customer_id |")
    else:
        assert "No subscription with a plan lives in this period." in shown


def test_who_has_no_plan_is_named_in_a_footer(used):
    finished = preview(used)

    assert "\n1 subscription of this period has no plan: free.\n" in finished.stdout
    assert finished.stderr == ""


@pytest.mark.parametrize("output", ["json", "csv", "html"])
def test_who_has_no_plan_is_named_in_a_warning(used, output):
    finished = preview(used, "-o", output)

    assert "1 subscription of this period has no plan: free." in finished.stderr


def test_where_nobody_has_a_plan_they_are_counted(lago):
    for number in range(5):
        named = ("--external-id", f"s{number}", "--external-customer-id", "acme")
        lago("subscriptions", "create", *named, "--started-at", "2026-10-01")
    finished = preview(lago)

    assert finished.stdout == "No subscription with a plan lives in this period.\n"
    assert "5 subscriptions of this period have no plan: s0, s1, s2, …" in finished.stderr


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (("--subscription", "s9"), 4),
        (("--customer", "acmes"), 4),
        (("--period", "2026-13"), 2),
        (("--at", "someday"), 2),
        (("--at", "2026-10-10", "--period", "2026-10"), 2),
    ],
)
def test_what_cannot_be_asked(used, options, code):
    finished = used("invoices", "preview", *options, exits=code)

    assert finished.stdout == ""


def test_a_subscription_of_another_customer_is_not_theirs(used):
    options = ("--subscription", "s1", "--customer", "tokyo", "-o", "json")
    error = used("invoices", "preview", *options, exits=4).error()

    assert error["message"] == 'The subscription "s1" belongs to the customer "acme".'
    assert error["hint"] == "Leave out --customer."


WITHOUT_END = ("--period", "2026-10-22", "--now", made.NOW)


def test_where_no_billing_period_ends_one_invoice_says_so(used):
    found = used("invoices", "preview", "--subscription", "s1", *WITHOUT_END)
    explained = used("invoices", "explain", "--subscription", "s1", *WITHOUT_END)

    assert found.stdout.endswith("\nNothing is billed: no billing period ends in this one.\n")
    assert explained.stdout.endswith("\nNothing is billed: no billing period ends in this one.\n")


def test_where_no_billing_period_ends_a_list_says_so(used):
    lines = used("invoices", "preview", *WITHOUT_END).stdout.splitlines()

    assert "Nothing is billed: no billing period ends in this one." in lines


def test_where_a_billing_period_ends_only_for_some_it_says_for_how_many(lago):
    made.define(lago, made.plan("monthly", []), made.plan("weekly", [], interval="weekly"))
    made.subscribe(lago, "s1", "monthly")
    made.subscribe(lago, "s2", "weekly")
    lines = lago("invoices", "preview", "--period", "2026-W43", "--now", made.NOW).stdout

    assert "Nothing is billed for 1 of them: no billing period of theirs ends here." in lines


@pytest.mark.parametrize("command", [("usage",), ("plans", "list"), ("db", "info")], ids=" ".join)
@pytest.mark.parametrize("given", ["option", "variable"])
def test_no_other_command_makes_pages(used, command, given):
    options = ("-o", "html") if given == "option" else ()
    environment = {"LAGO_OUTPUT": "html"} if given == "variable" else {}
    finished = used(*command, *options, env=environment, exits=2)

    assert (
        "'html' is not one of 'table', 'json', 'ndjson', 'yaml', 'csv', 'xlsx', " in finished.stderr
    )


def test_the_help_names_pages_where_there_are_any(used):
    assert "xlsx, markdown or html" in " ".join(
        used("invoices", "preview", "--help").stdout.split()
    )
    assert "html" not in used("usage", "--help").stdout


# Text of users ----------------------------------------------------------------------------

HOSTILE = "<script>alert(1)</script>[/x]\"'&|`a`\x1b[31m\u202e"
SHOWN = "[/x]\"'&|`a`\\x1b[31m\\u202e"


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """Everything that an invoice shows is called like that."""
    lago = Lago(tmp_path_factory.mktemp("hostile"))
    charges = [
        made.charge("cpu", "standard", {"amount": "1"}, invoice_display_name=HOSTILE),
        made.charge("calls", "standard", {"amount": "1", "pricing_group_keys": ["region"]}),
        made.charge(
            "calls",
            "standard",
            filters=[
                {
                    "values": {"region": ["USA"]},
                    "properties": {"amount": "1"},
                    "invoice_display_name": HOSTILE,
                }
            ],
        ),
    ]
    tax = {"code": "t", "name": HOSTILE, "rate": "10"}
    made.define(lago, made.plan(HOSTILE, charges, invoice_display_name=HOSTILE, taxes=[tax]))
    lago("customers", "create", "--external-id", HOSTILE, "--name", f"{HOSTILE} Inc.")
    made.subscribe(lago, HOSTILE, HOSTILE, customer=HOSTILE)
    events = [
        made.event(1, "cpu", "2026-10-03T10:00:00Z", HOSTILE, n=1),
        made.event(HOSTILE, "calls", "2026-10-03T10:00:00Z", HOSTILE, n=1, region=HOSTILE),
        made.event(3, "calls", "2026-10-03T10:00:00Z", HOSTILE, n=1, region="USA"),
    ]
    lago("ingest", "-q", lago.write("events.ndjson", events), "--now", made.NOW)
    return lago


class Parsed(HTMLParser):
    """The elements of a page, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.text: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attributes}

    def handle_data(self, data):
        self.text.append(data)


def test_a_page_has_no_element_of_a_user(hostile):
    page = Parsed(preview(hostile, "--subscription", HOSTILE, "-o", "html").stdout)

    assert page.tags == {
        *("html", "head", "meta", "title", "style", "body", "article", "h1", "dl", "dt", "dd"),
        *("table", "thead", "tbody", "tfoot", "tr", "th", "td", "ul", "li"),
    }
    assert page.attributes == {
        *("lang", "charset", "name", "content", "http-equiv", "class", "scope")
    }
    assert sum(f"<script>alert(1)</script>{SHOWN}" in text for text in page.text) == 9


def test_a_page_needs_nothing_else(hostile, used):
    for page in (
        preview(used, "-o", "html").stdout,
        preview(hostile, "-o", "html").stdout,
    ):
        assert not re.search(r"<(script|link|img|iframe)|url\(|@import|https?://|src=|href=", page)


def test_the_table_shows_text_of_users_as_it_is(hostile):
    shown = preview(hostile, "--subscription", HOSTILE, env={"COLUMNS": "200"}).stdout

    assert shown.count(f"<script>alert(1)</script>{SHOWN}") == 9
    assert "\x1b" not in shown


def test_markdown_shows_text_of_users_as_it_is(hostile):
    shown = preview(hostile, "--subscription", HOSTILE, "-o", "markdown").stdout

    assert "<script" not in shown
    assert shown.count("&lt;script>alert(1)&lt;/script>[/x]\"'&amp;\\|\\`a\\`\\\\x1b[31m") == 9


def test_the_explanation_shows_text_of_users_as_it_is(hostile):
    options = ("--subscription", HOSTILE, *AT)
    shown = hostile("invoices", "explain", *options, env={"COLUMNS": "400"}).stdout

    assert f"<script>alert(1)</script>{SHOWN} · cpu" in shown.replace("\n", " ")
    assert "\x1b" not in shown
