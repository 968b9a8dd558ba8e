"""The conformance cases of usage, and what of them this program decides otherwise than Lago."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "conformance" / "cases"

# Lago reads neither the text "1e3" nor "+7", and counts the events of all time.
DECIDED = {
    "sum.value_parsing": {"units": "1697.75", "events_count": 8},
    "sum.recurring.backdated_event_counts": {"events_count": 4},
    "sum.recurring.event_before_subscription_start": {"events_count": 0},
    "sum.prorated.boundary_event_once": {"events_count": 3},
    "sum.prorated.last_day": {"events_count": 3},
    "sum.prorated.rounding": {"events_count": 2},
    "sum.prorated.partial_window": {"events_count": 0},
}


def cases(name: str) -> list[Any]:
    """Those of a file."""
    found: list[Any] = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))
    return found


def expected(case: Any) -> Any:
    """What a case of usage comes to here."""
    if case["id"] in DECIDED:
        return case["expect"] | DECIDED[case["id"]]
    return case.get("preferred") or case["expect"]
