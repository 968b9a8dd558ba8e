"""Names that a person asks for and nobody knows: refused, with the nearest one that is known."""

from __future__ import annotations

from collections.abc import Sequence

from lago_cli.domain.attribution import Registry
from lago_cli.domain.nearest import no_such
from lago_cli.domain.stored import EventSelection
from lago_cli.errors import Kind, LagoError
from lago_cli.stores.base import NameStore, UsageStore, Word

_TOLD = 5


def refuse_unknown(
    store: NameStore,
    *,
    customers: Sequence[str] = (),
    subscriptions: Sequence[str] = (),
    metrics: Sequence[str] = (),
    plans: Sequence[str] = (),
    codes: Sequence[str] = (),
) -> None:
    """
    Known is what is registered, and whom or what a stored event names.

    Raises:
        LagoError: not found, about all of the unknown names at once.
    """
    asked: dict[Word, Sequence[str]] = {
        "customer": customers,
        "subscription": subscriptions,
        "metric": metrics,
        "plan": plans,
        "code": codes,
    }
    errors = [
        unknown(store, word, name)
        for word, names in asked.items()
        for name in _unknown_of(store, word, names)
    ]
    if errors:
        raise joined(errors)


def refuse_unknown_in(store: UsageStore, selection: EventSelection) -> None:
    """
    Raises:
        LagoError: not found, as for usage of the same names.
    """
    customers, subscriptions = selection.customers, selection.subscriptions
    refuse_unknown(store, customers=customers, subscriptions=subscriptions, codes=selection.codes)
    if customers and subscriptions:
        refuse_others(store.registry(customers, subscriptions), customers, subscriptions)


def _unknown_of(store: NameStore, word: Word, names: Sequence[str]) -> list[str]:
    if not names:
        return []
    known = store.known(word, names)
    return [name for name in dict.fromkeys(names) if name not in known]


def unknown(store: NameStore, word: Word, name: str) -> LagoError:
    """Not found, with the nearest name, or how to come by one."""
    error = no_such(word, name, store.similar(word, name))
    if word == "metric" and store.known("code", [name]):
        error.hint = f"Events have this code. Define it with: lago metrics create --code {name}"
    return error


def joined(errors: Sequence[LagoError]) -> LagoError:
    """One error of several, with the code and the hint of the first."""
    first, *others = errors
    if not others:
        return first
    told = [each.message for each in errors[:_TOLD]]
    rest = len(errors) - len(told)
    if rest:
        told.append(f"{rest} more {'is' if rest == 1 else 'are'} unknown.")
    return LagoError(Kind.NOT_FOUND, first.code, " ".join(told), first.hint)


def refuse_others(
    registry: Registry, customers: Sequence[str], subscriptions: Sequence[str]
) -> None:
    """
    Raises:
        LagoError: not found, for a subscription that is none of the customers'.
    """
    owners: dict[str | None, set[str | None]] = {
        name: {each.external_customer_id} for name, each in registry.subscriptions.items()
    }
    for party in registry.parties:
        for claim in registry.claims(party):
            owners.setdefault(claim.subscription, set()).add(claim.customer)
    errors = []
    for name in dict.fromkeys(subscriptions):
        found = owners.get(name, set())
        if found.isdisjoint(customers):
            known = sorted(each for each in found if each is not None)
            whose = " and ".join(f'"{each}"' for each in known[:_TOLD])
            noun = "customer" if len(known) == 1 else "customers"
            message = (
                f'The subscription "{name}" belongs to the {noun} {whose}.'
                if known
                else f'Nobody knows which customer the subscription "{name}" belongs to.'
            )
            code = "subscription_of_another_customer"
            errors.append(LagoError(Kind.NOT_FOUND, code, message, "Leave out --customer."))
    if errors:
        raise joined(errors)
