"""Inputs that are nearly right are read or refused; and the trials find what breaks."""

from __future__ import annotations

import time
from random import Random

import pytest

from reliability import fuzzing
from reliability.fuzzing import fuzz, through_the_program
from reliability.mutations import Mutator
from reliability.targets import TARGETS, seeds_of

pytestmark = pytest.mark.usefixtures("asked_in_this_process")

INPUTS = {"drawings": 40, "zones": 40}  # those that are slow
USUALLY = 700


@pytest.mark.parametrize("name", TARGETS)
def test_inputs_that_are_nearly_right(name):
    assert fuzz(name, 99, INPUTS.get(name, USUALLY)) == []


def test_such_inputs_through_the_program_and_back(tmp_path):
    assert through_the_program(tmp_path, 120).findings == []


def test_inputs_are_the_same_every_time_and_differ():
    twice = [Mutator([b"a,b", b"1"], [b"x"], Random(5)) for _ in range(2)]
    first, second = ([mutator.next() for _ in range(200)] for mutator in twice)

    assert first == second
    assert len(set(first)) > 100


@pytest.mark.parametrize("name", TARGETS)
def test_every_target_has_kept_inputs(name):
    assert list(seeds_of(name))


def test_what_breaks_is_found(monkeypatch):
    def breaks(data, random):
        assert b"[" not in data

    monkeypatch.setitem(TARGETS, "json", TARGETS["json"]._replace(law=breaks))

    assert len(fuzz("json", 0, 1_000)) == fuzzing.SHOWN


def test_what_hangs_is_found(monkeypatch):
    monkeypatch.setattr(fuzzing, "SECONDS", 0.01)
    monkeypatch.setitem(
        TARGETS, "json", TARGETS["json"]._replace(law=lambda data, random: time.sleep(5))
    )

    (found,) = fuzz("json", 0, 1)
    assert "Hanging" in found
