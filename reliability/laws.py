"""The laws that hold for any input: it is read or refused, and what is read keeps its promises."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import UTC
from decimal import Decimal
from fractions import Fraction
from random import Random

import msgspec

from lago_cli.domain.batches import EventBatch, decode_lines
from lago_cli.domain.events import parse_event
from lago_cli.domain.expressions import Unevaluable, parse_expression
from lago_cli.domain.instants import format_instant, parse_instant, parse_moment
from lago_cli.domain.json_text import canonical, decode_object, number_of, same_json, text_of
from lago_cli.domain.numbers import NUMBER, as_plain
from lago_cli.domain.paths import parse_path, similar_paths, without
from lago_cli.domain.periods import named_period
from lago_cli.domain.source_form import EventTold, Told
from lago_cli.domain.timestamps import UNITS, TimeForm
from lago_cli.domain.zones import zone_for
from lago_cli.errors import Kind, LagoError
from lago_cli.readers import formats, ndjson
from lago_cli.readers.base import Block, ReadOptions, Record
from lago_cli.readers.source import Source
from lago_cli.renderers import Column, RawJson, Report, Terminal, render
from lago_cli.services.foreign import Interpreter
from lago_cli.services.mapping_files import mapping_in
from reliability.program import expect

CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u2028\u2029]")


class _Pieces:
    """A stream that gives what it has in pieces of any size."""

    def __init__(self, data: bytes, random: Random) -> None:
        self._data = data
        self._random = random

    def read(self, _size: int) -> bytes:
        count = self._random.choice((1, 7, 50, 1_000, 100_000))
        piece, self._data = self._data[:count], self._data[count:]
        return piece


def check_reading(data: bytes, random: Random) -> None:
    """Every record is an object that can be judged, or says why it is none."""
    source = Source(_Pieces(data, random), "fuzz", None)  # type: ignore[arg-type]
    options = ReadOptions(
        random.choice(formats.FORMATS),
        random.choice((None, None, None, *PATHS_OF_RECORDS)),
        random.choice((None, None, None, "latin-1", "utf-16-le", "cp932")),
        random.random() < 0.2,
    )
    interpreter = Interpreter(Told(id_from="content").form())
    interpreter.begin("fuzz")
    last = 0
    for item in formats.read(source, options):
        if isinstance(item, Block):
            _check_batch(item)
        for record in ndjson.split(item) if isinstance(item, Block) else (item,):
            expect(record.line >= last, f"line {record.line} after line {last}")
            last = record.line
            if record.problem is None:
                _check_record(interpreter, record)
            else:
                expect(record.problem.code and record.problem.message, "a problem without a word")


PATHS_OF_RECORDS = ("events", "a", "a.*", "event", "*", "properties", "a[0]", "a.event.events")


def _check_record(interpreter: Interpreter, record: Record) -> None:
    try:
        events = interpreter.events_of(record)
    except LagoError:
        return
    for event in events:
        "".join((event.transaction_id, event.code, event.properties)).encode()
        expect(isinstance(json.loads(event.properties), dict), "properties that are no object")
        expect(same_json(event.properties, event.properties), "properties that are not themselves")


def _check_batch(block: Block) -> None:
    """A block that is decoded at once is what its lines are one by one."""
    batch = decode_lines(block.data, block.line)
    if batch is None:
        return
    slow = EventBatch()
    for record in ndjson.split(block):
        expect(record.problem is None, f"decoded at once, though {record.problem}")
        slow.append(parse_event(decode_object(record.raw)), record.line)
    same = all(batch.fields(index) == slow.fields(index) for index in range(len(batch)))
    expect(len(batch) == len(slow), "decoded at once, there are more or fewer")
    expect(same and list(batch.lines) == slow.lines, "decoded at once, they are others")


def _text(data: bytes) -> str:
    """As the command line gives it: bytes that are no text become surrogates."""
    return data.decode("utf-8", "surrogateescape")


PROPERTY_VALUES = (
    *(
        "0",
        "1",
        "-1.50",
        "1e3",
        "1e9999",
        "1e-9999",
        '"7"',
        '"x"',
        '""',
        "null",
        "true",
        "[]",
        "{}",
    ),
    *('"\\ud83d\\ude00"', "9" * 300, '"1/3"', '"007"', "-0", "0.1", '" 1 "'),
)


def check_expression(data: bytes, random: Random) -> None:
    """It is refused, or has a value that can be shown, or says why it has none."""
    try:
        expression = parse_expression(_text(data))
    except LagoError:
        return
    names = [*expression.properties, "other"]
    properties = {
        name: msgspec.Raw(random.choice(PROPERTY_VALUES).encode())
        for name in names
        if random.random() < 0.9
    }
    try:
        value = expression.evaluate("code", random.randrange(10**18), properties)
    except Unevaluable:
        return
    expect(isinstance(value, Decimal | Fraction | str), f"the value is a {type(value)}")
    if not isinstance(value, str):
        expect(NUMBER.fullmatch(as_plain(value)), "the value cannot be shown")


RECORDS = (
    '{"a":{"b":{"c":1}},"a.b":"x","id":7,"time":"2026-11-22","s":"t","n":null,"e":[1,{"x":2}]}',
    '{"transaction_id":"t","code":"c","external_customer_id":"a","properties":{"p":1.50}}',
    '{"properties":null,"timestamp":1704067200,"":"empty","a b":"{x}","{a}":"{{b}}"}',
    '{"properties":7,"id":"\\u0000","a":"\\ud83d\\ude00"}',
    "{}",
)


def check_mapping(data: bytes, random: Random) -> None:
    """It is refused, or makes of any record events that can be judged."""
    words = [_text(word) for word in data.split(b"\n")]
    pairs = [word.partition("=") for word in words]
    half = random.randrange(len(words) + 1)
    told = Told(
        {target: path for target, _, path in pairs[:half]},
        {target: text for target, _, text in pairs[half:]},
        where={random.choice(words): ["", "t", "7"]} if random.random() < 0.3 else {},
        drop=words[:2] if random.random() < 0.3 else [],
        id_from=random.choice((None, "content", "position", *words[:1])) or None,
        nulls=["t", "x"] if random.random() < 0.2 else [],
        decimal_comma=random.random() < 0.2,
    )
    _check_told(told, random)


def _check_told(told: Told, random: Random) -> None:
    """What is said of a source is refused, or understood of every record."""
    try:
        interpreter = Interpreter(told.form())
        record = Record(1, random.choice(RECORDS).encode(), around=b'{"a":{"z":1},"y":[{"q":2}]}')
        _check_record(interpreter, record)
        for _, path, elsewhere in interpreter.unfound():
            expect(path not in elsewhere, f"{path} is found nowhere, and there")
    except (LagoError, UnicodeEncodeError):
        return


def check_path(data: bytes, random: Random) -> None:
    """Every text is a path; what it finds can be taken out; a key that looks like it is first."""
    text = _text(data)
    path = parse_path(text)
    record = decode_object(random.choice(RECORDS).encode())
    for token in path.find_all(record):
        text_of(token)
    for from_arrays in (True, False):
        left = without(record, [path], from_arrays=from_arrays)
        expect(len(path.find_all(left)) <= len(path.find_all(record)), f"{text!r} finds more")
    similar_paths(record, text)
    try:
        text.encode()
    except UnicodeEncodeError:
        return
    keyed = {**record, text: msgspec.Raw(b"42")}
    expect(path.find(keyed) == msgspec.Raw(b"42"), f"{text!r} is no key")


def check_time(data: bytes, random: Random) -> None:
    """A form is wrong use, or reads a time or refuses it with a hint."""
    first, _, rest = _text(data).partition("\n")
    unit = random.choice((None, *UNITS))
    try:
        form = TimeForm(unit, first if rest else None, zone_for(random.choice(ZONES)))
    except LagoError as error:
        expect(error.kind is Kind.USAGE, f"{first!r} is {error.kind}")
        return
    text = rest or first
    try:
        micros = form.read(text)
    except LagoError as error:
        is_early = error.code == "timestamp_out_of_range"  # which says it all of a good time
        expect(error.hint or is_early or unit, f"no hint for {text!r}")
        return
    expect(0 <= form.finer(text) < 10**6, f"{text!r} is finer than a microsecond")
    expect(format_instant(micros), "an instant that cannot be shown")


def check_mapping_file(data: bytes, random: Random) -> None:
    """It is refused with its faults, or says something of every record."""
    try:
        told = mapping_in("fuzz.yml", data)
    except LagoError as error:
        expect(error.code == "invalid_mapping_file", f"it is {error.code}")
        return
    expect(all(isinstance(event, EventTold) for event in told.events), "events that are none")
    _check_told(told, random)


NOW = 1_795_000_000_000_000  # for what is a period by the clock
ZONES = ("UTC", "Europe/Paris", "America/St_Johns", "Pacific/Apia", "Africa/Monrovia")


def check_period(data: bytes, random: Random) -> None:
    """It is refused, or a stretch of time."""
    text = _text(data)
    zone = zone_for(random.choice(ZONES))
    try:
        period = named_period(text, zone, NOW)
    except LagoError:
        return
    expect(period.start < period.end, f"{text!r} is an empty period")
    expect(period.start.tzinfo is UTC, f"{text!r} is not in UTC")


def check_instant(data: bytes, random: Random) -> None:
    """It is refused with a sentence, or an instant that is read back as it is shown."""
    text = _text(data)
    zone = zone_for(random.choice(ZONES))
    try:
        parse_instant(text, zone)
        micros = parse_moment(text, zone)
    except ValueError as error:
        expect(str(error), "a refusal without a word")
        return
    shown = format_instant(micros)
    expect(parse_instant(shown) == micros, f"{text!r} is shown as {shown}")


def check_zone(data: bytes, _random: Random) -> None:
    """It is refused, or a time zone."""
    try:
        zone_for(_text(data))
    except LagoError:
        return


def check_value(data: bytes, _random: Random) -> None:
    """Valid JSON has one canonical form, a text and perhaps a number; nothing else passes."""
    try:
        fields = decode_object(data)
        data.decode()
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return
    canonical(fields)
    for token in fields.values():
        text_of(token)
        try:
            number_of(token)
        except ValueError as error:
            expect(str(error), "a refusal without a word")


def check_drawing(data: bytes, random: Random) -> None:
    """Text of users comes back out of every format, and moves no cursor."""
    text = data.decode(errors="replace")
    row = {"id": text, "group": {text: text}, "raw": RawJson(json.dumps({text: 1})), "units": "1"}
    columns = [
        Column("id", kind="id"),
        Column("group", kind="object"),
        Column("raw", kind="object"),
    ]
    report = Report(text, [*columns, Column("units", kind="number")], [row, row], footer=[text])
    terminal = Terminal(random.choice((None, 10, 40, 100)), unicode=random.random() < 0.7)
    drawn = {name: _drawn(report, name, terminal) for name in ("json", "csv", "ndjson")}
    found = (
        json.loads(drawn["json"])[0]["id"],
        json.loads(drawn["ndjson"].split("\n")[1])["group"][text],
        list(csv.reader(io.StringIO(drawn["csv"], newline="")))[2][0],
    )
    expect(set(found) == {text}, f"{text!r} came back as {found!r}")
    for name in ("table", "markdown", "json", "ndjson"):
        wrong = CONTROLS.findall(drawn.get(name) or _drawn(report, name, terminal))
        expect(not wrong, f"{name} shows {wrong}")


def _drawn(report: Report, name: str, terminal: Terminal) -> str:
    stream = io.StringIO(newline="")
    render(report, name, stream, terminal)
    return stream.getvalue()
