"""The engines that every case has to hold on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.engines import ENGINES, Engine


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """An empty engine: each in its turn."""
    with ENGINES[request.param]() as engine:
        yield engine
