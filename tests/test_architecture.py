"""
The shape of the program, read from its source.

Imports point one way: cli and server, reports, services, stores and readers, domain, errors;
what does the same job in another way (formats, engines) does not know its like. The rules
stand here as data; each test names the file and the line that breaks one.
"""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

REPOSITORY = Path(__file__).resolve().parent.parent
PACKAGE = REPOSITORY / "lago_cli"
NAME = PACKAGE.name
LONGEST_MODULE = 350

INNER = {"services", "stores", "readers", "renderers", "domain", "errors"}
MAY_IMPORT = {
    "__init__": set(),
    "__main__": {"__init__", "cli"},
    "errors": set(),
    "domain": {"domain", "errors"},
    "readers": {"readers", "domain", "errors"},
    "stores": {"stores", "domain", "errors"},
    "services": {"services", "stores", "readers", "domain", "errors"},
    "remote": {"remote", "domain", "errors"},
    "renderers": {"renderers"},
    "reports": {"reports", "remote", "services", "stores", "renderers", "domain", "errors"},
    "server": {"server", "reports"} | INNER,
    "cli": {"__init__", "cli", "remote", "reports", "server"} | INNER,
}
"""What each layer may know of ours, itself included where its modules build on each other."""

OF_COLUMNS = (
    "columns",
    "comparing",
    "exact_sums",
    "folds",
    "listing",
    "operations",
    "ordering",
    "packed",
    "placing",
    "step_folds",
)
MAY_USE = {
    "typer": ["cli/"],
    "click": [],
    "rich": ["cli/", "renderers/"],
    "httpx": ["remote/"],
    "sqlite3": ["stores/sqlite/"],
    "sqlite_utils": ["stores/sqlite/sqlite_utils_alone.py"],
    "dateutil": ["domain/periods.py", "domain/windows.py"],
    "zoneinfo": ["domain/zones.py"],
    "zstandard": ["readers/decompress.py", "stores/sqlite/packed.py"],
    "numpy": [f"stores/sqlite/{name}.py" for name in OF_COLUMNS],
    "xlsxwriter": ["renderers/xlsx.py"],
    "yaml": ["readers/"],
    "starlette": ["server/"],
    "uvicorn": ["server/"],
    "httptools": ["server/"],
    "jinja2": ["server/", "renderers/"],
}
"""Where a foreign module may be imported; one that is not named here may be anywhere."""

PEERS = {
    "readers": {"csv_rows", "json_document", "json_values", "ndjson", "yaml_document"},
    "renderers": {"csv", "json", "markdown", "ndjson", "table", "xlsx", "yaml"},
    "stores": {"sqlite"},
}
"""Modules of a layer that do the same job and know nothing of each other."""

FLOATLESS = ["domain/", "readers/", "reports/", "server/", "services/", "stores/"]
ENGINES = tuple(f"{NAME}.stores.{engine}" for engine in PEERS["stores"])
OUTSIDE_WORLD = {"io", "logging", "os", "pathlib", "random", "secrets", "shutil", "socket"} | {
    "subprocess",
    "sys",
    "tempfile",
    "threading",
    "time",
    "urllib",
    "uuid",
}
CLOCKS = {"now", "utcnow", "today", "time_ns", "monotonic", "perf_counter"}
DECODERS = {"json.load", "json.loads", "msgspec.json.Decoder", "msgspec.json.decode"}
LATE = {
    "dateutil",
    "httptools",
    "httpx",
    "hypothesis",
    "jinja2",
    "msgspec",
    "numpy",
    "rich.console",
    "rich.table",
    "sqlite3",
    "sqlite_utils",
    "starlette",
    "uvicorn",
    "xlsxwriter",
    "yaml",
    "zstandard",
}
"""Modules that cost too much to be imported before a command is known to need them."""


class Import(NamedTuple):
    """`importer` imports `imported`; both are dotted names."""

    path: str
    line: int
    imported: str

    @property
    def importer(self) -> str:
        return ".".join([NAME, *Path(self.path).with_suffix("").parts]).removesuffix(".__init__")

    @property
    def place(self) -> str:
        return f"{NAME}/{self.path}:{self.line} imports {self.imported}"


def paths() -> list[str]:
    return sorted(str(path.relative_to(PACKAGE)) for path in PACKAGE.rglob("*.py"))


@cache
def tree_of(path: str) -> ast.Module:
    return ast.parse((PACKAGE / path).read_text())


@cache
def imports() -> tuple[Import, ...]:
    return tuple(_imports())


def _imports() -> Iterator[Import]:
    """
    Every import, also those inside functions and for type checking only.

    `from a import b` is an import of `a.b` where that is a module of ours, else of `a`;
    `import_module("a")` is one too.
    """
    for path in paths():
        for node in nodes_of(path):
            if isinstance(node, ast.Import):
                yield from (Import(path, node.lineno, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{NAME}/{path}:{node.lineno}: a relative import"
                for alias in node.names:
                    name = f"{node.module}.{alias.name}"
                    yield Import(path, node.lineno, name if is_ours(name) else str(node.module))
            elif called(node) == "import_module" and isinstance(node.args[0], ast.Constant):
                yield Import(path, node.lineno, str(node.args[0].value))


@cache
def is_ours(name: str) -> bool:
    """Whether the dotted name is a module of ours, not a name inside one."""
    path = REPOSITORY / name.replace(".", "/")
    return name.startswith(f"{NAME}.") and (path.is_dir() or path.with_suffix(".py").exists())


def layer_of(module: str) -> str:
    """`lago_cli.stores.base` is of the layer `stores`, `lago_cli` itself is `__init__`."""
    return (*module.split("."), "__init__")[1]


def called(node: ast.AST) -> str | None:
    """The last name of what a call calls: `loads` for `json.loads(text)`."""
    if not isinstance(node, ast.Call):
        return None
    if isinstance(node.func, ast.Attribute):
        return node.func.attr
    return node.func.id if isinstance(node.func, ast.Name) else None


@cache
def nodes_of(path: str) -> tuple[ast.AST, ...]:
    return tuple(ast.walk(tree_of(path)))


def found(wanted: Callable[[ast.AST], bool], folder: str = "") -> list[str]:
    """The places of all nodes under `folder` that are as `wanted`."""
    return [
        f"{NAME}/{path}:{node.lineno}: {ast.unparse(node)}"  # type: ignore[attr-defined]
        for path in paths()
        if path.startswith(folder)
        for node in nodes_of(path)
        if wanted(node)
    ]


def test_every_layer_has_its_rule():
    """A new folder of the package is first given a place in the order of imports."""
    layers = {layer_of(f"{NAME}.{Path(path).with_suffix('').parts[0]}") for path in paths()}

    assert layers <= set(MAY_IMPORT)


def test_imports_point_inwards():
    """No module knows a layer further out than its own."""
    outwards = [
        each.place
        for each in imports()
        if each.imported.split(".")[0] == NAME
        and layer_of(each.imported) not in MAY_IMPORT[layer_of(each.importer)]
    ]

    assert outwards == []


@pytest.mark.parametrize("layer", PEERS)
def test_peers_do_not_know_each_other(layer):
    """Each format and each engine can be taken out without the others noticing."""
    known = [
        each.place
        for each in imports()
        if (mine := peer(layer, each.importer))
        and (other := peer(layer, each.imported))
        and mine != other
    ]

    assert known == []


def peer(layer: str, module: str) -> str | None:
    """Which of a layer's peers the module is or belongs to."""
    parts = module.split(".")
    if parts[:2] != [NAME, layer] or len(parts) < 3:
        return None
    return parts[2] if parts[2] in PEERS[layer] else None


@pytest.mark.parametrize("layer", ["services", "reports"])
def test_use_cases_and_reports_know_no_engine(layer):
    """They work on whatever store they are handed."""
    known = [
        each.place
        for each in imports()
        if layer_of(each.importer) == layer and each.imported.startswith(ENGINES)
    ]

    assert known == []


@pytest.mark.parametrize("foreign", MAY_USE)
def test_foreign_modules_keep_their_place(foreign):
    """Only the layer that is there for it knows a terminal, a database or a calendar library."""
    astray = [
        each.place
        for each in imports()
        if each.imported.split(".")[0] == foreign
        and not each.path.startswith(tuple(MAY_USE[foreign]))
    ]

    assert astray == []


def test_the_domain_reaches_nothing_outside():
    """The core gets all it needs as arguments: no files, no environment, no randomness."""
    reaching = [
        each.place
        for each in imports()
        if layer_of(each.importer) == "domain" and each.imported.split(".")[0] in OUTSIDE_WORLD
    ]

    assert reaching == []


def test_the_domain_reads_no_clock():
    """The present instant comes from outside, so that every answer can be asked for again."""
    assert found(lambda node: called(node) in CLOCKS, "domain/") == []


def test_the_domain_does_no_input_or_output():
    """What the core has to say, it returns."""
    assert found(lambda node: called(node) in {"input", "open", "print"}, "domain/") == []


@pytest.mark.parametrize("folder", FLOATLESS)
def test_nothing_becomes_a_binary_float(folder):
    """Between input and output no figure is ever a binary fraction."""
    assert found(lambda node: called(node) == "float", folder) == []


def test_the_domain_has_no_binary_fractions():
    """Nor does a figure start as one."""

    def is_float(node: ast.AST) -> bool:
        return isinstance(node, ast.Constant) and isinstance(node.value, float)

    assert found(is_float, "domain/") == []


def test_json_is_decoded_exactly():
    """A decoder that could make a float is given another thing to make of its text."""

    def may_make_floats(node: ast.AST) -> bool:
        if not isinstance(node, ast.Call) or ast.unparse(node.func) not in DECODERS:
            return False
        keywords = {keyword.arg: keyword.value for keyword in node.keywords}
        if keywords.keys() & {"float_hook", "parse_float"}:
            return False
        named = keywords.get("type") or (
            node.args[0] if called(node) == "Decoder" and node.args else None
        )
        words = set(re.findall(r"\w+", ast.unparse(named))) if named else {"Any"}
        return bool(words & {"Any", "float", "object"})

    assert found(may_make_floats) == []


@pytest.mark.parametrize("path", paths())
def test_modules_are_short(path):
    """A module that grows longer has two jobs."""
    length = len((PACKAGE / path).read_text().splitlines())

    assert length < LONGEST_MODULE, f"{NAME}/{path} has {length} lines"


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param("import lago_cli.__main__", id="the entry point"),
        pytest.param("import lago_cli.cli.process", id="the command tree"),
    ],
)
def test_starting_imports_no_more_than_it_must(statement):
    """What only some commands need is imported by them: every start would pay for it."""
    code = f"import sys, json; {statement}; print(json.dumps(sorted(sys.modules)))"
    started = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, text=True
    )
    imported = set(json.loads(started.stdout))

    assert imported & LATE == set()


def test_a_small_file_loads_nothing_that_reads_parts(tmp_path):
    """Neither where events come in, replace others or are taken back, nor where usage is asked."""
    event = {"transaction_id": "1", "code": "c", "external_customer_id": "a"}
    code = f"""
import json, sys
from lago_cli.cli.process import run
def lago(*words):
    code = run([*words, "-q"])
    assert not code, (words, code)
lago("metrics", "create", "--code", "c", "--aggregation-type", "sum", "--field-name", "v")
for value in (1, 2):
    with open("events", "w") as file:
        print(json.dumps({event!r} | {{"properties": {{"v": value}}}}), file=file)
    lago("ingest", "events", "--on-duplicate", "replace")
for words in (
    ("ingest-runs", "revert", "2"),
    ("metrics", "update", "c", "--name", "C"),
    ("usage", "--period", "all", "--group-by", "v"),
    ("usage", "explain", "--period", "all"),
    ("events", "list"),
    ("events", "export"),
    ("db", "check"),
):
    lago(*words)
print("numpy" in sys.modules)
"""
    started = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=False, text=True, cwd=tmp_path
    )

    assert started.returncode == 0, started.stderr
    assert started.stdout.splitlines()[-1] == "False"
