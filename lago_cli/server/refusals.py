"""What was wrong with events that could not even be read, for people who look for them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from lago_cli.server.gathering import Refusal

if TYPE_CHECKING:
    from lago_cli.server.gathering import Faults
    from lago_cli.server.routes import Request

_LONGEST = 255  # characters of an id; these are kept in memory, whoever sends them
_ID = msgspec.json.Decoder(dict[str, msgspec.Raw])
_TEXT = msgspec.json.Decoder(str)


def note_refusals(request: Request, raws: Sequence[msgspec.Raw], faults: Faults) -> None:
    """Remember and count them with those that the file did not take."""
    request.service.gauges.counted(stored=0, duplicates=0, rejected=len(raws))
    request.service.gathering.refusals.extend(
        Refusal(request.now, _id_in(raws[at]), error.code, error.message[:_LONGEST])
        for at, error in faults.items()
    )


def _id_in(raw: msgspec.Raw) -> str:
    """The transaction id as it was sent, where there is one."""
    try:
        given = bytes(_ID.decode(raw).get("transaction_id", b'""'))
        text = _TEXT.decode(given) if given.startswith(b'"') else given.decode()
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return ""
    return text[:_LONGEST]
