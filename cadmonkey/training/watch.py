"""Watching a run: what is measured beside the loss, what is said about it, and when it ends the run.

Writes metrics.jsonl (one line a logged step or evaluation), alarms.jsonl ({"step", "alarm", "diagnosis"}) and
samples.jsonl (the answers to fixed prompts, at each evaluation); docs/training-watch.md has their fields.
"""

import math
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from cadmonkey.data.chat import Example
from cadmonkey.errors import InputError, RunError
from cadmonkey.files import read_jsonl
from cadmonkey.training.alarms import Alarm, Course, find_alarms, no_better
from cadmonkey.training.end_token import measure_end_token
from cadmonkey.training.metrics import Metrics, append_line, forget_after, lines_until
from cadmonkey.training.plan import Plan
from cadmonkey.training.processes import is_first
from cadmonkey.training.recipe import Recipe
from cadmonkey.training.samples import answer

REPORTERS = ("tensorboard", "wandb", "trackio")
DEFAULT_SAMPLES = 3
"""Held-out prompts that are answered where the recipe names none."""

SAMPLE_TOKENS = 160
"""Where a sample is cut off: a nano program is whole within it, and a longer answer shows how it goes."""

SHOWN_LETTERS = 100

LEAST_MOVEMENT = 1e-9
"""Mean size from which LoRA B counts as moved: the first step of AdamW moves it by the learning rate."""


def check_reporters(recipe: Recipe) -> None:
    """Make sure that what the metrics are also reported to is known and installed.

    Raises:
        InputError: it is not.
    """
    for name in recipe.report_to:
        if name not in REPORTERS:
            raise InputError(f"--report-to: expected {', '.join(REPORTERS)}, got {name!r}")
        if find_spec(name) is None:
            raise InputError(
                f"--report-to {name}: {name} is not installed; install it (pip install {name}), or go on without"
            )


def cadence(recipe: Recipe) -> dict[str, Any]:
    """Return when the trainer evaluates, saves and reports, as its arguments.

    Early stopping takes the best checkpoint, so with it every evaluation has one, whatever save_steps says.
    """
    check_reporters(recipe)
    keep_best = recipe.early_stopping_patience > 0
    save_steps = recipe.eval_steps if keep_best else recipe.save_steps
    return {
        "eval_strategy": "steps" if recipe.eval_steps else "epoch",
        "eval_steps": recipe.eval_steps or None,
        "save_strategy": "steps" if save_steps else "epoch",
        "save_steps": save_steps or 500,  # read with the strategy "steps" alone
        "save_total_limit": 2,
        "load_best_model_at_end": keep_best,
        "metric_for_best_model": "eval_loss",
        "greater_is_better": False,
        "report_to": list(recipe.report_to) or "none",
    }


def watch(trainer: Any, tokenizer: Any, recipe: Recipe, plan: Plan, held_out: list[Example], out: Path) -> None:
    """Put the watch on `trainer`, before its reporters, so that they get its figures too."""
    watcher = Watch(tokenizer, recipe, plan, held_out[: recipe.validation_rows], out)
    trainer.callback_handler.callbacks.insert(0, _callback(watcher))


class Watch:
    """Measures, writes and judges.

    Of several processes each judges the same figures, so that all stop at the same step; the first alone writes.
    """

    def __init__(self, tokenizer: Any, recipe: Recipe, plan: Plan, held_out: list[Example], out: Path) -> None:
        self._tokenizer, self._recipe, self._held_out, self._out = tokenizer, recipe, held_out, out
        self._steps = plan.steps
        self._lines: list[dict[str, Any]] = []
        self._movement: Movement | None = None
        self.metrics = Metrics(out / "metrics.jsonl", plan.steps)

    def begin(self, step: int, model: Any) -> bool:
        """Take up the run after `step`; return True if early stopping had ended it already."""
        self.metrics.silent = not is_first()
        self._lines = lines_until(self._out / "metrics.jsonl", step)
        for name in ("metrics", "alarms", "samples") if is_first() else ():
            forget_after(self._out / f"{name}.jsonl", step)
        self._movement = Movement(model)
        evaluations = [line for line in self._lines if "eval_loss" in line]
        return bool(evaluations) and no_better(self._course(evaluations)) is not None

    def measure(self, model: Any, logs: dict[str, Any]) -> None:
        """Add to `logs`, which the trainer is about to write, what it does not measure itself."""
        if "eval_loss" in logs:
            end = measure_end_token(model, self._tokenizer, self._held_out)
            logs["eval_perplexity"] = math.exp(min(float(logs["eval_loss"]), 700.0))  # above, a float is infinite
            logs["eval_token_accuracy"] = end["token_accuracy"]
            logs["eval_p_end"] = end["mean"]
            logs["eval_p_other_control"] = end["other_control_tokens_mean"]
        elif "loss" in logs and self._movement is not None:
            logs["tensors_moved"] = self._movement.share()

    def judge(self, line: dict[str, Any]) -> bool:
        """Look at the newest line; return True if the run is to end in good order.

        Raises:
            RunError: an alarm that ends the run.
        """
        self._lines.append(line)
        alarms = find_alarms(self._course(self._lines))
        for alarm in alarms if not self.metrics.silent else ():
            append_line(self._out / "alarms.jsonl", _entry(line["step"], alarm))
            print(f"watch: step {line['step']}: {alarm.name}: {alarm.diagnosis}", flush=True)
        for alarm in alarms:
            if alarm.fatal or (self._recipe.on_alarm == "stop" and not alarm.good_end):
                self.metrics.close()
                raise RunError(f"step {line['step']}: {alarm.name}: {alarm.diagnosis}")
        return any(alarm.good_end for alarm in alarms)

    def sample(self, model: Any, step: int) -> None:
        """Answer the fixed prompts, write the answers and show how they begin and end."""
        prompts = list(self._recipe.sample_prompts) or self._held_out_prompts()
        if not prompts or self.metrics.silent:
            return
        length = min(SAMPLE_TOKENS, self._recipe.max_seq_length)
        for made in answer(model, self._tokenizer, prompts, max_new_tokens=length):
            entry = {"step": step, "prompt": made.prompt, "answer": made.text, "tokens": made.tokens}
            entry |= {"stopped": made.stopped, "control_tokens": list(made.control_tokens)}
            append_line(self._out / "samples.jsonl", entry)
            how = "stops" if made.stopped else f"does not stop within {length} tokens"
            print(f"sample: {_short(made.prompt)!r} -> {_short(made.text)!r}, {how}", flush=True)

    def _held_out_prompts(self) -> list[str]:
        path = self._out / "data" / "validation.jsonl"
        rows = read_jsonl(path)[:DEFAULT_SAMPLES] if path.exists() else []
        return [row["prompt"] for row in rows]

    def _course(self, lines: list[dict[str, Any]]) -> Course:
        recipe = self._recipe
        return Course(lines, self._steps, recipe.early_stopping_patience, recipe.end_token_probability)


def _entry(step: int, alarm: Alarm) -> dict[str, Any]:
    return {"step": step, "alarm": alarm.name, "diagnosis": alarm.diagnosis}


def _short(text: str) -> str:
    return text if len(text) <= SHOWN_LETTERS else f"{text[: SHOWN_LETTERS // 2]} … {text[-SHOWN_LETTERS // 2 :]}"


class Movement:
    """Which trained tensors have moved since the start, known by two sums a tensor instead of a copy of them all."""

    def __init__(self, model: Any) -> None:
        self._tensors = {name: weight for name, weight in model.named_parameters() if weight.requires_grad}
        self._began = self._sums()

    def share(self) -> float:
        """The share of the tensors that moved: LoRA B away from 0, where it begins, others from where they were."""
        moved = [
            size > LEAST_MOVEMENT if "lora_B" in name else (total, size) != before
            for (name, before), (total, size) in zip(self._began.items(), self._sums().values(), strict=True)
        ]
        return sum(moved) / max(1, len(moved))

    def _sums(self) -> dict[str, tuple[float, float]]:
        """Name -> (sum, mean size) of every tensor."""
        import torch

        if not self._tensors:
            return {}
        with torch.no_grad():
            rows = [
                torch.stack([weight.double().sum(), weight.double().abs().mean()]) for weight in self._tensors.values()
            ]
            sums = torch.stack([row.cpu() for row in rows]).tolist()
        return {name: (total, size) for name, (total, size) in zip(self._tensors, sums, strict=True)}


def _callback(watcher: Watch) -> Any:
    from transformers import TrainerCallback

    metrics = watcher.metrics

    class WatchCallback(TrainerCallback):
        def on_train_begin(self, args: Any, state: Any, control: Any, model: Any, **kwargs: Any) -> None:
            control.should_training_stop |= watcher.begin(state.global_step, model)

        def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            metrics.start_step()

        def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            metrics.end_step(state.global_step)

        def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any], model: Any, **kwargs: Any) -> None:
            watcher.measure(model, logs)
            line = metrics.log(state.global_step, logs)
            if line is None:
                return
            if "eval_loss" in line:
                watcher.sample(model, state.global_step)
            control.should_training_stop |= watcher.judge(line)

        def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            metrics.close()

    return WatchCallback()
