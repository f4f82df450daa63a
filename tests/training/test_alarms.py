"""Each detector on series of numbers: the fault raises its alarm, a right course raises none."""

import math
import random
from pathlib import Path
from typing import Any

import pytest

from cadmonkey.files import read_jsonl
from cadmonkey.training.alarms import Course, find_alarms, slope_of

Line = dict[str, Any]


def healthy(steps: int = 200, every: int = 1) -> list[Line]:
    """A loss that falls from 1.2 to 0.2 with the scatter of batches, a cosine after a warm-up."""
    rng = random.Random(1)
    return [
        {
            "step": step,
            "loss": 0.2 + math.exp(-5 * step / steps) + rng.gauss(0, 0.03),
            "grad_norm": 0.5 + rng.random(),
            "learning_rate": 1e-4 * min(step / 20, 0.5 * (1 + math.cos(math.pi * step / steps))),
            "tensors_moved": 1.0 if step > 1 else 0.0,
        }
        for step in range(1, steps + 1, every)
    ]


def evaluations(losses: list[float], every: int = 50) -> list[Line]:
    return [{"step": every * (index + 1), "eval_loss": loss} for index, loss in enumerate(losses)]


def alarms_of(lines: list[Line], steps: int = 200, **settings: Any) -> list[str]:
    """Every alarm of a run, in the order in which they are raised."""
    return [
        alarm.name for end in range(1, len(lines) + 1) for alarm in find_alarms(Course(lines[:end], steps, **settings))
    ]


def steps_of_alarms(lines: list[Line], steps: int) -> list[int]:
    return [line["step"] for end, line in enumerate(lines, start=1) if find_alarms(Course(lines[:end], steps))]


def change(lines: list[Line], after: int, **values: Any) -> list[Line]:
    return [line | (values if line["step"] > after else {}) for line in lines]


@pytest.mark.parametrize("steps", [40, 200, 2000])
@pytest.mark.parametrize("every", [1, 10, 25, 100])
def test_a_healthy_course_raises_nothing(steps: int, every: int) -> None:
    assert alarms_of(healthy(steps, every), steps) == []


def test_the_course_of_a_real_nano_run_raises_nothing() -> None:
    lines = read_jsonl(Path(__file__).with_name("nano-metrics.jsonl"))
    assert sum("eval_p_end" in line for line in lines) >= 4
    assert alarms_of(lines, lines[-1]["step"], patience=2) == []


@pytest.mark.parametrize("name", ["loss", "grad_norm"])
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_figure_that_is_no_number_ends_the_run(name: str, value: float) -> None:
    lines = change(healthy(), 50, **{name: value})[:51]
    alarms = find_alarms(Course(lines, 200))
    assert [(alarm.name, alarm.fatal) for alarm in alarms] == [("not finite", True)]
    assert "--learning-rate" in alarms[0].diagnosis


def test_a_gradient_of_zero_is_raised_once_and_not_for_a_single_line() -> None:
    assert alarms_of(change(healthy(), 50, grad_norm=0.0)) == ["zero gradient"]
    single = healthy()
    single[60]["grad_norm"] = 0.0
    assert alarms_of(single) == []


@pytest.mark.parametrize(("every", "raised_at"), [(1, 53), (2, 54), (10, 70), (25, 100)])
def test_a_gradient_of_zero_is_counted_in_steps_and_seen_on_two_lines(every: int, raised_at: int) -> None:
    lines = [line for line in change(healthy(), 50, grad_norm=0.0) if line["step"] % every == 0]
    raised = [
        line["step"] for line in lines if find_alarms(Course([o for o in lines if o["step"] <= line["step"]], 200))
    ]
    assert raised == [raised_at]


def test_evaluations_in_between_do_not_raise_an_alarm_again() -> None:
    lines = change(healthy(), 50, grad_norm=0.0) + evaluations([0.5, 0.4, 0.3])
    assert alarms_of(sorted(lines, key=lambda line: line["step"])) == ["zero gradient"]


def test_a_loss_of_zero_points_to_the_labels() -> None:
    lines = [{"step": step, "loss": 0.0, "grad_norm": 0.0} for step in range(1, 4)]
    (alarm,) = find_alarms(Course(lines, 200))
    assert "no label counts" in alarm.diagnosis


def test_tensors_that_stay_are_raised_after_the_warm_ups_first_steps() -> None:
    assert alarms_of(change(healthy(), 0, tensors_moved=0.0)) == ["weights do not move"]
    assert alarms_of(change(healthy()[:9], 0, tensors_moved=0.0)) == []


@pytest.mark.parametrize(("steps", "said_at"), [(100, 50), (400, 200), (2000, 500)])
def test_a_flat_loss_is_raised_at_half_of_a_short_run_and_at_500_steps(steps: int, said_at: int) -> None:
    rng = random.Random(2)
    lines = [{"step": step, "loss": 5.7 + rng.gauss(0, 0.05)} for step in range(1, steps + 1)]
    assert alarms_of(lines[: said_at - 1], steps) == []
    assert alarms_of(lines[: said_at + 5], steps) == ["flat loss"]


@pytest.mark.parametrize(("steps", "every", "said_at"), [(200, 20, 100), (400, 50, 250), (2000, 100, 500)])
def test_a_flat_loss_is_as_flat_where_few_lines_are_logged(steps: int, every: int, said_at: int) -> None:
    rng = random.Random(2)
    lines = [{"step": step, "loss": 5.7 + rng.gauss(0, 0.01)} for step in range(every, steps + 1, every)]
    raised = [
        line["step"] for line in lines if find_alarms(Course([o for o in lines if o["step"] <= line["step"]], steps))
    ]
    assert raised[:1] == [said_at]


def test_a_loss_that_starts_low_need_not_fall_by_much() -> None:
    rng = random.Random(3)
    lines = [{"step": step, "loss": 0.3 - 0.0005 * step + rng.gauss(0, 0.01)} for step in range(1, 201)]
    assert alarms_of(lines) == []


def test_a_slow_but_sure_slope_is_not_flat() -> None:
    rng = random.Random(4)
    lines = [{"step": step, "loss": 3.0 - 0.0015 * step + rng.gauss(0, 0.02)} for step in range(1, 201)]
    assert alarms_of(lines) == []


def test_the_slope_is_that_of_the_line_and_its_error_that_of_the_scatter() -> None:
    assert slope_of([(1, 3.0), (2, 5.0), (3, 7.0)]) == pytest.approx((2.0, 0.0))
    slope, error = slope_of([(1, 0.0), (2, 1.0), (3, 0.0), (4, 1.0)])
    assert (slope, error) == pytest.approx((0.2, math.sqrt(0.8 / 2 / 5)))


def test_a_spike_is_raised_each_time_and_a_falling_loss_is_none() -> None:
    lines = healthy()
    lines[100]["loss"] = lines[150]["loss"] = 2.5
    assert alarms_of(lines) == ["loss spike", "loss spike"]


def test_small_losses_may_flicker() -> None:
    lines = [{"step": step, "loss": 0.01 if step % 7 else 0.04} for step in range(100, 200)]
    assert "loss spike" not in alarms_of(lines)


def test_a_rate_that_is_spent_early_is_raised_and_a_cosines_tail_is_not() -> None:
    assert alarms_of(change(healthy(), 120, learning_rate=0.0)) == ["learning rate spent"]
    assert alarms_of(change(healthy(), 185, learning_rate=0.0)) == []


def test_a_held_out_loss_that_rises_while_the_training_loss_falls_is_overfitting() -> None:
    rising = [0.5, 0.4, 0.42, 0.5]
    lines = sorted(healthy() + evaluations(rising), key=lambda line: line["step"])
    assert alarms_of(lines) == ["overfitting"]
    training_rises_too = [line | ({"loss": line["step"] / 200} if "loss" in line else {}) for line in lines]
    assert "overfitting" not in alarms_of(training_rises_too)
    flickers = sorted(healthy() + evaluations([0.5, 0.4, 0.402, 0.405]), key=lambda line: line["step"])
    assert alarms_of(flickers) == []


def test_early_stopping_waits_for_its_patience_and_ends_well() -> None:
    lines = evaluations([0.5, 0.4, 0.41, 0.405])
    assert alarms_of(lines[:3], patience=2) == []
    (alarm,) = find_alarms(Course(lines, 200, patience=2))
    assert (alarm.name, alarm.good_end, alarm.fatal) == ("early stopping", True, False)
    assert alarms_of(lines) == []


def test_an_end_token_that_is_not_learnt_is_raised_with_its_cause() -> None:
    line = {"step": 50, "eval_loss": 0.1, "eval_p_end": 0.01, "eval_p_other_control": 0.9}
    assert find_alarms(Course([line], 200)) == []
    (alarm,) = find_alarms(Course([line | {"step": 100}], 200))
    assert alarm.name == "end token not learnt"
    assert "cannot be told from theirs" in alarm.diagnosis
    (alarm,) = find_alarms(Course([line | {"step": 100, "eval_p_other_control": 0.0}], 200))
    assert "masked or cut" in alarm.diagnosis
    assert find_alarms(Course([line | {"step": 100, "eval_p_end": 0.9}], 200)) == []


@pytest.mark.parametrize(("steps", "due"), [(40, None), (150, 100), (600, 300), (5000, 500)])
def test_the_end_token_is_due_at_half_of_a_run_of_its_length(steps: int, due: int | None) -> None:
    lines = [{"step": step, "eval_loss": 0.1, "eval_p_end": 0.01} for step in range(10, steps + 1, 10)]
    raised = [line["step"] for line in lines if find_alarms(Course([line], steps))]
    assert (raised[0] if raised else None) == due
