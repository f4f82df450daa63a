"""The learning rate of every step, from the very scheduler that training steps through."""

from cadmonkey.errors import InputError
from cadmonkey.training.recipe import Recipe
from cadmonkey.training.schedule import scheduler_settings, warmup_steps

NEGLIGIBLE = 0.01
"""A step at less than this share of the peak rate changes next to nothing."""


def learning_rates(recipe: Recipe, steps: int) -> list[float]:
    """Return the rate of each of `steps` optimizer steps, stepped through on a dummy optimizer.

    Raises:
        InputError: transformers has no such schedule, or its rates follow the losses and cannot be told before.
    """
    import torch
    from transformers import SchedulerType, get_scheduler

    name, settings = scheduler_settings(recipe).values()
    told_by_losses = {"reduce_lr_on_plateau", "greedy"}
    names = [kind.value for kind in SchedulerType if kind.value not in told_by_losses]
    if name not in names:
        raise InputError(f"--lr-scheduler-type: expected one of {', '.join(names)}, got {name}")
    if name == "warmup_stable_decay":
        raise InputError(f"--lr-scheduler-type {name}: needs the number of its decay steps; take cosine or linear")
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=recipe.learning_rate)
    stepper = get_scheduler(name, optimizer, warmup_steps(recipe, steps), steps, scheduler_specific_kwargs=settings)
    rates = []
    for _ in range(steps):
        rates.append(float(stepper.get_last_lr()[0]))
        optimizer.step()
        stepper.step()
    return rates


def rates_at_quarters(rates: list[float]) -> dict[str, float]:
    """Return the rates of the steps at 0, 25, 50, 75 and 100 % of the run."""
    last = len(rates) - 1
    return {f"{percent} %": rates[round(percent / 100 * last)] for percent in (0, 25, 50, 75, 100)}


def negligible_share(rates: list[float]) -> float:
    """Return the share of steps whose rate is below 1 % of the peak."""
    least = NEGLIGIBLE * max(rates)
    return sum(rate < least for rate in rates) / len(rates)
