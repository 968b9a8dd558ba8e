"""What the tests of the server share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.servers import Api, serving

Serve = Callable[..., Api]
NOON = 1_795_867_200_000_000  # 2026-11-28T12:00:00Z


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """
    Serve the file of the `lago` fixture, at noon of 2026-11-28; `api = serve(key="secret")`.

    Options are those of `lago_cli.server.service.Options`.
    """
    with ExitStack() as stack:

        def start(**options: Any) -> Api:
            options = {"now": lambda: NOON, **options}
            api, _ = stack.enter_context(serving(tmp_path / "lago.db", **options))
            return api

        yield start


@pytest.fixture
def api(serve: Serve) -> Api:
    """A server without options, on an empty file."""
    return serve()
