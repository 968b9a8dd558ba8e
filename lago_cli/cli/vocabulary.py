"""
Names that people bring along: those of Lago's own client, and of other tools.

What they mean here, or a word on why it is not part of this program.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple


class Other(NamedTuple):
    """Another name of a command; with `argument`, its first argument is the value of that."""

    words: tuple[str, ...]
    argument: str | None = None


ALIASES = {
    ("events", "create"): Other(("events", "send")),
    ("events", "batch"): Other(("ingest",)),
    ("events", "create-batch"): Other(("ingest",)),
    ("events", "batch-create"): Other(("ingest",)),
    ("customers", "current-usage"): Other(("usage",), "--customer"),
    ("customers", "past-usage"): Other(("usage", "--period", "previous"), "--customer"),
    ("metrics", "evaluate-expression"): Other(("metrics", "evaluate")),
    ("billable-metrics", "evaluate-expression"): Other(("billable-metrics", "evaluate")),
}
"""Names of Lago's own client for what has another one here; no help lists them."""
LAGOS_NAMES = (
    "Names of Lago's own client work too: billable-metrics, events create, customers current-usage"
    " ID, billable-metrics evaluate-expression."
)

_BILLING = "lago invoices preview shows what subscriptions cost."
_USAGE = "lago usage, and lago usage -o csv, show what was used."
_LOCAL = "Everything is in one local file, named with --db; there is nothing to sign in to."
_PLANS = "lago plans --help tells what a plan can have."
_EVENTS = "lago events explain follows one event to the figure that counts it."
_NOT_HERE = {
    "invoices": _BILLING,
    "fees": _BILLING,
    "wallets": _BILLING,
    "credit-notes": _BILLING,
    "payments": _BILLING,
    "payment-methods": _BILLING,
    "payment-receipts": _BILLING,
    "payment-requests": _BILLING,
    "portal-url": _BILLING,
    "checkout-url": _BILLING,
    "quotes": "lago plans estimate shows what usage would cost.",
    "orders": _BILLING,
    "order-forms": _BILLING,
    "coupons": _PLANS,
    "applied-coupons": _PLANS,
    "add-ons": _PLANS,
    "features": _PLANS,
    "entitlements": _PLANS,
    "fixed-charges": _PLANS,
    "taxes": "A plan has its taxes itself: taxes: [{name: VAT, rate: 20}] in its file.",
    "estimate-fees": "lago plans estimate shows what usage would cost.",
    "estimate-instant-fees": "lago plans estimate shows what usage would cost.",
    "batch-estimate-instant-fees": "lago plans estimate shows what usage would cost.",
    "alerts": "lago usage check exits with 9 where usage is not as expected; run it from cron.",
    "webhooks": "lago usage check exits with 9 where usage is not as expected; run it from cron.",
    "webhook-endpoints": "lago usage check exits with 9 where usage is not as expected; run it"
    " from cron.",
    "analytics": _USAGE,
    "projected-usage": _USAGE,
    "lifetime-usage": "lago usage --period all shows it.",
    "logs": _EVENTS,
    "api-logs": _EVENTS,
    "activity-logs": "lago ingest-runs list shows what came in when.",
    "api": _LOCAL,
    "billing-entities": _LOCAL,
    "organizations": _LOCAL,
    "init": _LOCAL,
    "login": _LOCAL,
    "profile": _LOCAL,
    "whoami": _LOCAL,
    "doctor": "lago db check verifies the file.",
    "docs": "lago help COMMAND shows what there is.",
    "fixtures": "lago apply FILE defines what a file says, lago ingest FILE brings its events.",
    "seed": "lago apply FILE defines what a file says, lago ingest FILE brings its events.",
    "alias": "An alias of the shell does that.",
    "upgrade": "Upgrade it as it was installed, for example: pip install --upgrade lago-cli",
}
"""Of Lago and not of this program: what to use instead."""
_OF_INVOICES = (
    *("create", "list", "get", "update", "delete", "finalize", "download", "void", "refresh"),
    *("retry", "payment-url", "retry-payment", "lose-dispute"),
)

SLIPS = {
    "--json": "-o json",
    "--csv": "-o csv",
    "--yaml": "-o yaml",
    "--markdown": "-o markdown",
    "--format": "-o FORMAT",
    "--output-format": "-o FORMAT",
    "--group": "--group-by",
    "--groupby": "--group-by",
    "--from-date": "--from",
    "--from-datetime": "--from",
    "--timestamp-from": "--from",
    "--since": "--from",
    "--start": "--from",
    "--after": "--from",
    "--to-date": "--to",
    "--to-datetime": "--to",
    "--timestamp-to": "--to",
    "--until": "--to",
    "--end": "--to",
    "--before": "--to",
    "--month": "--period 2026-11",
    "--date": "--period 2026-11-22",
    "--day": "--period 2026-11-22",
    "--year": "--period 2026",
    "--interval": "--window",
    "--granularity": "--window",
    "--tz": "--timezone",
    "--customer-id": "--customer",
    "--user": "--customer",
    "--account": "--customer",
    "--subscription-id": "--subscription",
    "--billable-metric-code": "--metric",
    "--billable-metric": "--metric",
    "--metric-code": "--metric",
    "--database": "--db",
    "--silent": "-q",
    "--where": "--filter",
    "--order-by": "--sort",
    "--order": "--sort",
    "--per-page": "--limit",
    "--max": "--limit",
    "--head": "--limit",
    "--prices": "--amounts",
    "--cost": "--amounts",
    "--input": "FILE, without an option",
    "--file": "FILE, without an option",
    "--id": "--external-id",
    "--type": "--aggregation-type",
    "--aggregation": "--aggregation-type",
    "--field": "--field-name",
    "--property": "--properties",
}
"""Options of other tools, and what they are called here; said where a command has that."""


def not_here(words: Sequence[str]) -> str | None:
    """What to use in place of a command of Lago's that is not part of this program."""
    name = words[0] if words else ""
    if name in _NOT_HERE and name != "invoices":
        return _NOT_HERE[name]
    if name == "invoices" and words[1:2] and words[1] in _OF_INVOICES:
        return _BILLING
    if name in ("events", "customers", "subscriptions", "plans") and len(words) > 1:
        return _NOT_HERE.get(words[1]) if words[1] != "subscriptions" else None
    return None


def as_ours(arguments: Sequence[str], flags: Callable[[str], frozenset[str]]) -> list[str]:
    """
    A command line in the names of this program.

    Args:
        flags: the options of a command that take no value.
    """
    group, name = [*arguments[:2], "", ""][:2]
    other = ALIASES.get((group, name))
    if other is None:
        return list(arguments)
    rest = list(arguments[2:])
    if other.argument is not None:
        without_value = flags(other.words[0])
        at = 0
        while at < len(rest) and rest[at].startswith("-"):
            is_short_with_value = len(rest[at]) > 2 and rest[at][1] != "-"
            alone = "=" in rest[at] or rest[at] in without_value or is_short_with_value
            at += 1 if alone else 2
        rest[at:at] = [other.argument] if at < len(rest) else []
    return [*other.words, *rest]
