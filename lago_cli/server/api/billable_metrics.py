"""`/billable_metrics`: what is measured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from lago_cli.domain.definitions import Entry
from lago_cli.domain.metrics import METRIC, Metric, as_aggregation_type
from lago_cli.domain.numbers import as_plain
from lago_cli.domain.objects import Written
from lago_cli.errors import Kind, LagoError
from lago_cli.server.definitions import answer, in_words_of_lago, mandatory
from lago_cli.server.failures import bad_request, invalid
from lago_cli.server.identifiers import lago_id
from lago_cli.server.pagination import newest_first, paginated
from lago_cli.server.routes import Body, Request, reads, writes
from lago_cli.server.stamps import stamp
from lago_cli.services import catalog
from lago_cli.services.evaluate import evaluate
from lago_cli.services.objects import kept, save_object
from lago_cli.services.wire import as_fields

if TYPE_CHECKING:
    from lago_cli.stores.sqlite.store import SqliteStore

ROOT = "billable_metric"
_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])


def metric_id(code: str) -> str:
    return lago_id(ROOT, code)


def metric_of(entry: Entry[Metric]) -> dict[str, Any]:
    """A metric as it is answered."""
    fields = as_fields(METRIC, entry.value)
    if fields["expression"] is None:
        del fields["expression"]
    return {"lago_id": metric_id(entry.value.code), **fields, "created_at": stamp(entry.created_at)}


def list_(store: SqliteStore, request: Request) -> Body:
    entries = newest_first(store.table(METRIC).entries(), METRIC.name_of)
    return paginated("billable_metrics", entries, request.page, metric_of)


def get(store: SqliteStore, request: Request) -> Body:
    return {ROOT: metric_of(store.table(METRIC).get(request.path["code"]))}


def create(store: SqliteStore, request: Request) -> Body:
    """Define one. Events that came before it count at once."""
    row, unkept = kept(Metric, request.root(ROOT))
    with in_words_of_lago():
        also = mandatory(row, "name")
        entry = save_object(store, METRIC, _without_field(row), now=request.now, also=also)
    return answer(ROOT, metric_of(entry), unkept)


def update(store: SqliteStore, request: Request) -> Body:
    """Change what is given, for all periods, past ones too; the code stays."""
    code = request.path["code"]
    former = store.table(METRIC).get(code).value
    row, unkept = kept(Metric, request.root(ROOT))
    if row.pop("code", None) not in (None, code):
        raise invalid({"code": ["value_is_invalid"]}, "Events name a metric by its code: it stays.")
    also = mandatory(row, *row.keys() & {"name"})
    row = _with_consequences(row, former)
    with in_words_of_lago():
        entry = save_object(store, METRIC, row, now=request.now, name=code, also=also)
    return answer(ROOT, metric_of(entry), unkept)


def delete(store: SqliteStore, request: Request) -> Body:
    """Delete one that no plan charges for. Its events are kept."""
    with in_words_of_lago():
        entry, _ = catalog.delete(store, METRIC, request.path["code"])
    return {ROOT: metric_of(entry)}


def _without_field(row: Mapping[str, Any]) -> dict[str, Any]:
    """A count reads no property."""
    found = dict(row)
    kind = as_aggregation_type(str(found.get("aggregation_type", "")))
    if kind == "count_agg" and not found.get("expression"):
        found["field_name"] = None
    return found


def _with_consequences(row: Mapping[str, Any], former: Metric) -> dict[str, Any]:
    """What belonged only to a former aggregation, or to no rounding, goes with it."""
    found = dict(row)
    if found.get("aggregation_type") is None:
        found["aggregation_type"] = former.aggregation_type
    kind = found["aggregation_type"]
    if kind != former.aggregation_type:
        found.setdefault("weighted_interval", None)
    if "rounding_function" in found and former.rounding_precision is None:
        found.setdefault("rounding_precision", Written("0"))
    if found.get("rounding_function", "") is None:
        found["rounding_precision"] = None
    if "expression" not in found:
        found["expression"] = former.expression
    return _without_field(found)


def evaluate_expression(_store: SqliteStore, request: Request) -> Body:
    """Try an expression out on one event, which is not stored."""
    fields = _evaluated(request.body)
    expression = fields.get("expression")
    try:
        text = msgspec.json.decode(expression or b"null", type=str | None)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise invalid({"expression": ["invalid_expression"]}) from None
    if not text:
        raise invalid({"expression": ["value_is_mandatory"]})
    event = bytes(fields.get("event") or b"null")
    try:
        value = evaluate(text, event, now=request.now)
    except LagoError as error:
        if error.kind not in (Kind.USAGE, Kind.REFUSED):
            raise
        is_event = error.code in ("invalid_event", "unevaluable")
        details = {"event": ["invalid_event"]} if is_event else {"expression": [_code(error)]}
        raise invalid(details, error.message, error.hint) from None
    shown = value if isinstance(value, str) else as_plain(value)
    return {"expression_result": {"value": shown}}


def _code(error: LagoError) -> str:
    return error.code if error.code == "value_is_mandatory" else "invalid_expression"


def _evaluated(body: bytes) -> dict[str, msgspec.Raw]:
    """The members of a body, which may be empty, as one of Lago's clients sends it."""
    if not body.strip():
        return {}
    try:
        return _FIELDS.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise bad_request("the body is no JSON object") from None


ENDPOINTS = (
    reads("GET", "/billable_metrics", list_),
    writes("POST", "/billable_metrics", create),
    reads("POST", "/billable_metrics/evaluate_expression", evaluate_expression),
    reads("GET", "/billable_metrics/{code:path}", get),
    writes("PUT", "/billable_metrics/{code:path}", update),
    writes("DELETE", "/billable_metrics/{code:path}", delete),
)
