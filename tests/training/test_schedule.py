"""The learning rate's course: warm-up in steps or share, and a cosine that ends above 0."""

from dataclasses import replace

import pytest

from cadmonkey.training.recipe import Recipe
from cadmonkey.training.schedule import scheduler_settings, warmup_steps


@pytest.mark.parametrize(
    ("steps_wanted", "ratio", "steps", "expected"),
    [(50, 0.0, 1000, 50), (50, 0.0, 100, 10), (50, 0.0, 2, 0), (50, 0.03, 1000, 30), (0, 0.5, 3, 2), (0, 0.0, 9, 0)],
)
def test_the_warm_up_is_a_share_or_a_number_of_at_most_a_tenth(
    steps_wanted: int, ratio: float, steps: int, expected: int, small_recipe: Recipe
) -> None:
    assert warmup_steps(replace(small_recipe, warmup_steps=steps_wanted, warmup_ratio=ratio), steps) == expected


@pytest.mark.parametrize(("ratio", "end"), [(0.0, 0.0), (0.1, 2e-5), (0.5, 1e-4)])
def test_a_cosine_ends_at_its_share_of_the_peak(ratio: float, end: float, small_recipe: Recipe) -> None:
    torch = pytest.importorskip("torch")
    from transformers import get_scheduler

    recipe = replace(small_recipe, learning_rate=2e-4, min_lr_ratio=ratio, warmup_steps=10)
    settings = scheduler_settings(recipe)
    optimizer = torch.optim.AdamW([torch.nn.Parameter(torch.zeros(1))], lr=recipe.learning_rate)
    scheduler = get_scheduler(
        settings["lr_scheduler_type"],
        optimizer,
        num_warmup_steps=warmup_steps(recipe, 100),
        num_training_steps=100,
        scheduler_specific_kwargs=settings["lr_scheduler_kwargs"],
    )
    rates = []
    for _ in range(100):
        rates.append(scheduler.get_last_lr()[0])
        optimizer.step()
        scheduler.step()
    assert rates[5] == pytest.approx(1e-4)
    assert max(rates) == rates[10] == pytest.approx(2e-4)
    assert scheduler.get_last_lr()[0] == pytest.approx(end)
