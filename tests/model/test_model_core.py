"""The core and the reference, side by side through random histories: the same replies, the same balance, every time."""

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import run_state_machine_as_test

from tests.model.machine import Machine


def steady(examples: int, steps: int = 1) -> settings:
    """The same histories at every run."""
    return settings(
        max_examples=examples,
        stateful_step_count=steps,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


def test_the_core_agrees_with_the_reference_after_every_step():
    run_state_machine_as_test(Machine, settings=steady(40, 25))


@steady(40)
@given(st.randoms(use_true_random=True))
def test_the_core_agrees_with_the_reference_through_histories_by_dice(random: random.Random):
    Machine().live(random, 60)


@pytest.mark.soak
def test_the_core_agrees_with_the_reference_through_thousands_of_steps():
    run_state_machine_as_test(Machine, settings=steady(250, 50))


@pytest.mark.soak
@steady(200)
@given(st.randoms(use_true_random=True))
def test_the_core_agrees_with_the_reference_through_long_histories_by_dice(random: random.Random):
    Machine().live(random, 150)
