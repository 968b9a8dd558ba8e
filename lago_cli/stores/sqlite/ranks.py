"""
Ranks in SQL: what `readings` have as `event_id`, so that it orders those of one instant.

See `domain.ranks`. An event `e` has its id and the digits beyond the microsecond apart.
"""

from __future__ import annotations

from lago_cli.domain.ranks import ID_BITS, ID_MASK

RANK = f"(e.finer << {ID_BITS} | e.id)"
"""Of the event `e`."""

EVENT_ID = f"(r.event_id & {ID_MASK})"
"""Of the event whose reading is `r`."""

COARSE_COLUMNS = (
    "id, party_id, transaction_id, code_id, at, properties, precise_total_amount_cents,"
    " received_at, run_id"
)
"""Of `events` and `replaced_events`, where nothing is said beyond the microsecond."""

EVENT_COLUMNS = f"finer, {COARSE_COLUMNS}"
