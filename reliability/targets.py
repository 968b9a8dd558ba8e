"""What is fuzzed: for each grammar its seeds, its words and its law."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import NamedTuple

from reliability import laws

CORPUS = Path(__file__).parent / "corpus"
_NAMES = b"transaction_id code external_customer_id external_subscription_id timestamp properties"
EVENT_NAMES = _NAMES.split()


def _bytes(*texts: bytes) -> tuple[bytes, ...]:
    return tuple(word for text in texts for word in text.split(b" "))


JSON_WORDS = (
    *_bytes(b'{ } [ ] , : " \\ / . - + 0 1 9 e E 1e9 -0 1.50 null true NaN Infinity \n \r\n \t'),
    *(b'"%s":' % name for name in EVENT_NAMES),
    *_bytes(b'{"a": {"event": {"events":[ {"a":1} },{ }\n{ [{ ]} "x"'),
    b" ",
    *_bytes(
        b"\xef\xbb\xbf \xff\xfe \0 \xc3 \xf0\x9f\x98\x80 \\ud800 \\u0000 1704067200 1704067200000"
    ),
    *_bytes(b'"2026-11-22T00:00:00Z" 123456789012345678901234567890'),
)
CSV_WORDS = (*JSON_WORDS[:30], *_bytes(b'; "" "," \r properties.n'), *EVENT_NAMES)
EXPRESSION_WORDS = (
    *_bytes(
        b"event.code event.timestamp event.properties.a event.properties. round( ceil( floor(",
        b"least( greatest( concat( ( ) , + - * / ' '' 'x' 0 1 9 1.5 0.1 1e5 . \"",
        b"\xff \xc3\xa9 \n \0",
    ),
    *(b" ", b", 2)", b"* 9999999999", b"/ 3"),
)
MAPPING_WORDS = (
    *(name + b"=" for name in (*EVENT_NAMES, b"properties.x", b"properties.")),
    *_bytes(b"= . a b a.b a.b.c e.0.x { } {{ }} {a.b.c} {id} {s} {} {x}: properties \xff \0 \n"),
    b" ",
)
PATH_WORDS = (
    *_bytes(b'a b c e x . [ ] [0] [1] [x=2] [a= =t] * " \\ a.b .. time { } \xff \0 \n'),
    b" ",
    b"",
)
FORM_WORDS = (
    *_bytes(b"% %Y %m %d %H %M %S %f %z %Z %b %p %s %y %j %G %V %u %% %Q / . : , T Z UTC \n"),
    *_bytes(b"2026 11 05 08 00 Nov PM +0100 CET 1794391054123 0 9 [Europe/Paris] \xff"),
    b" ",
)
FILE_WORDS = (
    *_bytes(b"map set where drop events code id_from time_unit time_format timezone null records"),
    *_bytes(b": [ ] { } , - \n # & * ? | > ' \" ! %Y ms content position a.b {x} ~ true 0 ---"),
    *(name + b": x\n" for name in EVENT_NAMES),
    b" ",
    b"  ",
)
PERIOD_WORDS = tuple(
    b"0 1 9 00 12 13 31 52 53 2026 9999 0001 - -W -Q W Q T Z : all \xd9\xa1".split()
)
INSTANT_WORDS = (
    *PERIOD_WORDS,
    *_bytes(b". + e +02:00 -23:59 +24:00 .123456789 1704067200 1e9"),
    b" ",
)
TEXT_WORDS = (
    *_bytes(
        b"[/red] [bold] [link=x] \x1b[31m \x1b]0;x\x07 \xc2\x9b \r \n \t \0",
        b"| ` * <b> &amp; =cmd() +1 @SUM \" ' , ; \xe2\x80\xae \xe2\x80\xa8",
        "é e\u0301 👩\u200d👩\u200d👧 🇫🇷 漢字 \u200b \u200d \ufeff \U000e0041 \ufffd x".encode(),
        b"../.. %s {x} $ \\ ~ _",
    ),
    *(b" ", b"http://x", b":smile:"),
)


class Target(NamedTuple):
    what: str
    share: int  # of a million inputs, in thousands
    seeds: tuple[str, ...]  # files of the corpus; of a text, every line is a seed
    words: tuple[bytes, ...]
    law: Callable[[bytes, Random], None]


PACKED = ("events.ndjson.gz", "events.csv.bz2", "events.json.xz", "events.ndjson.zst")
TARGETS = {
    "json": Target(
        "the readers of JSON and NDJSON",
        400,
        ("events.ndjson", "events.json", "request.json", "pretty.json"),
        JSON_WORDS,
        laws.check_reading,
    ),
    "csv": Target(
        "the reader of CSV", 150, ("events.csv", "semicolons.csv"), CSV_WORDS, laws.check_reading
    ),
    "packed": Target(
        "gzip, bzip2, xz and zstd", 60, PACKED, (b"\0", b"\xff" * 4), laws.check_reading
    ),
    "values": Target("JSON values", 100, ("events.ndjson",), JSON_WORDS, laws.check_value),
    "expressions": Target(
        "expressions and their values",
        200,
        ("expressions.txt",),
        EXPRESSION_WORDS,
        laws.check_expression,
    ),
    "mappings": Target(
        "`--map` and `--set`", 120, ("mappings.txt", "mapping"), MAPPING_WORDS, laws.check_mapping
    ),
    "paths": Target("paths", 100, ("paths.txt",), PATH_WORDS, laws.check_path),
    "times": Target(
        "`--time-format` and times", 100, ("times.txt", "time"), FORM_WORDS, laws.check_time
    ),
    "mapping files": Target(
        "mapping files", 60, ("mapping.yml",), FILE_WORDS, laws.check_mapping_file
    ),
    "periods": Target("`--period`", 80, ("periods.txt",), PERIOD_WORDS, laws.check_period),
    "instants": Target("instants", 120, ("instants.txt",), INSTANT_WORDS, laws.check_instant),
    "zones": Target(
        "time zones", 2, ("zones.txt",), (*PERIOD_WORDS, b"/", b"..", b"E"), laws.check_zone
    ),
    "drawings": Target("the output formats", 5, ("texts.txt",), TEXT_WORDS, laws.check_drawing),
}


def seeds_of(name: str) -> Iterator[bytes]:
    """The kept inputs of a target, those included that once broke it."""
    for file in TARGETS[name].seeds:
        content = (CORPUS / file).read_bytes()
        yield from content.splitlines() if file.endswith(".txt") else [content]
    for path in sorted((CORPUS / "broken").glob(f"{name}-*")):
        yield path.read_bytes()
