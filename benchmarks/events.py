"""
Events to measure with: as Lago's users send them, always the same for the same numbers.

Five metrics of five types, a thousand subscriptions, a random UUID for each event, a month
in the order of time. Run as a program, it writes a file of them.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

METRICS = (  # code, aggregation, field, filter
    ("api_calls", "count_agg", None, None),
    ("storage", "sum_agg", "gb", "region=eu,us,apac"),
    ("peak_jobs", "max_agg", "jobs", None),
    ("seats", "unique_count_agg", "user_id", None),
    ("gpu_level", "weighted_sum_agg", "change", None),
)
SUBSCRIPTIONS = 1_000
START = datetime(2026, 11, 1, tzinfo=UTC).timestamp()
MONTH_MILLISECONDS = 30 * 24 * 60 * 60 * 1_000
PROPERTIES = {
    "api_calls": lambda any_: f'{{"method": "{any_.choice(("GET", "POST"))}", "status": 200}}',
    "storage": lambda any_: (
        f'{{"gb": {any_.randrange(1, 10**6) / 1000},'
        f' "region": "{any_.choice(("eu", "us", "apac"))}"}}'
    ),
    "peak_jobs": lambda any_: f'{{"jobs": {any_.randrange(500)}}}',
    "seats": lambda any_: (
        f'{{"user_id": "user-{any_.randrange(5_000)}",'
        f' "operation_type": "{"remove" if any_.random() < 0.3 else "add"}"}}'
    ),
    "gpu_level": lambda any_: f'{{"change": "{any_.randrange(-50, 60) / 4}"}}',
}


def lines(
    count: int, *, time_ordered: bool = False, seed: int = 1, month: int = 0
) -> Iterator[str]:
    """
    Yield `count` events as lines of JSON.

    Args:
        time_ordered: Ids begin with their time, as those of UUID version 7 do, so that
            they come in the order of an index; else they are random throughout.
        seed: Another one gives other events, and other ids.
        month: so many months later, each of thirty days.
    """
    any_ = random.Random(seed)
    start = START + month * MONTH_MILLISECONDS // 1000
    for number in range(count):
        milliseconds = number * MONTH_MILLISECONDS // count
        at = datetime.fromtimestamp(start + milliseconds / 1000, UTC)
        bits = any_.getrandbits(128)
        if time_ordered:
            since_epoch = int(start * 1000) + milliseconds
            bits = (bits & (1 << 80) - 1) | since_epoch << 80
        code = METRICS[any_.randrange(len(METRICS))][0]
        yield (
            f'{{"transaction_id": "{as_uuid(bits)}",'
            f' "external_subscription_id": "sub_{any_.randrange(SUBSCRIPTIONS):04}",'
            f' "code": "{code}", "timestamp": "{at.isoformat(timespec="milliseconds")[:-6]}Z",'
            f' "properties": {PROPERTIES[code](any_)}}}\n'
        )


def as_uuid(bits: int) -> str:
    digits = f"{bits:032x}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--time-ordered", action="store_true")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--month", type=int, default=0)
    asked = parser.parse_args()
    with asked.file.open("w") as file:
        file.writelines(
            lines(asked.events, time_ordered=asked.time_ordered, seed=asked.seed, month=asked.month)
        )


if __name__ == "__main__":
    main()
