"""What a plan would cost, as a page for people and fees for programs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from lago_cli.renderers import FLAT_OUTPUTS, Column, Report
from lago_cli.reports.invoices import FEE_COLUMNS
from lago_cli.reports.statements import estimate_pages
from lago_cli.services import estimates

if TYPE_CHECKING:
    from lago_cli.renderers import Pages
    from lago_cli.reports.voice import Voice
    from lago_cli.stores.base import PricedStore


def estimated(
    store_of: Callable[[], PricedStore],
    code: str,
    units: Sequence[str],
    events: Sequence[str],
    voice: Voice,
    output: str,
) -> Report | Pages:
    """
    What one full billing period of the plan would cost; the store is opened for sound amounts.

    Raises:
        LagoError: for amounts that are none, and names that nobody knows.
    """
    used = estimates.read_amounts("--units", units, whole=False)
    counted = estimates.read_amounts("--events", events, whole=True)
    store = store_of()
    metrics = store.catalog.metrics()
    found = estimates.estimate(store.plans(), metrics, code, used, counted)
    for metric in found.carrying:
        voice.warn(f'The events of "{metric}" carry their prices; here they cost nothing.')
    if output in ("table", "markdown", "html"):
        return estimate_pages(found, metrics)
    row = estimates.as_json(found)
    if output in FLAT_OUTPUTS:
        return Report(None, FEE_COLUMNS, row["fees"])
    return Report(None, [Column(key) for key in row], [row], single=True)
