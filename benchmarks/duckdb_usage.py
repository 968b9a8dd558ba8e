"""
An alternative: usage by DuckDB, out of its own table of the same raw JSON.

Run as a program with the database, a metric of `benchmarks.events`, a property to group by
and, after it, a value to filter by.
"""

from __future__ import annotations

import sys

import duckdb

FIGURES = {
    "api_calls": "count(*)",
    "storage": "sum(CAST(properties ->> '$.gb' AS DECIMAL(18, 3)))",
}
QUERY = """
SELECT external_subscription_id, properties ->> '$.{key}' AS label, {figure}, count(*)
  FROM events
 WHERE code = ?
   AND timestamp >= '2026-11-01' AND timestamp < '2026-12-01'
   {wanted}
 GROUP BY ALL
 ORDER BY ALL
"""


def main() -> None:
    path, code, key, *value = sys.argv[1:]
    wanted = f"AND (properties ->> '$.{key}') = ?" if value else ""
    query = QUERY.format(key=key, figure=FIGURES[code], wanted=wanted)
    with duckdb.connect(path, read_only=True) as database:
        for row in database.execute(query, [code, *value]).fetchall():
            print(*row)


if __name__ == "__main__":
    main()
