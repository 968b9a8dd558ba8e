"""Definitions as YAML, the way `lago export` writes them."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from lago_cli.readers.documents import Number
from lago_cli.renderers import RawJson
from lago_cli.renderers.yaml import write_yaml


def as_yaml(value: object) -> str:
    """Numbers of definitions are bare there."""
    return write_yaml(_bare(value))


def _bare(value: object) -> object:
    if isinstance(value, Mapping):
        return {key: _bare(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_bare(item) for item in value]
    if isinstance(value, Number | Decimal):
        return RawJson(str(value))
    return value
