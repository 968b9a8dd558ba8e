"""The wheel, as its users get it: what is in it, and that it runs away from the repository."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
import zipfile
from email import message_from_string
from pathlib import Path

import httpx
import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
PIP = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "--no-input")


@pytest.fixture(scope="session")
def project():
    """The project as pyproject.toml describes it."""
    return tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]


@pytest.fixture(scope="session")
def wheel(tmp_path_factory):
    """The wheel, built once and without a network."""
    folder = tmp_path_factory.mktemp("dist")
    build = ("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, REPOSITORY)
    subprocess.run([*PIP, *build], check=True)
    (path,) = folder.iterdir()
    return path


@pytest.fixture(scope="session")
def contents(wheel):
    """The files in the wheel: name to bytes."""
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture(scope="session")
def installed(wheel, tmp_path_factory):
    """A folder into which the wheel is installed, its dependencies left where they are."""
    folder = tmp_path_factory.mktemp("installed")
    subprocess.run([*PIP, "install", "--no-deps", "--target", folder, wheel], check=True)
    return folder


@pytest.fixture
def run(installed, tmp_path):
    """Run something with the installed program first on its path, in an empty folder."""

    def start(*command):
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(installed),
            "LANG": "C.UTF-8",
        }
        return subprocess.run(
            command,
            capture_output=True,
            check=True,
            cwd=tmp_path,
            env=environment,
            text=True,
        ).stdout

    return start


def metadata(contents, name):
    """A file of the wheel's dist-info folder."""
    (found,) = [key for key in contents if key.endswith(f".dist-info/{name}")]
    return contents[found].decode()


def test_the_wheel_is_for_every_machine(wheel, project):
    """One pure wheel with the normalised name of the project."""
    assert wheel.name == f"lago_cli-{project['version']}-py3-none-any.whl"


def test_the_wheel_holds_the_package_and_its_man_pages_and_nothing_else(contents):
    """No tests, no sample events, no caches."""
    ours = {
        path.relative_to(REPOSITORY).as_posix()
        for path in (REPOSITORY / "lago_cli").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    packed = {name for name in contents if ".dist-info/" not in name}
    pages = {name for name in packed if ".data/data/share/man/man1/" in name}

    assert packed - pages == ours
    assert {Path(name).name for name in pages} == {
        path.name for path in (REPOSITORY / "docs" / "man").iterdir()
    }


def test_the_metadata_says_what_is_needed(contents, project):
    """Name, version, Python and dependencies are those of the project."""
    said = message_from_string(metadata(contents, "METADATA"))
    needed = [line for line in said.get_all("Requires-Dist") if "extra ==" not in line]

    assert said["Name"] == "lago-cli"
    assert said["Version"] == project["version"]
    assert said["Requires-Python"] == project["requires-python"]
    assert len(needed) == len(project["dependencies"])


def test_the_licence_is_included(contents):
    """Whoever has the wheel has the terms."""
    assert metadata(contents, "licenses/LICENSE").startswith("MIT License")


def test_both_names_start_the_same_program(contents):
    """`lago`, and `lago-cli` beside another program of that name."""
    lines = metadata(contents, "entry_points.txt").split()

    assert lines[0] == "[console_scripts]"
    assert {lines[1], lines[4]} == {"lago", "lago-cli"}
    assert lines[3] == lines[6]


def test_the_locked_versions_are_for_everybody():
    """The lock files name no machine and no registry, and every version has its hashes."""
    for path in REPOSITORY.glob("requirements*.lock"):
        text = path.read_text()

        assert "://" not in text
        assert text.count("==") <= text.count("--hash=sha256:"), path.name


def test_the_locked_versions_agree():
    """Who develops and who installs get the same versions."""
    lock = (REPOSITORY / "requirements.lock").read_text().splitlines()
    development = (REPOSITORY / "requirements-dev.lock").read_text()
    versions = [line.split()[0] for line in lock if "==" in line]  # without Pythons that need it

    assert [version for version in versions if f"{version} " not in development] == []


def test_the_installed_program_runs_outside_the_repository(run, installed, project):
    """It is the installed one that answers, not the one in the repository."""
    where = run(sys.executable, "-c", "import lago_cli; print(lago_cli.__file__)")

    assert Path(where.strip()).is_relative_to(installed)
    assert project["version"] in run(sys.executable, "-m", "lago_cli", "--version")


@pytest.mark.parametrize("name", ["lago", "lago-cli"])
def test_the_installed_scripts_run(run, installed, project, name):
    """The scripts that an installation makes start the program."""
    assert project["version"] in run(installed / "bin" / name, "--version")


@pytest.mark.parametrize("arguments", [["--help"], ["metrics", "--help"], ["ingest", "--help"]])
def test_asking_for_help_creates_no_database(run, tmp_path, arguments):
    """Help is answered in an empty folder, and leaves it empty."""
    assert "Usage" in run(sys.executable, "-m", "lago_cli", *arguments)
    assert list(tmp_path.iterdir()) == []


def test_the_installed_program_serves(installed, tmp_path):
    """The page and all are in the wheel."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(installed), "LANG": "C.UTF-8"}
    command = [sys.executable, "-m", "lago_cli", "serve", "--port", "0", "-q"]
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True
    ) as server:
        try:
            url = server.stderr.readline().strip()
            assert httpx.get(f"{url}/health").json() == {"status": "ok"}
            assert httpx.get(f"{url}/api/v1/events").status_code == 200
        finally:
            server.terminate()

    assert server.returncode == 0
