"""
Definition files: YAML or JSON, told apart by their content.

What parses as JSON is JSON, which YAML is not quite a superset of (tabs, surrogate pairs);
all else is YAML. Both give the same plain data: texts, `Number`s as they were written, and
the line on which everything stands. Nothing is guessed, executed or silently dropped.
"""

from __future__ import annotations

import re

from lago_cli.errors import LagoError, refused
from lago_cli.readers import json_document
from lago_cli.readers.document import Document, Number, Path, Value, documents, place_behind

__all__ = ["Document", "Number", "Path", "Value", "read_documents"]

MAX_BYTES = 64 * 1024 * 1024

_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_LIKE_JSON = re.compile(r'\s*+[\[{][\s\[{]*+"')


def read_documents(data: bytes) -> list[Document]:
    """
    The documents in a file; an empty one between two `---` has the value None.

    Raises, with line and column: `invalid_yaml`, `invalid_json`, `invalid_utf8`,
    `duplicate_key`, `invalid_key`, `invalid_merge`, `nested_too_deeply`, `too_many_values`;
    and `file_too_large`.
    """
    if len(data) > MAX_BYTES:
        message = f"the file is larger than {MAX_BYTES:,} bytes"
        raise refused("file_too_large", message, "Split it into several files.")
    text = _decoded(data)
    try:
        return list(documents(json_document.pieces(text)))
    except json_document.NotJson as doubt:
        from lago_cli.readers import yaml_document

        try:
            return list(documents(yaml_document.pieces(text)))
        except LagoError as error:
            if error.code == "invalid_yaml" and _LIKE_JSON.match(text):
                raise doubt.refusal from None
            raise


def _decoded(data: bytes) -> str:
    encoding = "utf-16" if data.startswith(_UTF16) else "utf-8-sig"
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        if encoding == "utf-16":
            raise refused("invalid_utf16", f"not valid UTF-16: {error.reason}") from None
        before = error.object[: error.start].decode(errors="replace")  # the mark is cut off
        byte = f"0x{error.object[error.start]:02x}"
        message = f"not valid UTF-8: byte {byte} ({place_behind(before)})"
        raise refused("invalid_utf8", message) from None
