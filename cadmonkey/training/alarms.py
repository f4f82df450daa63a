"""What a run that goes wrong looks like in its figures: one function a fault, from the lines of metrics.jsonl.

Each looks at the course of a run up to now and returns an alarm or None. They remember nothing, so a resumed run
judges as an unbroken one does.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from statistics import fmean, median
from typing import Any

from cadmonkey.training.rates import NEGLIGIBLE

ZERO_STEPS = 3
"""Steps in a row without a gradient: a single one may be a batch that the model knows by heart."""

ZERO_LINES = 2
"""The same where steps between lines are not seen."""

STILL_STEPS = 10
"""Steps after which every trained tensor has moved: the first step of a warm-up has a rate of 0, the next have not."""

FLAT_DROP = 0.2
"""What the loss of a healthy run falls by, in nats a token, within FLAT_STEPS: it learns at least the format."""

FLAT_SHARE = 0.2
"""The same for a loss that starts below 1: this share of it. A model that nearly knows its rows cannot fall by 0.2."""

FLAT_STEPS = 500
FLAT_LEAST_STEPS, FLAT_LEAST_LINES = 10, 5
"""Steps, and lines, below which a course says nothing; a line of many steps is their mean, so few lines will do."""

SLOPE_ERRORS = 2.0
"""Standard errors by which a slope must fall to be no accident (95 %)."""

SPIKE_WINDOW = 20
SPIKE_LINES = 8
SPIKE_DEVIATIONS = 6.0
"""Normal deviations over the window's median; batches of one run stay within 4."""

SPIKE_RATIO, SPIKE_RISE = 1.5, 0.3
"""A spike is also this many times the median and this many nats above it: tiny losses flicker by multiples."""

RISING_EVALUATIONS = 3
RISING_SHARE = 0.05
"""Held-out loss over its best from which a rise is no flicker."""

SPENT_LEFT = 0.1
"""Share of the steps that a spent rate must waste: a cosine to 0 is below 1 % of its peak for the last 6.4 %."""

END_TOKEN_STEPS = 100, 500
"""The least and the most steps until the end token is to be learnt, half of the run between them: its rows move by the
learning rate a step. After 40 of its preset's 375 steps the nano's P(end token) is still 0.000."""


@dataclass(frozen=True)
class Alarm:
    """A fault that was seen."""

    name: str
    diagnosis: str
    """What was seen, the likely cause, and the field to change."""
    fatal: bool = False
    """True where going on cannot help; it ends the run whatever on_alarm says."""
    good_end: bool = False
    """True where the run is over in good order: early stopping."""


@dataclass(frozen=True)
class Course:
    """The course of a run up to its newest line."""

    lines: Sequence[dict[str, Any]]
    """Lines of metrics.jsonl: training lines have a loss, evaluations an eval_loss."""
    steps: int
    """Steps that the run is to take."""
    patience: int = 0
    end_token_probability: float = 0.5

    @property
    def last(self) -> dict[str, Any]:
        """The newest line."""
        return self.lines[-1]

    def series(self, name: str) -> list[tuple[int, float]]:
        """(step, value) of every line that has `name`."""
        return [(line["step"], line[name]) for line in self.lines if name in line]

    def values(self, name: str) -> list[float]:
        """The values of every line that has `name`."""
        return [line[name] for line in self.lines if name in line]


def find_alarms(course: Course) -> list[Alarm]:
    """Return every fault that the newest line brings and the line before it did not show."""
    before = _before_last(course)
    known = {alarm.name for alarm in _standing(before)} if before.lines else set()
    return [alarm for alarm in _standing(course) if alarm.name not in known]


def _before_last(course: Course) -> Course:
    """The course up to the line before of the newest one's kind: evaluations judge evaluations."""
    kind = "eval_loss" if "eval_loss" in course.last else "loss"
    same = [index for index, line in enumerate(course.lines) if kind in line]
    return replace(course, lines=course.lines[: same[-2] + 1] if len(same) > 1 else [])


def _standing(course: Course) -> list[Alarm]:
    if fatal := not_finite(course):
        return [fatal]  # nothing can be said of a course that holds NaN
    return [alarm for detector in DETECTORS if (alarm := detector(course)) is not None]


def not_finite(course: Course) -> Alarm | None:
    """A loss or gradient that is no number: the weights are lost."""
    bad = [name for name in ("loss", "grad_norm", "eval_loss") if not math.isfinite(course.last.get(name, 0.0))]
    if not bad:
        return None
    words = {"loss": "the loss", "grad_norm": "the gradient norm", "eval_loss": "the held-out loss"}
    seen = " and ".join(f"{words[name]} is {course.last[name]}" for name in bad)
    return Alarm(
        "not finite",
        f"{seen}: the rate is too high for this model, or a batch has no label in the loss; lower --learning-rate or "
        "--max-grad-norm, or look at data/train.jsonl, then run again with --fresh",
        fatal=True,
    )


def zero_gradient(course: Course) -> Alarm | None:
    """No gradient reaches the trained weights."""
    norms = course.series("grad_norm")
    if "grad_norm" not in course.last:
        return None
    # A line stands for the steps since the line before, but its norm is that of its last step alone.
    last = next((step for step, norm in reversed(norms) if norm), 0)
    steps, lines = course.last["step"] - last, sum(step > last for step, _ in norms)
    if steps < ZERO_STEPS or lines < ZERO_LINES:
        return None
    masked = course.last.get("loss") == 0.0
    cause = (
        "the loss is 0 as well, so no label counts in it: the completions are masked or empty; look at data/train.jsonl"
        if masked
        else "the trained weights do not take part in the loss: they are frozen or cut off from it; try the other "
        "--engine, or --no-gradient-checkpointing"
    )
    return Alarm("zero gradient", f"the gradient norm was 0 for the last {steps} steps: {cause}")


def still_weights(course: Course) -> Alarm | None:
    """The optimizer takes steps, but the weights stay where they were."""
    moved = course.last.get("tensors_moved", 1.0)
    if course.last["step"] < STILL_STEPS or moved >= 0.5:
        return None
    return Alarm(
        "weights do not move",
        f"after {course.last['step']} steps {moved:.0%} of the trained tensors have moved (LoRA B away from 0, the "
        "others from where they began): the learning rate is next to 0, or the optimizer holds other weights; raise "
        "--learning-rate, or take --optim adamw_torch",
    )


def flat_loss(course: Course) -> Alarm | None:
    """Nothing is learnt: no drop in the first 500 steps, or in a shorter run no slope that would bring one."""
    if "loss" not in course.last:
        return None
    points = course.series("loss")
    if len(points) < FLAT_LEAST_LINES or points[-1][0] < FLAT_LEAST_STEPS:
        return None
    few = min(3, len(points) // 3)
    start = fmean(loss for _, loss in points[:few])
    needed = min(FLAT_DROP, FLAT_SHARE * start)
    now = fmean(loss for _, loss in points[-few:])
    if start - now >= needed:
        return None
    seen = _seen_flat(course, points, needed)
    if not seen:
        return None
    return Alarm(
        "flat loss",
        f"the loss went from {start:.3f} to {now:.3f}{seen}: the rate is too low, or the completions have nothing to "
        "do with their prompts; raise --learning-rate (LoRA: 1e-4 to 1e-3) or --lora-rank, or look at data/train.jsonl",
    )


def _seen_flat(course: Course, points: list[tuple[int, float]], needed: float) -> str:
    """Say how a loss that has not dropped is known to be flat, or ""."""
    step = points[-1][0]
    if step >= FLAT_STEPS:
        return f" in {step} steps, less than the {needed:.2f} of a run that learns"
    slope, error = slope_of(points)
    falls = slope < -SLOPE_ERRORS * error and -slope * course.steps >= needed
    if course.steps >= FLAT_STEPS or step < course.steps / 2 or falls:
        return ""
    return f" in {step} of {course.steps} steps, a slope of {slope:.1g} a step (± {error:.1g})"


def slope_of(points: list[tuple[int, float]]) -> tuple[float, float]:
    """Return slope and standard error of the least-squares line through (step, value)."""
    steps, values = [float(step) for step, _ in points], [value for _, value in points]
    x_mean, y_mean = fmean(steps), fmean(values)
    spread = sum((x - x_mean) ** 2 for x in steps)
    slope = sum((x - x_mean) * (y - y_mean) for x, y in zip(steps, values, strict=True)) / spread
    left = [y - y_mean - slope * (x - x_mean) for x, y in zip(steps, values, strict=True)]
    return slope, math.sqrt(sum(rest**2 for rest in left) / (len(points) - 2) / spread)


def loss_spike(course: Course) -> Alarm | None:
    """The loss jumps far out of what its batches scatter by."""
    losses = course.values("loss")
    window, loss = losses[-SPIKE_WINDOW - 1 : -1], losses[-1] if losses else 0.0
    if "loss" not in course.last or len(window) < SPIKE_LINES:
        return None
    middle = median(window)
    deviation = 1.4826 * median(abs(value - middle) for value in window)  # as the standard deviation of a normal law
    if loss <= max(middle + SPIKE_DEVIATIONS * deviation, SPIKE_RATIO * middle, middle + SPIKE_RISE):
        return None
    norm = course.last.get("grad_norm", 0.0)
    return Alarm(
        "loss spike",
        f"the loss jumped to {loss:.3f} from a median of {middle:.3f} (gradient norm {norm:.3g}): the rate is too high "
        "or a batch is unlike the others; lower --learning-rate or --max-grad-norm, lengthen --warmup-steps, or look "
        "for foreign rows in the data",
    )


def spent_rate(course: Course) -> Alarm | None:
    """The learning rate is used up long before the steps are."""
    rates = course.values("learning_rate")
    left = course.steps - course.last["step"]
    if "learning_rate" not in course.last or rates[-1] >= NEGLIGIBLE * max(rates) or left <= SPENT_LEFT * course.steps:
        return None
    return Alarm(
        "learning rate spent",
        f"the learning rate is {rates[-1]:.1e}, below 1 % of its peak {max(rates):.1e}, with {left} of {course.steps} "
        "steps to go, which change next to nothing: the schedule was made for fewer steps; set --min-lr-ratio 0.1, "
        "another --lr-scheduler-type, or fewer steps",
    )


def overfitting(course: Course) -> Alarm | None:
    """The held-out loss rises while the training loss falls."""
    evaluations = course.series("eval_loss")[-RISING_EVALUATIONS:]
    if "eval_loss" not in course.last or len(evaluations) < RISING_EVALUATIONS:
        return None
    (first_step, first), (middle_step, middle), (step, now) = evaluations
    best = min(course.values("eval_loss"))
    if not first < middle < now or now <= best * (1 + RISING_SHARE):
        return None
    earlier, later = _mean_loss(course, first_step, middle_step), _mean_loss(course, middle_step, step)
    if not later < earlier:
        return None
    return Alarm(
        "overfitting",
        f"the held-out loss rose to {now:.3f} from {best:.3f} while the training loss fell to {later:.3f} from "
        f"{earlier:.3f}: the rows are learnt by heart; fewer --num-train-epochs, more or other rows, a higher "
        "--lora-dropout, or --early-stopping-patience 2, which keeps the best",
    )


def _mean_loss(course: Course, after: int, until: int) -> float:
    losses = [loss for step, loss in course.series("loss") if after < step <= until]
    return fmean(losses) if losses else math.nan  # no number is smaller than NaN: no alarm


def no_better(course: Course) -> Alarm | None:
    """The held-out loss has not got better for `patience` evaluations: early stopping."""
    losses = course.values("eval_loss")
    if not course.patience or "eval_loss" not in course.last:
        return None
    best = min(range(len(losses)), key=lambda index: losses[index])
    since = len(losses) - 1 - best
    if since < course.patience:
        return None
    return Alarm(
        "early stopping",
        f"the held-out loss was best, {losses[best]:.4f}, {since} evaluations ago and is {losses[-1]:.4f}: more steps "
        "do not help; the best checkpoint is taken (--early-stopping-patience)",
        good_end=True,
    )


def end_token_unlearnt(course: Course) -> Alarm | None:
    """The model does not want to stop where the held-out answers stop."""
    probability = course.last.get("eval_p_end", 1.0)
    least, most = END_TOKEN_STEPS
    due = max(least, min(most, course.steps // 2))
    if course.last["step"] < due or probability >= course.end_token_probability:
        return None
    others = course.last.get("eval_p_other_control", 0.0)
    cause = (
        f"other control tokens take {others:.2f}: the end token's row cannot be told from theirs; look at the rows in "
        "preflight.json and train them (the repair)"
        if others > probability
        else "the end of the answers is masked or cut, or the run is young; look at the labels in preflight.json, or "
        "train longer or at a higher --learning-rate"
    )
    return Alarm(
        "end token not learnt",
        f"P(end token) at the ends of held-out answers is {probability:.3f} after {course.last['step']} steps, "
        f"expected {course.end_token_probability} (--end-token-probability), and {cause}",
    )


DETECTORS: tuple[Callable[[Course], Alarm | None], ...] = (
    zero_gradient,
    still_weights,
    flat_loss,
    loss_spike,
    spent_rate,
    end_token_unlearnt,
    overfitting,
    no_better,
)
