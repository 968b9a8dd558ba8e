"""Pages out of templates."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup, escape

from lago_cli.renderers.escapes import visible
from lago_cli.server.pages.addresses import address, address_of
from lago_cli.server.pages.page import DONE
from lago_cli.server.pages.sentences import sayer
from lago_cli.server.pages.static import address as address_of_file
from lago_cli.server.routes import Answer

if TYPE_CHECKING:
    from lago_cli.server.pages.page import At, Page

_HTML = "text/html; charset=utf-8"
NAVIGATION = (
    ("/usage", "Usage"),
    ("/invoices", "Invoices"),
    ("/billable-metrics", "Metrics"),
    ("/plans", "Plans"),
    ("/customers", "Customers"),
    ("/subscriptions", "Subscriptions"),
    ("/events", "Events"),
    ("/ingest-runs", "Runs"),
)
_WITHIN = {  # pages that belong to another one
    "/": "/usage",
    "/new/billable-metric": "/billable-metrics",
    "/try/billable-metric": "/billable-metrics",
    "/new/plan": "/plans",
    "/try/plan": "/plans",
    "/new/customer": "/customers",
    "/new/subscription": "/subscriptions",
    "/refused": "/ingest-runs",
    "/estimate": "/plans",
    "/simulation": "/plans",
}


def write(page: Page, at: At | None, *, read_only: bool = False) -> Answer:
    """A page for somebody who is somewhere; of an error there may be no such place."""
    path = at.path if at else ""
    section = _WITHIN.get(path, "/" + path.strip("/").partition("/")[0])
    said = sayer(at) if at else None
    values: dict[str, Any] = {
        "at": at,
        "title": page.title,
        "navigation": [(href, text, href == section) for href, text in NAVIGATION],
        "may_write": at.may_write if at else not read_only,
        "token": at.token if at else "",
        "notes": [*_done(at), *at.heard.notes] if at else (),
        "warnings": at.heard.warnings if at else (),
        "data": _data(page, at),
        "said": lambda text: Markup(said(text)) if said else text,  # noqa: S704 - it is escaped
        **page.values,
    }
    text = _environment().get_template(page.template).render(values)
    return Answer(text.encode("utf-8", "backslashreplace"), _HTML, page.status)


def _done(at: At) -> list[str]:
    done = DONE.get(at.query.one("done") or "")
    return [done] if done else []


def _data(page: Page, at: At | None) -> list[tuple[str, str]]:
    """The same as data."""
    if at is None or not page.has_data or page.status != 200:
        return []
    path = "/index" if at.path == "/" else at.path
    kept = [pair for pair in at.query.pairs if pair[0] not in ("page", "done")]
    return [(each.upper(), address(f"{path}.{each}", kept)) for each in ("json", "csv")]


@cache
def _environment() -> Environment:
    found = Environment(
        loader=FileSystemLoader(Path(__file__).with_name("templates")),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        finalize=lambda value: _shown(value),
    )
    found.globals["file"] = address_of_file
    found.globals["address"] = address
    found.globals["address_of"] = address_of
    found.filters["html"] = Markup  # of what the renderer has escaped
    found.filters["lines"] = _lines
    found.filters["typed"] = escape  # of a field, which gives back what it has
    return found


def _lines(text: str) -> Markup:
    """Text of several lines, which stay."""
    return Markup("\n").join(visible(line) for line in text.split("\n"))


def _shown(value: Any) -> Any:
    """Hidden characters of users' texts are spelled out; what is HTML is so already."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return visible(value)
    return value
