"""Sentences that name commands, as they stand on a page: what can be clicked is a link."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import escape
from typing import TYPE_CHECKING

from lago_cli.domain.instants import format_instant
from lago_cli.renderers.html import shown
from lago_cli.server.pages.addresses import address
from lago_cli.server.pages.query import PERIOD, SELECTION

if TYPE_CHECKING:
    from lago_cli.server.pages.page import At

_STATUS = re.compile(r"See: lago events list --status (unmatched|unusable|counted|deleted)\Z")
_PERIOD = re.compile(r": --period (\d{4}(?:-\d\d){0,2})\Z")
_FIGURE = re.compile(r"\ATo see the events of a figure, add .*\.\Z")
_UNPLANNED = re.compile(r"(?<=no plan: ).*\Z")
_LIMIT = re.compile(r"\A--limit N shows more events, -o json all of them\.\Z")
_WORDS = {
    "Define one with: lago metrics create": ("/new/billable-metric", "Define a metric"),
    "Define one with: lago plans create --input FILE": ("/new/plan", "Define a plan"),
    "Register one with: lago subscriptions create": (
        "/new/subscription",
        "Register a subscription",
    ),
    "See: lago events list": ("/events", "See the events"),
    "List events with: lago events list": ("/events", "See the events"),
    "List them with: lago ingest-runs list": ("/ingest-runs", "See all runs"),
    "List them with: lago metrics list": ("/billable-metrics", "See all metrics"),
    "List them with: lago customers list": ("/customers", "See all customers"),
    "List them with: lago subscriptions list": ("/subscriptions", "See all subscriptions"),
    "List them with: lago plans list": ("/plans", "See all plans"),
    "See their rows, without --total.": ("", "See their rows"),
    "see --by subscription.": ("", "see them by subscription"),
}
_OF_FIGURES = [each for each in SELECTION if each not in ("window", "group_by")]
_COMMAND = re.compile(r"lago [a-z]+(?:-[a-z]+)*(?: (?:[a-z][a-z-]*|--[a-z-]+|[A-Z]+)\b)*")


def sayer(at: At) -> Callable[[str], str]:
    """What makes HTML of a sentence on this page."""

    def said(sentence: str) -> str:
        for pattern, link in ((_STATUS, _events), (_PERIOD, _period), (_LIMIT, _more)):
            if found := pattern.search(sentence):
                before = sentence[: found.start()].rstrip()
                before += "." if pattern is _PERIOD else ""
                return " ".join(filter(None, [shown(before), link(at, found)]))
        if _FIGURE.search(sentence):
            return "A figure leads to its events."
        if _UNPLANNED.search(sentence):
            return f"{shown(sentence)} {_link('/subscriptions', 'See all subscriptions')}"
        for words, (path, text) in _WORDS.items():
            if sentence.endswith(words):
                before = shown(sentence.removesuffix(words).rstrip())
                return f"{before} {_link(path or _rows(at, words), text)}".lstrip()
        return _COMMAND.sub(lambda match: f"<code>{match[0]}</code>", shown(sentence))

    return said


def _link(href: str, text: str) -> str:
    return f'<a href="{escape(href)}">{escape(text)}</a>'


def _events(at: At, found: re.Match[str]) -> str:
    status = found[1]
    if at.path in ("/", "/usage") and status != "unmatched":  # which figures explain one by one
        return _link(address("/usage/explain", at.query.only(*_OF_FIGURES)), "See which, and why")
    kept = [("code" if name == "metric" else name, value) for name, value in at.query.pairs]
    known = ("customer", "subscription", "code", "from", "to")
    pairs = [("status", status), *(pair for pair in kept if pair[0] in known)]
    if at.window is not None and not at.query.only("from", "to"):
        pairs += zip(("from", "to"), map(format_instant, at.window), strict=True)
    shown = _link(address("/events", pairs), "See these events")
    if status == "unmatched" and at.may_write:
        shown += f" or {_link('/new/billable-metric', 'define a metric')}"
    return shown


def _period(at: At, found: re.Match[str]) -> str:
    changes = [(name, "") for name in PERIOD if name != "period"]
    href = at.query.address(at.path, *changes, ("period", found[1]))
    return _link(href, f"Show {found[1]}")


def _more(at: At, _: re.Match[str]) -> str:
    limit = (at.query.whole("limit") or 500) * 10
    more = _link(at.query.address(at.path, ("limit", str(limit))), f"Show up to {limit:,}")
    kept = at.query.only(*SELECTION)
    whole = _link(address(f"{at.path}.csv", kept), "all of them as CSV")
    return f"{more} of each figure, or {whole}."


def _rows(at: At, words: str) -> str:
    if "--by" in words:
        return at.query.address(at.path, ("by", "subscription"))
    return at.query.address(at.path, ("total", ""))
