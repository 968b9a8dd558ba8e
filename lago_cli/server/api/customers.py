"""`/customers`: who uses."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from lago_cli.domain.currencies import CURRENCIES
from lago_cli.domain.customers import CUSTOMER, Customer
from lago_cli.domain.definitions import Entry
from lago_cli.domain.objects import Faults
from lago_cli.errors import refused
from lago_cli.server.api.organizations import PREFIX, TIMEZONE
from lago_cli.server.definitions import answer, check_references, in_words_of_lago
from lago_cli.server.identifiers import lago_id
from lago_cli.server.pagination import newest_first
from lago_cli.server.routes import Body, Request, reads, writes
from lago_cli.server.stamps import stamp
from lago_cli.services import catalog
from lago_cli.services.objects import kept, save_object

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lago_cli.stores.sqlite.store import SqliteStore

ROOT = "customer"
_UNKNOWN = (
    *("email", "legal_name", "legal_number", "firstname", "lastname", "phone", "url", "logo_url"),
    *("address_line1", "address_line2", "city", "state", "zipcode", "country"),
    *("customer_type", "net_payment_term", "tax_identification_number"),
)
_HAD_BY_NOBODY = ("countries", "states", "zipcodes", "billing_entity_codes", "customer_type")


def customer_id(external_id: str) -> str:
    return lago_id(ROOT, external_id)


def customers_of(store: SqliteStore, entries: Sequence[Entry[Customer]]) -> list[dict[str, Any]]:
    """Customers as they are answered."""
    names = [entry.value.external_id for entry in entries]
    numbers = store.accounts.numbers(json.dumps(names))
    return [_customer(entry, numbers.get(entry.value.external_id, 0)) for entry in entries]


def _customer(entry: Entry[Customer], number: int) -> dict[str, Any]:
    value, created_at = entry.value, stamp(entry.created_at)
    return {
        "lago_id": customer_id(value.external_id),
        "sequential_id": number,
        "slug": f"{PREFIX}-{number:03d}",
        "external_id": value.external_id,
        "account_type": "customer",
        "name": value.name,
        "currency": value.currency,
        "timezone": value.timezone,
        "applicable_timezone": value.timezone or TIMEZONE,
        **dict.fromkeys(_UNKNOWN),
        "metadata": [],
        "taxes": [],
        "integration_customers": [],
        "created_at": created_at,
        "updated_at": created_at,
    }


def list_(store: SqliteStore, request: Request) -> Body:
    """Registered customers, and those whom events name."""
    found = newest_first(store.table(CUSTOMER).entries(), CUSTOMER.name_of)
    found = [entry for entry in found if _is_asked_for(entry.value, request)]
    page = request.page
    return {"customers": customers_of(store, page.of(found)), "meta": page.meta(len(found))}


def _is_asked_for(customer: Customer, request: Request) -> bool:
    term = (request.get("search_term") or "").casefold()
    texts = (customer.external_id, customer.name or "")
    if term and not any(term in text.casefold() for text in texts):
        return False
    if any(value for name in _HAD_BY_NOBODY for value in request.all(name)):
        return False
    types, currencies = request.all("account_type"), request.all("currencies")
    if (types and "customer" not in types) or (currencies and customer.currency not in currencies):
        return False
    asked = request.get("external_id")
    return asked is None or asked == customer.external_id


def get(store: SqliteStore, request: Request) -> Body:
    return {ROOT: _one(store, store.table(CUSTOMER).get(request.path["external_id"]))}


def _one(store: SqliteStore, entry: Entry[Customer]) -> dict[str, Any]:
    return customers_of(store, [entry])[0]


def save(store: SqliteStore, request: Request) -> Body:
    """Register one, or change what is given of the one of this external id."""
    given = request.root(ROOT)
    check_references(given)
    row, unkept = kept(Customer, given)
    currency = row.get("currency")
    also: Faults = []
    if isinstance(currency, str) and currency not in CURRENCIES:
        also.append((("currency",), refused("invalid_currency", "this is no currency")))
    name = row.get("external_id")
    known = store.table(CUSTOMER).find(str(name)) if isinstance(name, str) else None
    with in_words_of_lago():
        entry = save_object(
            store,
            CUSTOMER,
            row,
            now=request.now,
            name=known.value.external_id if known else None,
            also=also,
        )
    return answer(ROOT, _one(store, entry), unkept)


def delete(store: SqliteStore, request: Request) -> Body:
    """Forget what is registered of one who has no subscriptions. Events are kept."""
    entry = store.table(CUSTOMER).get(request.path["external_id"])
    body = _one(store, entry)
    with in_words_of_lago():
        catalog.delete(store, CUSTOMER, entry.value.external_id)
    return {ROOT: body}


ENDPOINTS = (
    reads("GET", "/customers", list_),
    writes("POST", "/customers", save),
    reads("GET", "/customers/{external_id}", get),
    writes("DELETE", "/customers/{external_id}", delete),
)
