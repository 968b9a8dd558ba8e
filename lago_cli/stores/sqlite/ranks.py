"""The columns of an event, with and without what is beyond the microsecond."""

from __future__ import annotations

COARSE_COLUMNS = (
    "id, party_id, transaction_id, code_id, at, properties, precise_total_amount_cents,"
    " received_at, run_id"
)
"""Of `events` and `replaced_events`, where nothing is said beyond the microsecond."""

EVENT_COLUMNS = f"finer, {COARSE_COLUMNS}"
