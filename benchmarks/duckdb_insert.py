"""
An alternative: a table of DuckDB with the same key, filled from the same file.

Run as a program with the file of events and the database to make.
"""

from __future__ import annotations

import sys

import duckdb

TABLE = """
CREATE TABLE IF NOT EXISTS events (
    transaction_id VARCHAR PRIMARY KEY,
    external_subscription_id VARCHAR,
    code VARCHAR,
    timestamp TIMESTAMP,
    properties JSON
)
"""
INSERT = """
INSERT OR IGNORE INTO events
SELECT transaction_id, external_subscription_id, code, timestamp, properties
  FROM read_json(?, format = 'newline_delimited', columns = {
           transaction_id: 'VARCHAR',
           external_subscription_id: 'VARCHAR',
           code: 'VARCHAR',
           timestamp: 'TIMESTAMP',
           properties: 'JSON'
       })
"""


def main() -> None:
    source, path = sys.argv[1:]
    with duckdb.connect(path) as database:
        database.execute(TABLE)
        database.execute(INSERT, [source])


if __name__ == "__main__":
    main()
