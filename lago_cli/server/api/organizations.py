"""`/organizations`: whom a client talks to; there is one, and it is this file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lago_cli.server.identifiers import lago_id
from lago_cli.server.routes import Body, Request, reads

if TYPE_CHECKING:
    from lago_cli.stores.sqlite.store import SqliteStore

ID = lago_id("organization")
TIMEZONE = "UTC"
PREFIX = f"LAG-{ID[:4].upper()}"


def get(_store: SqliteStore, _request: Request) -> Body:
    return {"organization": organization()}


def organization() -> dict[str, Any]:
    unknown = ("country", "email", "legal_name", "webhook_url", "webhook_urls")
    return {
        "lago_id": ID,
        "name": "lago",
        "created_at": None,
        "timezone": TIMEZONE,
        "document_numbering": "per_customer",
        "document_number_prefix": PREFIX,
        "billing_configuration": {"invoice_grace_period": 0},
        "taxes": [],
        **dict.fromkeys(unknown),
    }


ENDPOINTS = (reads("GET", "/organizations", get),)
