"""Failures as HTTP answers: Lago's status, code and body for each kind of `LagoError`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from lago_cli.errors import Kind, LagoError

STATUS_FOR = {
    Kind.USAGE: HTTPStatus.UNPROCESSABLE_ENTITY,
    Kind.NOT_FOUND: HTTPStatus.NOT_FOUND,
    Kind.REFUSED: HTTPStatus.UNPROCESSABLE_ENTITY,
    Kind.DATABASE: HTTPStatus.SERVICE_UNAVAILABLE,
    Kind.LOCKED: HTTPStatus.SERVICE_UNAVAILABLE,
    Kind.CHECK_FAILED: HTTPStatus.UNPROCESSABLE_ENTITY,
}
"""Clients give up on what they sent after 400, 409, 413 and 422, and come back after 503."""

PHRASES = {HTTPStatus.UNPROCESSABLE_ENTITY: "Unprocessable Entity"}  # later Pythons say Content
_RETRY_SECONDS = 1
_RENAMED = {
    "metric_not_found": "billable_metric_not_found",
    "database_not_found": "database_unreadable",
}

Details = Mapping[str, Any]
"""By field (or, of a batch, by position and field) the codes of what is wrong with it."""


class ApiError(Exception):
    """An answer that is an error: its status and code, and what stands in its body beside them."""

    def __init__(
        self,
        status: int,
        code: str | None = None,
        *,
        error: str | None = None,
        details: Details | None = None,
        message: str | None = None,
        hint: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.status = HTTPStatus(status)
        self.code = code
        self.error = error or PHRASES.get(self.status, self.status.phrase)
        self.details = details
        self.message = message
        self.hint = hint
        self.headers = dict(headers or {})
        super().__init__(f"{int(status)} {code or self.error}")

    @property
    def body(self) -> dict[str, Any]:
        """As Lago writes it; `message` and `hint`, which Lago does not have, are for people."""
        optional = {
            "code": self.code,
            "error_details": self.details,
            "message": self.message,
            "hint": self.hint,
        }
        present = {key: value for key, value in optional.items() if value is not None}
        return {"status": int(self.status), "error": self.error, **present}


def bad_request(what: str) -> ApiError:
    """A body that cannot be read, or whose root is missing."""
    return ApiError(HTTPStatus.BAD_REQUEST, error=f"BadRequest: {what}")


def missing_root(root: str) -> ApiError:
    return bad_request(f"param is missing or the value is empty or invalid: {root}")


def not_found(code: str, message: str | None = None) -> ApiError:
    """`code` is such as `customer_not_found`."""
    return ApiError(HTTPStatus.NOT_FOUND, code, message=message)


def invalid(details: Details, message: str | None = None, hint: str | None = None) -> ApiError:
    """Values that are refused, by field."""
    return ApiError(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "validation_errors",
        details=details,
        message=message,
        hint=hint,
    )


def refusal(**fields: str) -> ApiError:
    """One code for each field: `refusal(code="value_is_mandatory")`."""
    return invalid({field: [code] for field, code in fields.items()})


def too_large() -> ApiError:
    """A body that is longer than is taken."""
    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    return ApiError(status, "content_too_large", message="The body is too large.")


def overloaded() -> ApiError:
    """More waits than can be stored soon. Nothing of the request was taken."""
    again = str(_RETRY_SECONDS)
    return ApiError(
        HTTPStatus.TOO_MANY_REQUESTS,
        "too_many_requests",
        headers={"Retry-After": again, "x-ratelimit-reset": again},
    )


def unavailable(code: str, message: str | None = None, hint: str | None = None) -> ApiError:
    """Nothing was taken; the same request may succeed later."""
    return ApiError(
        HTTPStatus.SERVICE_UNAVAILABLE,
        code,
        message=message,
        hint=hint,
        headers={"Retry-After": str(_RETRY_SECONDS)},
    )


def as_api_error(error: LagoError, codes: Mapping[str, str] | None = None) -> ApiError:
    """
    What a client is told of a failure.

    Args:
        codes: Lago's field codes for codes of ours; others are told as they are.
    """
    status = STATUS_FOR[error.kind]
    code = _RENAMED.get(error.code, error.code)
    if status is HTTPStatus.UNPROCESSABLE_ENTITY:
        field = error.path[0] if error.path else "base"
        details = {str(field): [(codes or {}).get(error.code, code)]}
        return invalid(details, error.message, error.hint)
    if status is HTTPStatus.SERVICE_UNAVAILABLE:
        return unavailable(code, error.message, error.hint)
    return ApiError(status, code, message=error.message, hint=error.hint)


def faulty(faults: Sequence[tuple[Sequence[str | int], str]]) -> ApiError:
    """Several faults of one body: by its top-level field, the codes."""
    details: dict[str, list[str]] = {}
    for path, code in faults:
        codes = details.setdefault(str(path[0]) if path else "base", [])
        if code not in codes:
            codes.append(code)
    return invalid(details)
