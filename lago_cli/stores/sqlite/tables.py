"""What the migrations make, as SQL: tables and views, in the order in which they came."""

from __future__ import annotations

EVENT_COLUMNS = """
    party_id INTEGER NOT NULL REFERENCES parties(id),
    transaction_id TEXT NOT NULL,
    code_id INTEGER NOT NULL REFERENCES codes(id),
    at INTEGER NOT NULL,              -- microseconds since 1970
    properties TEXT NOT NULL,         -- the JSON object as it was received
    precise_total_amount_cents TEXT,
    received_at INTEGER NOT NULL,     -- microseconds since 1970
    run_id INTEGER NOT NULL REFERENCES ingest_runs(id)
"""

TABLES = (
    """
    CREATE TABLE metrics (
        id INTEGER PRIMARY KEY,
        code TEXT NOT NULL UNIQUE,
        name TEXT NOT NULL,
        description TEXT,
        aggregation_type TEXT NOT NULL,
        field_name TEXT,
        recurring INTEGER NOT NULL DEFAULT 0,
        expression TEXT,
        weighted_interval TEXT,
        rounding_function TEXT,
        rounding_precision INTEGER,
        filters TEXT NOT NULL DEFAULT '[]',  -- [{"key": …, "values": […]}]
        created_at INTEGER NOT NULL
    ) STRICT
    """,
    """
    CREATE TABLE customers (
        id INTEGER PRIMARY KEY,
        external_id TEXT NOT NULL UNIQUE,
        name TEXT,
        timezone TEXT,
        currency TEXT,
        created_at INTEGER NOT NULL
    ) STRICT
    """,
    """
    CREATE TABLE codes (
        id INTEGER PRIMARY KEY,
        code TEXT NOT NULL UNIQUE
    ) STRICT
    """,
    """
    CREATE TABLE parties (  -- whom events name: the distinct pairs
        id INTEGER PRIMARY KEY,
        external_customer_id TEXT,
        external_subscription_id TEXT,
        stream_id INTEGER NOT NULL,  -- the first party of the same subscription, else customer:
                                     -- what transaction ids are unique within
        used INTEGER NOT NULL DEFAULT 0,  -- 1: a stored event names it, not just a repeated one
        CHECK (external_customer_id IS NOT NULL OR external_subscription_id IS NOT NULL)
    ) STRICT
    """,
    """
    CREATE UNIQUE INDEX parties_by_names
        ON parties (ifnull(external_subscription_id, ''), ifnull(external_customer_id, ''))
    """,
    """
    CREATE TABLE ingest_runs (
        id INTEGER PRIMARY KEY,
        started_at INTEGER NOT NULL,
        finished_at INTEGER,          -- null: running, or it was killed
        reverted_at INTEGER,
        source TEXT NOT NULL,
        first_event_id INTEGER,
        last_event_id INTEGER,
        read INTEGER NOT NULL DEFAULT 0,
        ingested INTEGER NOT NULL DEFAULT 0,
        duplicates INTEGER NOT NULL DEFAULT 0,
        conflicts INTEGER NOT NULL DEFAULT 0,
        replaced INTEGER NOT NULL DEFAULT 0,
        rejected INTEGER NOT NULL DEFAULT 0,
        unmatched INTEGER NOT NULL DEFAULT 0,
        unusable INTEGER NOT NULL DEFAULT 0
    ) STRICT
    """,
    f"CREATE TABLE events (id INTEGER PRIMARY KEY, {EVENT_COLUMNS}) STRICT",
    f"""
    CREATE TABLE replaced_events (  -- what `--on-duplicate replace` put aside
        id INTEGER PRIMARY KEY, {EVENT_COLUMNS.strip()},
        replaced_by INTEGER NOT NULL
    ) STRICT
    """,
    "CREATE INDEX replaced_events_by_successor ON replaced_events (replaced_by)",
    """
    CREATE TABLE identities (
        key INTEGER PRIMARY KEY,  -- 63-bit hash of (stream, transaction_id)
        event_id INTEGER NOT NULL
    ) STRICT
    """,
    """
    CREATE TABLE identity_collisions (  -- identities whose key was taken by another one
        key INTEGER NOT NULL,
        event_id INTEGER NOT NULL,
        PRIMARY KEY (key, event_id)
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE readings (
        code_id INTEGER NOT NULL,
        at INTEGER NOT NULL,
        event_id INTEGER NOT NULL,
        party_id INTEGER NOT NULL,
        value ANY,      -- mantissa, or exact text; null: not usable, or no metric
        scale INTEGER,  -- value / 10^scale
        step INTEGER,   -- of a unique count: 1 adds the item, -1 removes it
        PRIMARY KEY (code_id, at, event_id)
    ) STRICT, WITHOUT ROWID
    """,
)


def iso(column: str) -> str:
    """SQL for a column of microseconds as ISO 8601 text in UTC."""
    return (
        f"strftime('%Y-%m-%dT%H:%M:%S', {column} / 1000000, 'unixepoch') || "
        f"CASE {column} % 1000000 WHEN 0 THEN '' ELSE "
        f"rtrim(printf('.%06d', {column} % 1000000), '0') END || 'Z'"
    )


_SHOWN = f"""
e.transaction_id,
p.external_customer_id,
p.external_subscription_id,
c.code,
{iso("e.at")} AS timestamp,
e.properties,
e.precise_total_amount_cents,
{iso("e.received_at")} AS received_at,
e.run_id AS run
""".strip()


def events_with(join: str, unusable: str) -> str:
    """What `v_events` shows, given what tells whether an event e is `unusable`."""
    return f"""
        SELECT {_SHOWN},
               CASE WHEN m.id IS NULL THEN 'unmatched'
                    WHEN {unusable} THEN 'unusable'
                    ELSE 'counted' END AS status
          FROM events AS e
          JOIN parties AS p ON p.id = e.party_id
          JOIN codes AS c ON c.id = e.code_id
          LEFT JOIN metrics AS m ON m.code = c.code
          {join}
    """  # noqa: S608


def events_with_readings(rank: str) -> str:
    """The same up to schema 6, where every event had a reading of that rank."""
    of_event = f"r.code_id = e.code_id AND r.at = e.at AND r.event_id = {rank}"
    return events_with(f"JOIN readings AS r ON {of_event}", "r.value IS NULL")


EVENTS = events_with(
    "LEFT JOIN unusable_events AS u ON u.event_id = e.id", "u.event_id IS NOT NULL"
)

VIEWS = {
    "v_metrics": f"""
        SELECT code, name, description, aggregation_type, field_name, recurring, expression,
               weighted_interval, rounding_function, rounding_precision, filters,
               {iso("created_at")} AS created_at
          FROM metrics
    """,  # noqa: S608
    "v_events": events_with_readings("e.id"),
}


SUBSCRIPTIONS = """
    CREATE TABLE subscriptions (
        id INTEGER PRIMARY KEY,
        external_id TEXT NOT NULL UNIQUE,
        external_customer_id TEXT NOT NULL,
        plan_code TEXT,
        interval TEXT NOT NULL,
        billing_time TEXT NOT NULL,
        subscription_at INTEGER NOT NULL,  -- all instants: microseconds since 1970
        started_at INTEGER NOT NULL,
        ending_at INTEGER,
        terminated_at INTEGER,
        created_at INTEGER NOT NULL
    ) STRICT
"""


PLANS = (
    """
    CREATE TABLE plans (
        id INTEGER PRIMARY KEY,
        code TEXT NOT NULL UNIQUE,
        name TEXT NOT NULL,
        interval TEXT NOT NULL,
        amount_cents INTEGER NOT NULL,
        amount_currency TEXT NOT NULL,
        pay_in_advance INTEGER NOT NULL,
        trial_period INTEGER NOT NULL,  -- days
        bill_charges_monthly INTEGER NOT NULL,
        description TEXT,
        invoice_display_name TEXT,
        minimum_commitment TEXT,  -- what stands in it is JSON, as in definition files
        taxes TEXT NOT NULL,
        charges TEXT NOT NULL,
        created_at INTEGER NOT NULL
    ) STRICT
    """,
    "ALTER TABLE subscriptions ADD COLUMN previous_plans TEXT NOT NULL DEFAULT '[]'",
)


DAILY_USAGE = (
    """
    CREATE TABLE daily_usage (  -- what the readings of a UTC day say together; see rollups.py
        id INTEGER PRIMARY KEY,
        code_id INTEGER NOT NULL,
        day INTEGER NOT NULL,      -- days since 1970
        figures BLOB NOT NULL      -- MessagePack: [[party, unusable, usable, ...], ...]
    ) STRICT
    """,
    "CREATE INDEX daily_usage_by_day ON daily_usage (code_id, day)",
)


RECENT_IDENTITIES = """
    CREATE TABLE recent_identities (  -- keys that are not in `identities` yet; see keys.py
        key INTEGER PRIMARY KEY,
        event_id INTEGER NOT NULL
    ) STRICT
"""


PARTS = (
    """
    CREATE TABLE parts (  -- events of one code as columns, made from their rows; see parts.py
        id INTEGER PRIMARY KEY,
        code_id INTEGER NOT NULL,
        events INTEGER NOT NULL,
        unusable INTEGER NOT NULL,
        first_at INTEGER NOT NULL,  -- microseconds since 1970
        last_at INTEGER NOT NULL,
        first_id INTEGER NOT NULL,
        last_id INTEGER NOT NULL,
        parties BLOB NOT NULL,
        times BLOB NOT NULL,
        ids BLOB NOT NULL,
        measurements BLOB NOT NULL,
        labels BLOB,                -- where the metric has filters
        received BLOB NOT NULL,
        properties BLOB NOT NULL
    ) STRICT
    """,
    """
    CREATE INDEX parts_by_code  -- all that is asked of a part before it is read
        ON parts (code_id, first_id, last_id, events, unusable, first_at, last_at)
    """,
    """
    CREATE TABLE watermark (  -- one row: parts hold the events up to this one
        event_id INTEGER NOT NULL
    ) STRICT
    """,
    "INSERT INTO watermark VALUES (0)",
    """
    CREATE TABLE unusable_events (  -- those that their metric cannot use
        event_id INTEGER PRIMARY KEY
    ) STRICT
    """,
    """
    CREATE TABLE known_blocks (  -- pieces of input whose events are all stored just so
        digest BLOB PRIMARY KEY  -- SHA-256
    ) STRICT, WITHOUT ROWID
    """,
    "DROP VIEW v_events",
    "DROP TABLE readings",
    "DROP TABLE daily_usage",
    "CREATE INDEX parties_by_customer ON parties (external_customer_id)",
    "CREATE INDEX subscriptions_by_customer ON subscriptions (external_customer_id)",
)


DELETED = (
    f"""
    CREATE TABLE deleted_events (  -- what `events delete` put aside
        id INTEGER PRIMARY KEY, {EVENT_COLUMNS.strip()},
        finer INTEGER NOT NULL DEFAULT 0
    ) STRICT
    """,
    "CREATE INDEX deleted_events_by_run ON deleted_events (run_id)",
    """
    CREATE TABLE deletions (  -- when an event was deleted and why, also where it is back
        id INTEGER PRIMARY KEY,
        event_id INTEGER NOT NULL,
        deleted_at INTEGER NOT NULL,  -- microseconds since 1970
        reason TEXT NOT NULL,
        undeleted_at INTEGER          -- null: it is in deleted_events
    ) STRICT
    """,
    "CREATE INDEX deletions_by_event ON deletions (event_id)",
)

DELETED_EVENTS = f"""
    SELECT {_SHOWN},
           {iso("d.deleted_at")} AS deleted_at,
           d.reason
      FROM deleted_events AS e
      JOIN parties AS p ON p.id = e.party_id
      JOIN codes AS c ON c.id = e.code_id
      JOIN deletions AS d ON d.event_id = e.id AND d.undeleted_at IS NULL
"""  # noqa: S608


PUSHED = (
    """
    CREATE TABLE push_destinations (  -- where events were sent on to
        id INTEGER PRIMARY KEY,
        url TEXT NOT NULL UNIQUE
    ) STRICT
    """,
    """
    CREATE TABLE pushed_events (  -- ranges of events that a destination has answered for
        destination_id INTEGER NOT NULL REFERENCES push_destinations(id),
        first_id INTEGER NOT NULL,
        last_id INTEGER NOT NULL,  -- inclusive
        PRIMARY KEY (destination_id, first_id)
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE push_outcomes (  -- those among them that it does not have as they are here
        destination_id INTEGER NOT NULL REFERENCES push_destinations(id),
        event_id INTEGER NOT NULL,
        code TEXT NOT NULL,        -- why it was refused; superseded: an earlier version was sent
        message TEXT NOT NULL,
        PRIMARY KEY (destination_id, event_id)
    ) STRICT, WITHOUT ROWID
    """,
)
