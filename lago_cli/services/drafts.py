"""Plans that are not stored: a store that has one more, to price by it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lago_cli.services.plans import read_plan

if TYPE_CHECKING:
    from lago_cli.domain.plans import Plan
    from lago_cli.stores.base import PricedStore


def drafted(store: PricedStore, value: object, former: Plan | None) -> Plan:
    """
    The plan that a document asks for; of a former one stays what it does not say.

    Raises:
        Faulty: with every fault, and its place in the document.
    """
    return read_plan(value, store.catalog.metrics(), former)


class WithPlan:
    """A store in which there is one plan more, or where one of its code is there: beside it."""

    def __init__(self, store: PricedStore, plan: Plan, beside: str) -> None:
        """`beside`: what its code is followed by where the store has a plan of that code."""
        self._store = store
        self.plan = replace(plan, code=plan.code + beside) if plan.code in store.plans() else plan

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def plans(self) -> Mapping[str, Plan]:
        return {**self._store.plans(), self.plan.code: self.plan}

    def known(self, word: Any, names: Sequence[str]) -> set[str]:
        found = self._store.known(word, names)
        return found | {self.plan.code} if word == "plan" else found
