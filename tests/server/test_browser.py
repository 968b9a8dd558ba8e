"""The page in a browser without a screen: what a person does with it, by clicks and keys."""

from __future__ import annotations

import shutil
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from tests.server.test_pages import DECEMBER, SAMPLES, TODAY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from selenium.webdriver import Chrome

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
SECONDS = 20

pytestmark = pytest.mark.skipif(
    not (CHROMIUM and DRIVER), reason="there is no chromium with its chromedriver"
)


@pytest.fixture(scope="module")
def browser(tmp_path_factory) -> Iterator[Chrome]:
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    folder = tmp_path_factory.mktemp("chromium")
    for argument in (
        "--headless=new",
        "--no-sandbox",
        "--disable-dev-shm-usage",
        "--disable-background-networking",
        f"--user-data-dir={folder}",
        "--window-size=1200,900",
    ):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    found = webdriver.Chrome(options=options, service=Service(DRIVER))
    found.implicitly_wait(0)
    yield found
    found.quit()


@pytest.fixture
def orchard(lago, serve, browser):
    """The page on the data of docs/why-four.md, a month after; nothing may break its policy."""
    lago("apply", SAMPLES / "seats.yml", "-q", env=TODAY)
    lago("ingest", SAMPLES / "seats.ndjson", "-q", env=TODAY)
    api = serve(now=lambda: DECEMBER)
    resize(browser, 1200)
    scripted(browser, yes=True)
    browser.get(api.url)
    yield api
    severe = [each["message"] for each in browser.get_log("browser") if each["level"] == "SEVERE"]
    assert not [message for message in severe if "Security Policy" in message]


def resize(browser, width):
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


def scripted(browser, *, yes):
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": not yes})


def click(browser, words):
    leave(browser, browser.find_element("link text", words))


def save(browser):
    leave(browser, browser.find_element("css selector", "form.edit button"))


def leave(browser, element):
    """Click what leads to another page, and wait until this one is gone."""
    from selenium.webdriver.support.expected_conditions import staleness_of
    from selenium.webdriver.support.ui import WebDriverWait

    element.click()
    WebDriverWait(browser, SECONDS).until(staleness_of(element))


def text(browser):
    return browser.find_element("tag name", "main").text


def why_four(browser):
    """From the first page to the event that explains the figure."""
    click(browser, "Previous period")
    click(browser, "4")
    events = text(browser)
    click(browser, "hr-1007")
    return events, text(browser)


@pytest.mark.parametrize("yes", [True, False], ids=["with script", "without script"])
def test_why_four_seats_were_billed_is_answered_by_clicks_alone(browser, orchard, yes):
    scripted(browser, yes=yes)
    browser.get(orchard.url)

    events, event = why_four(browser)

    scripted(browser, yes=True)
    assert "Dev@orchard.example remove 0 removes what was not there" in events
    assert "user is 'Dev@orchard.example'" in event
    assert "It counts: it adds 0 to the 4 units of that period." in event


def test_the_first_key_leads_to_the_content(browser, orchard):
    from selenium.webdriver import ActionChains, Keys

    ActionChains(browser).send_keys(Keys.TAB, Keys.ENTER).perform()

    assert browser.switch_to.active_element.get_attribute("id") == "main"


def test_a_metric_is_tried_out_while_it_is_typed(browser, orchard):
    from selenium.webdriver.support.ui import Select, WebDriverWait

    browser.get(f"{orchard.url}/new/billable-metric")
    browser.find_element("id", "f-code").send_keys("seats")
    Select(browser.find_element("id", "f-aggregation_type")).select_by_value("count_agg")

    WebDriverWait(browser, SECONDS).until(
        lambda each: "All 10 events" in each.find_element("id", "trial").text
    )
    assert "lago metrics create seats" in browser.find_element("id", "trial").text


@pytest.mark.parametrize(
    "path",
    [
        "/usage?period=previous",
        "/usage?period=previous&window=day",
        "/usage/explain?metric=seats&period=previous",
        "/events",
        "/events/hr-1007",
        "/billable-metrics/seats",
        "/invoices",
        "/new/plan",
        "/new/subscription",
        "/customers/orchard",
        "/subscriptions/orchard-team",
        "/refused",
        "/ingest-runs",
        "/ingest-runs/1",
    ],
)
def test_a_small_screen_scrolls_tables_and_not_the_page(browser, orchard, path):
    resize(browser, 320)
    browser.get(orchard.url + path)

    beyond = browser.execute_script(
        "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    assert beyond == 0


@pytest.mark.parametrize(
    "path",
    [
        *("/usage?period=previous", "/events/hr-1007", "/new/billable-metric", "/ingest-runs/1"),
        *("/new/plan", "/new/customer", "/subscriptions/orchard-team", "/refused", "/invoices"),
    ],
)
def test_everything_has_a_name_and_headings_are_in_order(browser, orchard, path):
    browser.get(orchard.url + path)

    nameless = browser.execute_script(
        """return [...document.querySelectorAll('a, button, input:not([type=hidden]), select,'
            + 'textarea, [role=region]')].filter((each) => !(each.labels?.length
            || each.textContent.trim() || each.ariaLabel)).map((each) => each.outerHTML)"""
    )
    levels = browser.execute_script(
        "return [...document.querySelectorAll('h1, h2, h3, h4')].map((each) => +each.tagName[1])"
    )
    assert nameless == []
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_on_paper_there_is_no_navigation(browser, orchard):
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})

    is_shown = browser.find_element("css selector", "header nav").is_displayed()

    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
    assert not is_shown


def is_shown(browser, place):
    """What a style sheet shows of closed details counts, too."""
    return browser.execute_script(f"return document.querySelector('{place}').checkVisibility()")


@pytest.mark.parametrize(
    ("width", "path", "shown"),
    [
        (390, "/usage?period=previous", False),
        (390, "/usage?period=previous&customer=orchard", True),
        (390, "/events", False),
        (1200, "/usage?period=previous", True),
        (1200, "/events", True),
    ],
)
def test_filters_are_closed_on_a_small_screen_where_nothing_is_filtered(
    browser, orchard, width, path, shown
):
    resize(browser, width)
    browser.get(orchard.url + path)

    assert is_shown(browser, "form.filters") is shown


def test_filters_open_on_a_small_screen_without_script(browser, orchard):
    resize(browser, 390)
    scripted(browser, yes=False)
    browser.get(f"{orchard.url}/events")
    browser.find_element("css selector", ".choosing > summary").click()

    opened = browser.find_element("css selector", "form.filters").is_displayed()

    scripted(browser, yes=True)
    assert opened


def test_after_a_fault_the_summary_has_the_focus_and_leads_to_the_fields(browser, orchard):
    from selenium.webdriver.support.ui import WebDriverWait

    browser.get(f"{orchard.url}/new/billable-metric")
    save(browser)
    (summary,) = WebDriverWait(browser, SECONDS).until(
        lambda each: each.find_elements("css selector", ".faults:focus")
    )

    shown = summary.text
    summary.find_element("tag name", "a").click()

    assert "One thing is wrong" in shown
    assert "Code is needed." in shown
    assert browser.switch_to.active_element.get_attribute("id") == "f-code"


def test_a_plan_is_priced_while_it_is_typed(browser, orchard):
    from selenium.webdriver.support.ui import WebDriverWait

    browser.get(f"{orchard.url}/new/plan")
    units = browser.find_element("id", "f-units")
    units.clear()
    units.send_keys("seats=12")

    WebDriverWait(browser, SECONDS).until(
        lambda each: "12 × 0.1 = 1.2" in each.find_element("id", "trial").text
    )


def test_whether_a_text_is_a_plan_is_said_while_it_is_typed(browser, orchard):
    from selenium.webdriver.support.ui import WebDriverWait

    browser.get(f"{orchard.url}/new/plan")
    browser.find_element("id", "f-input").send_keys("}")

    WebDriverWait(browser, SECONDS).until(
        lambda each: each.find_element("id", "said").get_attribute("textContent") == "What is wrong"
    )
    assert "line" in browser.find_element("id", "trial").text


def test_a_plan_is_defined_and_given_to_a_subscription_by_clicks(browser, orchard):
    browser.get(f"{orchard.url}/plans")
    click(browser, "Define a plan")
    save(browser)
    defined = text(browser)
    browser.get(f"{orchard.url}/subscriptions/orchard-team")
    save(browser)
    given = text(browser)
    click(browser, "Invoice")
    click(browser, "Previous period")

    assert "The plan is defined." in defined
    assert "The plan of the subscription is changed." in given
    assert "4 × 0.1 = 0.4" in text(browser)
