"""Answers have the shapes that Lago's own OpenAPI file promises; it is named by `$OPENAPI`."""

from __future__ import annotations

import os

import pytest

from tests.servers import Api

FILE = os.environ.get("OPENAPI")
CORE = r"^/(billable_metrics|plans|customers|subscriptions)(/\{\w+\})?$"
EXAMPLES = int(os.environ.get("OPENAPI_EXAMPLES", "5"))


@pytest.mark.skipif(not FILE, reason="$OPENAPI names no OpenAPI file of Lago")
def test_whatever_is_sent_the_answer_conforms(api: Api):
    """No failure of ours, JSON of the promised shape; the same requests at every run."""
    import schemathesis
    from hypothesis import HealthCheck, given, seed, settings
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi.checks import (
        content_type_conformance,
        response_schema_conformance,
    )

    schema = schemathesis.openapi.from_path(FILE).include(path_regex=CORE)
    found: dict[str, str] = {}
    checks = [not_a_server_error, content_type_conformance, response_schema_conformance]
    for each in schema.get_all_operations():
        operation = each.ok()

        @seed(1)
        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def ask(case):
            try:
                case.call_and_validate(base_url=f"{api.url}/api/v1", checks=checks)
            except BaseExceptionGroup as several:
                found.setdefault(case.operation.label, str(several.exceptions[0])[:600])

        ask()

    assert found == {}
