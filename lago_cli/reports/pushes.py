"""What a push did, as a report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lago_cli.renderers import Column, RawJson, Report

if TYPE_CHECKING:
    from lago_cli.remote.push import PushReport

_COUNTS = (
    *("read", "sent", "already_there", "refused", "left"),
    *("refused_before", "replaced_since", "deleted_since"),
)
_RARE = ("refused_before", "replaced_since", "deleted_since")


def push_report(url: str, report: PushReport, nanoseconds: int) -> Report:
    """The summary of a run, as of an ingest."""
    row: dict[str, object] = {"url": url}
    row |= {name: getattr(report, name) for name in _COUNTS}
    refusals = [
        {
            "transaction_id": each.event.event.transaction_id,
            "external_customer_id": each.event.event.external_customer_id,
            "external_subscription_id": each.event.event.external_subscription_id,
            "code": each.refusal.code,
            "message": each.refusal.message,
        }
        for each in report.refusals
    ]
    millis = nanoseconds // 10**6
    row |= {"seconds": RawJson(f"{millis // 1000}.{millis % 1000:03}"), "refusals": refusals}
    columns = [
        Column("url", kind="text"),
        *(
            Column(name, name.replace("_", " "), kind="count", in_table=name not in _RARE)
            for name in _COUNTS
        ),
        Column("seconds", kind="number"),
        Column("refusals", kind="object", in_table=False),
    ]
    return Report(None, columns, [row], single=True)


def in_one_line(url: str, report: PushReport, nanoseconds: int) -> str:
    """For a person: `http://localhost:3000: 83 read, 80 sent, 3 already there in 0.02 s`."""
    counts = [(name, getattr(report, name)) for name in _COUNTS[:5]]
    told = [
        f"{count:,} {name.replace('_', ' ')}" for name, count in counts if count or name == "read"
    ]
    hundredths = nanoseconds // 10**7
    seconds = f"{hundredths // 100:,}.{hundredths % 100:02}"
    return f"{url}: {', '.join(told)} in {seconds} s"
