"""Archives, databases and workbooks are refused for what they are, with the way out."""

from __future__ import annotations

import gzip
import io
import sqlite3
import tarfile
import zipfile

import pytest

from lago_cli.readers import formats
from lago_cli.readers.base import Problem, ReadOptions
from tests.unit.test_readers_formats import expanded, source_of


def zipped(*names: str) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name in names:
            archive.writestr(name, "a,b\n1,2\n")
    return made.getvalue()


def tarred() -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("events.ndjson"))
    return made.getvalue()


def database() -> bytes:
    with sqlite3.connect(":memory:") as connection:
        connection.execute("CREATE TABLE t (x)")
        return connection.serialize()


INPUTS = [
    pytest.param(zipped("a.csv"), "zip_archive", "unzip -p FILE | lago ingest -", id="zip"),
    pytest.param(zipped(), "zip_archive", "an empty zip archive", id="an empty zip"),
    pytest.param(
        zipped("[Content_Types].xml", "xl/workbook.xml"), "zip_archive", "as CSV", id="xlsx"
    ),
    pytest.param(tarred(), "not_text", "tar -xOf FILE | lago ingest -", id="tar"),
    pytest.param(gzip.compress(tarred()), "not_text", "a tar archive", id="tar in gzip"),
    pytest.param(database(), "not_text", "an SQLite database", id="SQLite"),
    pytest.param(b"PAR1\x15\x04\x15", "not_text", "a Parquet file", id="Parquet"),
    pytest.param(b"7z\xbc\xaf\x27\x1c\0\4", "not_text", "a 7z archive", id="7z"),
    pytest.param(b"Rar!\x1a\x07\x01\0", "not_text", "a rar archive", id="rar"),
]


@pytest.mark.parametrize("step", [None, 1, 300], ids=["at once", "byte by byte", "in pieces"])
@pytest.mark.parametrize(("data", "code", "words"), INPUTS)
def test_it_is_refused_for_what_it_is(data, code, words, step):
    for options in (ReadOptions(), ReadOptions("csv"), ReadOptions(encoding="latin-1")):
        [record] = expanded(source_of(data, step), options)

        assert isinstance(record.problem, Problem)
        assert record.problem.code == code
        assert words in record.problem.message


@pytest.mark.parametrize("text", [b"PK,code\n1,2\n", b"PAR1,code\n1,2\n", b"P", b"SQLite format 3"])
def test_a_text_that_begins_alike_is_read(text):
    found = expanded(source_of(text, 1), ReadOptions("csv"))

    assert not any(record.problem for record in found)


def test_nobody_waits_for_more_than_the_first_bytes_of_a_text():
    class Slow:
        def blocks(self):
            yield b'{"a":1}\n'
            pytest.fail("more was asked for than needed")

    assert next(formats.read(Slow())).data == b'{"a":1}\n'
