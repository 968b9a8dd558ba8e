"""
sqlite-utils, as far as migrations need it.

It loads numpy where that is installed, to know its types, which takes longer than making a file.
"""

from __future__ import annotations

import sys
from typing import Any

_modules: dict[str, Any] = sys.modules
_is_loaded = "numpy" in _modules
if not _is_loaded:
    _modules["numpy"] = None  # so Python says that there is none
try:
    from sqlite_utils import Database, Migrations
finally:
    if not _is_loaded:
        del _modules["numpy"]

__all__ = ["Database", "Migrations"]
