"""The course of a run: metrics.jsonl for programs, a progress bar or plain lines for people, curves.png for both."""

import json
import math
import sys
from pathlib import Path
from time import perf_counter
from typing import Any

from cadmonkey.errors import RunError
from cadmonkey.files import atomic_path, explain_os_error, read_jsonl, write_jsonl

_KEPT = ("loss", "learning_rate", "grad_norm", "eval_loss")


class Metrics:
    """Writes one line per logged step to `path` and shows how far the run is."""

    def __init__(self, path: Path, steps: int) -> None:
        self._path, self._steps = path, steps
        self._step_seconds, self._step_began = 0.0, 0.0
        self._tokens = 0
        self._began, self._first_step = perf_counter(), -1
        self._bar: Any = None
        self._task: Any = None

    def start_step(self) -> None:
        """Begin to time an optimizer step."""
        if self._first_step < 0:
            self._began = perf_counter()
        self._step_began = perf_counter()

    def end_step(self, step: int) -> None:
        """Stop the clock and move the bar."""
        self._step_seconds += perf_counter() - self._step_began
        if self._first_step < 0:
            self._first_step = step - 1
        if sys.stdout.isatty():
            self._move_bar(step)

    def log(self, step: int, logs: dict[str, Any]) -> None:
        """Append a line; values are the trainer's, plus tokens_per_second of real tokens, padding not counted.

        Raises:
            RunError: the loss is not finite, or the line cannot be written.
        """
        line: dict[str, Any] = {"step": step, "epoch": round(float(logs.get("epoch", 0.0)), 4)}
        line |= {name: float(logs[name]) for name in _KEPT if name in logs}
        if not line.keys() & {"loss", "eval_loss"}:
            return  # the trainer's closing summary
        if "loss" in line and "num_tokens" in logs and self._step_seconds > 0:
            line["tokens_per_second"] = round((logs["num_tokens"] - self._tokens) / self._step_seconds, 1)
            self._tokens, self._step_seconds = logs["num_tokens"], 0.0
        self._append(line)
        self._show(line)
        if not math.isfinite(line.get("loss", 0.0)):
            raise RunError(
                f"step {step}: the loss is {line['loss']}; lower --learning-rate, then run again with --fresh"
            )

    def _append(self, line: dict[str, Any]) -> None:
        try:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")
        except OSError as error:
            raise explain_os_error(error, self._path) from error

    def _show(self, line: dict[str, Any]) -> None:
        if self._bar is not None:
            if "loss" in line:
                self._bar.update(self._task, loss=f"{line['loss']:.3f}")
            return
        if "eval_loss" in line:
            print(f"train: step {line['step']}/{self._steps}, held-out loss {line['eval_loss']:.4f}", flush=True)
            return
        done = max(1, line["step"] - max(0, self._first_step))
        left_s = (perf_counter() - self._began) / done * (self._steps - line["step"])
        print(
            f"train: step {line['step']}/{self._steps}, loss {line['loss']:.4f}, "
            f"{line.get('tokens_per_second', 0):.0f} tokens/s, {left_s:.0f} s left",
            flush=True,
        )

    def _move_bar(self, step: int) -> None:
        if self._bar is None:
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

            self._bar = Progress(
                TextColumn("train"),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn("loss {task.fields[loss]}"),
                TimeRemainingColumn(),
            )
            self._task = self._bar.add_task("train", total=self._steps, loss="…")
            self._bar.start()
        self._bar.update(self._task, completed=step)

    def close(self) -> None:
        """Give the terminal back."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None


def forget_after(path: Path, step: int) -> None:
    """Drop the lines of steps after `step`, which a resumed run will do again."""
    if path.exists():
        write_jsonl(path, [line for line in _whole_lines(path) if line["step"] <= step])


def _whole_lines(path: Path) -> list[dict[str, Any]]:
    """Return the lines of `path`; the last may be cut off where the run was killed."""
    lines = []
    for text in path.read_text(encoding="utf-8").splitlines():
        try:
            lines.append(json.loads(text))
        except ValueError:
            break
    return lines


def write_curves(metrics: Path, picture: Path) -> None:
    """Plot loss, learning rate and gradient norm over the steps of metrics.jsonl into a PNG."""
    from matplotlib.figure import Figure

    lines = read_jsonl(metrics)
    figure = Figure(figsize=(9, 6), layout="constrained")
    axes = figure.subplots(3, 1, sharex=True, height_ratios=(3, 1, 1))
    for axis, names in zip(axes, (("loss", "eval_loss"), ("learning_rate",), ("grad_norm",)), strict=True):
        for name in names:
            points = [(line["step"], line[name]) for line in lines if name in line]
            marker = "o" if len(points) < 30 else ""
            axis.plot([step for step, _ in points], [value for _, value in points], marker=marker)
        axis.set_ylabel(names[0].replace("_", " "))
        axis.grid(alpha=0.3)
    axes[0].set_yscale("log")
    axes[0].legend(["loss on training rows", "loss on held-out rows"])
    axes[-1].set_xlabel("optimizer step")
    with atomic_path(picture) as temporary:
        figure.savefig(temporary, format="png", dpi=110)
