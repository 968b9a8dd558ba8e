"""Events on the wire: how they are written, and what the other side says of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec

from lago_cli.domain.stored import StoredEvent
from lago_cli.errors import LagoError, refused
from lago_cli.remote.client import Answer, Client

AT_ONCE = 100  # events; Lago takes no more in one request
_PATH = "/events/batch"
_OF_EVENTS = (400, 409, 413, 422)
"""What is wrong with events, and would be the next time."""
_TAKEN = "value_already_exist"


class Refusal(NamedTuple):
    """Why the other side does not want an event."""

    code: str
    message: str


@dataclass(slots=True)
class Delivered:
    """What became of a batch, by position."""

    sent: list[int] = field(default_factory=list)
    there: list[int] = field(default_factory=list)  # it had them already
    refused: dict[int, Refusal] = field(default_factory=dict)


def as_sent(stored: StoredEvent) -> bytes:
    """An event as Lago takes it, with every digit."""
    event = stored.event
    seconds, micros = divmod(stored.at, 10**6)
    row: dict[str, Any] = {
        "transaction_id": event.transaction_id,
        "external_customer_id": event.external_customer_id,
        "external_subscription_id": event.external_subscription_id,
        "code": event.code,
        "timestamp": f"{seconds}.{micros:06}".rstrip("0").rstrip(".") if micros else str(seconds),
        "properties": msgspec.Raw(event.properties.encode()),
        "precise_total_amount_cents": event.precise_total_amount_cents,
    }
    return msgspec.json.encode({name: value for name, value in row.items() if value is not None})


def deliver(client: Client, events: Sequence[bytes]) -> Delivered:
    """
    Send a batch. What the other side has, or does not want, is taken out, and the rest sent again.

    Where it does not say which event it means, the halves are sent, down to single events.

    Raises:
        LagoError: see `Client`.
    """
    done = Delivered()
    waiting = [list(range(len(events)))] if events else []
    while waiting:
        positions = waiting.pop()
        answer = client.post(
            _PATH, b'{"events":[' + b",".join(events[p] for p in positions) + b"]}"
        )
        if answer.status < 300:
            done.sent += positions
            continue
        if answer.status not in _OF_EVENTS:
            raise _unexpected(client, answer)
        faults = _faults(answer, len(positions))
        for at, details in faults.items():
            if _TAKEN in _codes(details.get("transaction_id")):
                done.there.append(positions[at])
            else:
                done.refused[positions[at]] = _refusal(answer, details)
        rest = [position for at, position in enumerate(positions) if at not in faults]
        if faults:
            waiting += [rest] if rest else []
        elif len(rest) > 1:
            middle = len(rest) // 2
            waiting += [rest[middle:], rest[:middle]]
        else:
            done.refused[rest[0]] = _refusal(answer, {})
    return done


def _faults(answer: Answer, events: int) -> dict[int, Mapping[str, Any]]:
    """What is wrong, by position; that of a single event may stand without one."""
    details = (answer.body or {}).get("error_details")
    if not isinstance(details, dict):
        return {}
    found: dict[int, Mapping[str, Any]] = {
        int(key): each if isinstance(each, dict) else {"event": each}
        for key, each in details.items()
        if key.isascii() and key.isdigit() and len(key) < 4 and int(key) < events
    }
    return found if found or events > 1 or not details else {0: details}


def _codes(given: object) -> list[str]:
    return [str(each) for each in given] if isinstance(given, list) else [str(given)]


def _refusal(answer: Answer, details: Mapping[str, Any]) -> Refusal:
    said = {name: _codes(given) for name, given in details.items()}
    words = "; ".join(f"{name}: {', '.join(codes)}" for name, codes in said.items())
    first = next((codes[0] for codes in said.values() if codes), None)
    return Refusal(first or answer.code or f"status_{answer.status}", words or answer.said.strip())


def _unexpected(client: Client, answer: Answer) -> LagoError:
    message = f"{client.url} answers {answer.said.strip()}, which no Lago does."
    return refused("unexpected_answer", message, "See what serves that URL, and its log.")
