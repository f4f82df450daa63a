"""The first step of a run, its loss and its gradients, in whatever process wants it: this imports nothing heavy."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cadmonkey.data.chat import Example
from cadmonkey.training.engines import add_adapter, import_engine, load_base, load_tokenizer
from cadmonkey.training.examples import Examples
from cadmonkey.training.plan import make_plan
from cadmonkey.training.recipe import Recipe


@dataclass
class FirstStep:
    """What a step reported, and its gradients by name before they were clipped."""

    loss: float
    tokens: float
    steps: int
    gradients: dict[str, Any]


def take_first_step(recipe: Recipe, examples: list[Example], out: Path) -> FirstStep:
    """Train `recipe` on `examples` to its end."""
    import_engine(recipe.engine)
    from cadmonkey.training.trainer import build_trainer

    plan = make_plan(recipe, [], Examples(examples, {}), Examples(examples, {}))
    model = add_adapter(load_base(recipe), recipe, {})
    trainer = build_trainer(model, load_tokenizer(recipe.base_model), recipe, plan, examples, examples, out)
    trainer.args.max_grad_norm = 0.0
    gradients: dict[str, Any] = {}

    def keep(*_: Any) -> None:
        if not gradients:
            named = trainer.model.named_parameters()
            gradients.update({name: value.grad.clone() for name, value in named if value.grad is not None})

    trainer.create_optimizer_and_scheduler(plan.steps)
    trainer.optimizer.register_step_pre_hook(keep)
    trainer.train()
    first = trainer.state.log_history[0]
    return FirstStep(first["loss"], first["num_tokens"], trainer.state.global_step, gradients)
