"""Plans over Lago's API: what is read for a change is read in the transaction that makes it."""

from __future__ import annotations

from typing import Any

import pytest

from lago_cli.errors import Kind, LagoError
from lago_cli.server.api import plans
from lago_cli.stores import open_store
from tests.conftest import Lago
from tests.server.conftest import Serve

PLAN = {"code": "pro", "name": "Pro", "interval": "monthly", "amount_cents": 100}
EURO = {"amount_currency": "EUR", "pay_in_advance": False}


def test_nobody_changes_a_metric_while_a_plan_is_made_of_it(
    lago: Lago, serve: Serve, monkeypatch: pytest.MonkeyPatch
):
    """The ids of metrics are looked up, and then the plan is saved: between them is no gap."""
    api = serve()
    path = str(lago.folder / "lago.db")
    with_metrics, found = plans._with_metrics, []

    def while_another_writes(*given: Any) -> Any:
        with open_store(path, writable=True, busy_timeout=0) as other:
            try:
                other.begin()
            except LagoError as error:
                found.append(error.kind)
            except Exception as error:
                found.append(type(error).__name__)
            else:
                found.append("it writes")
                other.rollback()
        return with_metrics(*given)

    monkeypatch.setattr(plans, "_with_metrics", while_another_writes)
    api("POST", "/plans", {"plan": {**PLAN, **EURO, "charges": []}})

    assert found in ([Kind.LOCKED], ["OperationalError"])
