"""
Statements: bills that people read, print and send, with their numbers already as text.

Unlike a report, a statement is no table of typed cells: its lines have notes below them, and
sums under them. Text of users is plain text here; every format makes it harmless its own way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Item:
    """One line of a statement."""

    text: str
    units: str
    price: str  # of one unit
    amount: str
    notes: Sequence[str] = ()  # how the amount comes about
    metric: str = ""  # the code of the one whose usage it charges for


@dataclass(frozen=True, slots=True)
class Sum:
    """One line below the items."""

    text: str
    amount: str
    is_total: bool = False


@dataclass(frozen=True, slots=True)
class Statement:
    """One bill, on a page of its own."""

    title: str
    facts: Sequence[tuple[str, str]]  # whose, of what, from when to when
    items: Sequence[Item]
    sums: Sequence[Sum]
    footer: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Pages:
    """Statements, one after the other."""

    statements: Sequence[Statement]
    empty: str  # stands in their place where there is none
