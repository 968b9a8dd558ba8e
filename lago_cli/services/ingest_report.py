"""What an ingest may be asked for, and what it tells: as it happens, and at its end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from lago_cli.domain.events import Event
from lago_cli.domain.runs import Tally
from lago_cli.domain.source_form import SourceForm
from lago_cli.services.conflicts import Conflict
from lago_cli.stores.base import OnDuplicate

SHOWN = 20  # rejections and conflicts that are kept to be named


class Rejection(NamedTuple):
    """A record that was refused: where it stands, why, and what it says."""

    file: str
    line: int
    code: str
    message: str
    raw: str


class Listener(Protocol):
    """Told of everything as it happens."""

    def rejected(self, rejection: Rejection) -> None: ...

    def conflicting(self, conflict: Conflict) -> None: ...

    def progressed(self, tally: Tally) -> None: ...


@dataclass(frozen=True, slots=True)
class IngestOptions:
    """What a run may be asked for."""

    form: SourceForm = field(default_factory=SourceForm)
    on_duplicate: OnDuplicate = "skip"
    strict: bool = False
    max_rejects: int = 0
    dry_run: bool = False
    shown: int = 0  # of the first events, that a dry run shows
    warns_of_time: bool = True  # where an event is dated at its reception


@dataclass(slots=True)
class IngestReport:
    """What a run did; `run` is None where it left nothing behind."""

    run: int | None = None
    tally: Tally = field(default_factory=Tally)
    rejections: list[Rejection] = field(default_factory=list)  # the first of them
    refused: bool = False  # more were rejected than tolerated
    undone: bool = False  # --strict took everything back
    unfound: Sequence[tuple[str, str, list[str]]] = ()  # target, path that no record has, others
    not_kept: Mapping[str, int] = field(default_factory=dict)  # keys, and how many had them
    time_like: Sequence[str] = ()  # keys of undated events that may be meant as their time
    shown: Sequence[Event] = ()
    partial: Sequence[str] = ()  # places of records that were not whole yet
