"""Metrics in the file."""

from __future__ import annotations

from lago_cli.domain.metrics import METRIC, Metric
from lago_cli.stores.sqlite.definitions import Table
from lago_cli.stores.sqlite.derivation import Derivation


class Catalog(Table[Metric]):
    """Metrics by code. Changing one reads its events anew, in the same transaction."""

    of = METRIC

    def metrics(self) -> dict[str, Metric]:
        return {entry.value.code: entry.value for entry in self.entries()}

    def metric(self, code: str) -> Metric:
        """Raises `LagoError` (not found)."""
        return self.get(code).value

    def save(self, value: Metric, created_at: int) -> None:
        super().save(value, created_at)
        self.refill(value.code, value)

    def delete(self, name: str) -> bool:
        """Its events stay, and are unmatched from now on."""
        super().delete(name)
        self.refill(name, None)
        return True

    def refill(self, code: str, metric: Metric | None) -> None:
        """Read the events of a code anew."""
        found = self._connection.execute("SELECT id FROM codes WHERE code = ?", (code,)).fetchone()
        if found is not None:
            Derivation(self._connection).rebuild(found[0], metric)
