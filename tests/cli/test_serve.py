"""`lago serve` as a process: how it starts, what it says, and how it ends."""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import subprocess
import time

import httpx
import pytest

from tests.conftest import Lago
from tests.servers import start

SECONDS = 30
EVENT = {"transaction_id": "t1", "external_subscription_id": "s", "code": "calls"}


def ended(process: subprocess.Popen[bytes]) -> int:
    return process.wait(SECONDS)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_server_that_is_stopped_has_done_its_work(lago: Lago, number: int):
    """For whoever supervises it, that is no failure."""
    process, url = start(lago)
    httpx.post(f"{url}/api/v1/events", json={"event": EVENT}).raise_for_status()
    process.send_signal(number)

    assert ended(process) == 0
    assert lago("events", "get", "t1", "-o", "json").json()["code"] == "calls"


def test_a_server_that_is_stopped_leaves_one_file(lago: Lago):
    """Whoever copies it then has everything, without a log beside it."""
    process, url = start(lago)
    httpx.post(f"{url}/api/v1/events", json={"event": EVENT}).raise_for_status()
    httpx.get(f"{url}/api/v1/events").raise_for_status()
    process.terminate()

    assert ended(process) == 0
    assert [path.name for path in lago.folder.iterdir()] == ["lago.db"]


def test_a_second_signal_does_not_wait(lago: Lago):
    process, url = start(lago)
    host, port = url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as client:
        client.sendall(
            b"POST /api/v1/events HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n"
            b"Content-Type: application/json\r\n\r\n"
        )
        time.sleep(0.3)
        process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        assert process.poll() is None
        process.send_signal(signal.SIGTERM)

        assert ended(process) == 130


def test_the_url_is_told_also_quietly(lago: Lago):
    """A script that lets it choose its port has to know it."""
    process = lago.start("serve", "--port", 0, "-q")
    url = process.stderr.readline().decode().strip()

    assert httpx.get(f"{url}/health").json() == {"status": "ok"}


def test_it_serves_with_no_streams_at_all(lago: Lago):
    command = " ".join(lago.command("serve", "--port", 0))
    process = subprocess.Popen(
        ["/bin/sh", "-c", f"exec {command} <&- >&- 2>&-"],
        cwd=lago.folder,
        env=lago.environment(),
    )
    try:
        until = time.monotonic() + SECONDS
        while not (lago.folder / "lago.db").exists() and time.monotonic() < until:
            time.sleep(0.05)
        time.sleep(0.5)
        assert process.poll() is None
    finally:
        process.send_signal(signal.SIGTERM)

    assert ended(process) == 0


def test_a_port_that_is_taken_creates_no_file(lago: Lago):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        refused = lago("serve", "--port", port, "-o", "json", exits=2)

    assert refused.error()["code"] == "address_not_available"
    assert "--port" in refused.error()["hint"]
    assert not (lago.folder / "lago.db").exists()


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (["--host", "0.0.0.0"], "key_needed"),
        (["--host", ""], "key_needed"),
        (["--host", "::"], "key_needed"),
        (["--host", "203.0.113.9", "--key", "x"], "address_not_available"),
        (["--key", ""], "empty_key"),
        (["--key", "two words"], "invalid_key"),
        (["--key", "schlüssel"], "invalid_key"),
        (["--cors-origin", "*"], "invalid_origin"),
        (["--cors-origin", "app.example.com"], "invalid_origin"),
        (["--cors-origin", "https://app.example.com/path"], "invalid_origin"),
        (["--allowed-host", "https://billing.example.com"], "invalid_host"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else value,
)
def test_what_makes_no_sense_is_wrong_use(lago: Lago, options: list[str], code: str):
    refused = lago("serve", "--port", 0, *options, "-o", "json", exits=2)

    assert refused.error()["code"] == code
    assert not (lago.folder / "lago.db").exists()


def test_to_only_read_a_missing_file_is_not_found(lago: Lago):
    refused = lago("serve", "--port", 0, "--read-only", "-o", "json", exits=4)

    assert refused.error()["code"] == "database_not_found"
    assert list(lago.folder.iterdir()) == []


def test_a_file_that_is_no_database_is_not_served(lago: Lago):
    lago.write("lago.db", "no database " * 500)

    assert lago("serve", "--port", 0, "-o", "json", exits=7).error()["code"]


def test_a_file_that_another_process_locks_is_not_served(lago: Lago):
    with sqlite3.connect(lago.folder / "lago.db") as other:
        other.execute("pragma locking_mode = exclusive")
        other.execute("begin exclusive")
        refused = lago.process("serve", "--port", 0, "--busy-timeout", 0.1, "-o", "json", exits=8)
    other.close()

    assert refused.error()["code"]


def test_errors_that_nobody_reads_stop_nothing(lago: Lago):
    """A pipe that is full would hold up whoever writes to it."""
    process, url = start(lago)
    os.set_blocking(process.stderr.fileno(), False)
    lago.folder.joinpath("lago.db").rename(lago.folder / "moved.db")
    for _ in range(50):
        assert httpx.get(f"{url}/health").status_code == 503
    process.send_signal(signal.SIGTERM)

    assert ended(process) == 0


def test_a_key_is_never_told(lago: Lago):
    process, url = start(lago, env={"LAGO_KEY": "a-long-key"})
    for shown in ("a-long-key", "wrong-key"):
        httpx.get(f"{url}/api/v1/events", headers={"authorization": f"Bearer {shown}"})
    metrics = httpx.get(f"{url}/metrics").text
    process.send_signal(signal.SIGTERM)
    ended(process)

    said = process.stderr.read().decode() + metrics
    assert "-key" not in said


def test_the_browser_is_shown_the_page_and_signed_in(lago: Lago):
    """The ticket works once, and the key is not in the address."""
    shown = lago.folder / "shown"
    browser = lago.write(
        "browser", f'#!/bin/sh\necho "$1" > {shown}.part && mv {shown}.part {shown}\n'
    )
    browser.chmod(0o755)
    env = {"BROWSER": str(browser), "LAGO_KEY": "a-long-key"}
    start(lago, "--open", env=env)
    until = time.monotonic() + SECONDS
    while not shown.exists() and time.monotonic() < until:
        time.sleep(0.05)
    address = shown.read_text().strip()

    assert "a-long-key" not in address
    with httpx.Client() as client:
        assert client.get(address).status_code == 303
        assert client.cookies["lago_session"]
    assert httpx.get(address).status_code == 200


def test_figures_of_a_server_are_told_to_whoever_watches(lago: Lago):
    _, url = start(lago)
    httpx.post(f"{url}/api/v1/events", json={"event": EVENT}).raise_for_status()

    assert "lago_events_total 1" in httpx.get(f"{url}/metrics").text
    assert json.loads(httpx.get(f"{url}/ready").text) == {"status": "ok"}
