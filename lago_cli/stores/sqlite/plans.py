"""Plans in the file."""

from __future__ import annotations

from lago_cli.domain.plans import PLAN, Plan
from lago_cli.stores.sqlite.definitions import Table


class Plans(Table[Plan]):
    """Plans by code."""

    of = PLAN
