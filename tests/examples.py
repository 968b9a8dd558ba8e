"""How many examples an expensive property is tried with."""

from __future__ import annotations

from hypothesis import settings

_MORE = 10


def examples(count: int) -> settings:
    """`count` examples in every run of the tests, ten times as many in `make explore`."""
    explores = settings.get_current_profile_name() == "explore"
    return settings(max_examples=count * _MORE if explores else count)
