"""Plans: read from their JSON, and as far as other definitions hang on them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC
from typing import TYPE_CHECKING

from lago_cli.domain.definitions import Entry, Faulty, Path, wrong_type
from lago_cli.domain.metrics import METRIC, Metric
from lago_cli.domain.nearest import no_such
from lago_cli.domain.objects import (
    broken_rules,
    decoded,
    encoded,
    object_as_json,
    read_fields,
    unused_in,
)
from lago_cli.domain.plans import PLAN, Plan, faults_of_charges
from lago_cli.domain.subscriptions import INTERVALS
from lago_cli.errors import LagoError, refused
from lago_cli.stores.base import DefinitionStore

if TYPE_CHECKING:
    from lago_cli.readers.documents import Document


def interval_of(plan_code: str, asked: str | None, plans: Mapping[str, Plan]) -> str:
    """
    The interval of a subscription to a plan; `asked` is what was given for it, if anything.

    Raises:
        LagoError: not found, or refused where the plan has another interval.
    """
    plan = plans.get(plan_code)
    if plan is None:
        raise no_such("plan", plan_code, plans)
    if asked is not None and asked not in INTERVALS:
        return asked  # which is told with the rules of a subscription
    if asked is not None and asked != plan.interval:
        raise refused(
            "interval_of_plan",
            f'The interval of the plan "{plan_code}" is {plan.interval}, not {asked}.',
            "A subscription with a plan has the interval of the plan.",
            field="interval",
        )
    return plan.interval


def broken_charge(plans: Iterable[Plan], before: Metric | None, after: Metric) -> LagoError | None:
    """Why a metric cannot become another one: a charge that had a price would have none."""
    for plan in plans:
        for charge in plan.charges:
            if charge.billable_metric_code != after.code:
                continue
            error = next(charge.faults_with(after), None)
            if error and not (before and any(charge.faults_with(before))):
                return refused(
                    "metric_has_charges",
                    f'The plan "{plan.code}" charges for the metric "{after.code}":'
                    f" {error.message.removesuffix('.')}.",
                    "Change the plan first, or both in one file with: lago apply FILE",
                )
    return None


def root_of(value: object) -> tuple[Path, object]:
    """Where the plan stands in a document: `{"plan": {…}}`, as Lago answers, or all of it."""
    if isinstance(value, Mapping) and isinstance(value.get(PLAN.section), list):
        plans = value[PLAN.section]
        if len(plans) == 1:
            return (PLAN.section, 0), plans[0]
    if isinstance(value, Mapping) and PLAN.word in value:
        return (PLAN.word,), value[PLAN.word]
    return (), value


def document_of(name: str, data: bytes) -> Document:
    """
    The one document that a plan is written in, in JSON or YAML.

    Args:
        name: what messages call it.

    Raises:
        LagoError: refused.
    """
    from lago_cli.readers.documents import read_documents

    try:
        documents = read_documents(data)
    except LagoError as error:
        error.message = f"{name}: {error.message}"
        raise
    if not documents or documents[0].value is None:
        message = f"{name}: there is nothing in it, where one plan is expected."
        raise refused("no_plan", message, "Give it a plan as Lago's API has it, in JSON or YAML.")
    value = documents[0].value
    plans = value.get(PLAN.section) if isinstance(value, Mapping) else None
    count = len(plans) if isinstance(plans, list) and len(documents) == 1 else len(documents)
    if count != 1:
        noun = "documents" if len(documents) > 1 else "plans"
        message = f"{name}: {count} {noun}, where one plan is expected."
        raise refused("several_documents", message, "Define several with: lago apply FILE")
    return documents[0]


def read_plan(value: object, metrics: Mapping[str, Metric], former: Plan | None = None) -> Plan:
    """
    A plan out of a document; of a former one stays what the document does not say.

    Raises:
        Faulty: with every fault, and its place in the document.
    """
    root, row = root_of(value)
    if not isinstance(row, Mapping):
        raise Faulty([(root, wrong_type(row, "an object"))])
    if former is not None:
        if row.get("code") not in (None, former.code):
            message = f'"{row["code"]}" is another plan; the code of a plan stays'
            raise Faulty([((*root, "code"), refused("fixed_code", message))])
        row = {**decoded(encoded(object_as_json(former))), **row, "code": former.code}
    values, faults = read_fields(Plan, row, UTC)
    values = PLAN.complete(values, 0, None)
    faults += broken_rules(Plan, values, row)
    faults += faults_of_charges(row, metrics)
    if not faults:
        return Plan(**values)
    raise Faulty([((*root, *path), error) for path, error in faults])


def unused_in_plan(value: object) -> Iterator[tuple[Path, str]]:
    """What a document of a plan says and nothing is made of."""
    root, row = root_of(value)
    if isinstance(row, Mapping):
        yield from (((*root, *path), reason) for path, reason in unused_in(Plan, row))


def save_plan(
    store: DefinitionStore,
    value: object,
    *,
    now: int,
    code: str | None = None,
    first: Callable[[Plan, Mapping[str, Metric]], None] = lambda _plan, _metrics: None,
) -> Entry[Plan]:
    """
    Define a plan, or change the one of that `code`.

    Args:
        first: called before anything is changed; it may raise.

    Raises:
        LagoError: not found; or refused, where it is there already.
        Faulty: see `read_plan`.
    """
    with store.writing():
        table = store.table(PLAN)
        known = None
        if code is not None:
            known = table.find(code)
            if known is None:
                raise no_such("plan", code, store.plans())
        metrics = {each.value.code: each.value for each in store.table(METRIC).entries()}
        plan = read_plan(value, metrics, known.value if known else None)
        if known is None and table.find(plan.code) is not None:
            raise refused(
                "plan_exists",
                f'The plan "{plan.code}" is already defined.',
                f"Change it with: lago plans update {plan.code} --input FILE",
            )
        first(plan, metrics)
        table.save(plan, now)
        return table.get(plan.code)
