"""The course of a run: metrics.jsonl for programs, a progress bar or plain lines for people, curves.png for both."""

import json
import sys
from pathlib import Path
from time import perf_counter
from typing import Any

from cadmonkey.files import atomic_path, explain_os_error, read_jsonl, write_jsonl

Line = dict[str, Any]

_KEPT = {
    "loss": "loss",
    "learning_rate": "learning_rate",
    "grad_norm": "grad_norm",
    "mean_token_accuracy": "token_accuracy",
    "tensors_moved": "tensors_moved",
    "eval_loss": "eval_loss",
    "eval_perplexity": "eval_perplexity",
    "eval_token_accuracy": "eval_token_accuracy",
    "eval_p_end": "eval_p_end",
    "eval_p_other_control": "eval_p_other_control",
}
"""The trainer's name of a figure -> its name in metrics.jsonl; docs/training-watch.md says what each is."""


class Metrics:
    """Writes one line per logged step to `path` and shows how far the run is; silent, it does neither."""

    def __init__(self, path: Path, steps: int) -> None:
        self._path, self._steps = path, steps
        self.silent = False
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
        if sys.stdout.isatty() and not self.silent:
            self._move_bar(step)

    def log(self, step: int, logs: dict[str, Any]) -> Line | None:
        """Append a line and return it, or None for the trainer's closing summary.

        Values are the trainer's, plus tokens_per_second of real tokens, padding not counted.

        Raises:
            RunError: the line cannot be written.
        """
        line: Line = {"step": step, "epoch": round(float(logs.get("epoch", 0.0)), 4)}
        line |= {name: float(logs[theirs]) for theirs, name in _KEPT.items() if theirs in logs}
        if not line.keys() & {"loss", "eval_loss"}:
            return None
        if "loss" in line and "num_tokens" in logs and self._step_seconds > 0:
            line["tokens_per_second"] = round((logs["num_tokens"] - self._tokens) / self._step_seconds, 1)
            self._tokens, self._step_seconds = logs["num_tokens"], 0.0
        if not self.silent:
            append_line(self._path, line)
            self._show(line)
        return line

    def _show(self, line: dict[str, Any]) -> None:
        if self._bar is not None:
            if "loss" in line:
                self._bar.update(self._task, loss=f"{line['loss']:.3f}")
            return
        if "eval_loss" in line:
            print(f"train: step {line['step']}/{self._steps}, {_held_out_words(line)}", flush=True)
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


def _held_out_words(line: Line) -> str:
    words = [f"held-out loss {line['eval_loss']:.4f}"]
    if "eval_p_end" in line:
        words.append(f"token accuracy {line['eval_token_accuracy']:.3f}, P(end token) {line['eval_p_end']:.3f}")
    return ", ".join(words)


def append_line(path: Path, line: Line) -> None:
    """Append one JSON object to a file of lines.

    Raises:
        RunError: the disk is full.
        InputError: the file cannot be written.
    """
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
    except OSError as error:
        raise explain_os_error(error, path) from error


def forget_after(path: Path, step: int) -> None:
    """Drop the lines of steps after `step`, which a resumed run will do again."""
    if path.exists():
        write_jsonl(path, lines_until(path, step))


def lines_until(path: Path, step: int) -> list[Line]:
    """Return the lines of `path` up to `step`; the last may be cut off where the run was killed, and is not one."""
    lines = []
    for text in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        try:
            lines.append(json.loads(text))
        except ValueError:
            break
    return [line for line in lines if line["step"] <= step]


_PANELS = (
    ("loss", ("loss", "eval_loss")),
    ("token accuracy", ("token_accuracy", "eval_token_accuracy")),
    ("P(end token)", ("eval_p_end",)),
    ("learning rate", ("learning_rate",)),
    ("gradient norm", ("grad_norm",)),
)
"""The panels of curves.png: what stands beside the axis, and the figures drawn."""

_ROW_POINTS, _GAP_PIXELS = 10, 6
"""Between two rows of alarms' names, and between two names of one row."""


def write_curves(metrics: Path, picture: Path) -> None:
    """Plot the lines of metrics.jsonl over their steps into a PNG, and the alarms of alarms.jsonl beside it."""
    alarms = metrics.with_name("alarms.jsonl")
    figure = draw_curves(read_jsonl(metrics), read_jsonl(alarms) if alarms.exists() else [])
    with atomic_path(picture) as temporary:
        figure.savefig(temporary, format="png", dpi=110)


def draw_curves(lines: list[Line], alarms: list[Line]) -> Any:
    """Return matplotlib's figure of the lines of metrics.jsonl and alarms.jsonl."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 11), layout="constrained")
    axes = figure.subplots(len(_PANELS), 1, sharex=True, height_ratios=(3, 1.5, 1.5, 1, 1))
    for axis, (label, names) in zip(axes, _PANELS, strict=True):
        for name in names:
            points = [(line["step"], line[name]) for line in lines if name in line]
            _draw(axis, points, held_out=name.startswith("eval_"))
        axis.set_ylabel(label)
        axis.grid(alpha=0.3)
    axes[0].set_yscale("log")
    axes[0].legend(handles=axes[0].lines[:2], labels=["training rows", "held-out rows"], loc="upper right")
    for axis in axes[1:3]:
        axis.set_ylim(-0.03, 1.03)
    axes[-1].set_xlabel("optimizer step")
    _mark(axes, alarms)
    return figure


def _draw(axis: Any, points: list[tuple[int, float]], held_out: bool) -> None:
    marker = "o" if held_out or len(points) < 30 else ""
    steps, values = [step for step, _ in points], [value for _, value in points]
    axis.plot(steps, values, marker=marker, markersize=4, color="tab:orange" if held_out else "tab:blue")


def _mark(axes: Any, alarms: list[Line]) -> None:
    """Draw alarms as lines through all panels, their names above the first, in rows where they would overprint."""
    figure, at = axes[0].figure, axes[0].get_xaxis_transform()  # x in steps, y as a share of the panel
    figure.draw_without_rendering()  # settles where a step is on the picture
    ends: list[float] = []
    """Of each row of names, where its last one ends, in pixels."""
    for alarm in sorted(alarms, key=lambda line: float(line["step"])):
        for axis in axes:
            axis.axvline(alarm["step"], color="tab:red", linestyle=":", linewidth=1)
        place, words = (alarm["step"], 1.0), f"{alarm['step']}: {alarm['alarm']}"
        name = axes[0].annotate(
            words, place, xycoords=at, xytext=(0, 3), textcoords="offset points", color="tab:red", fontsize=8
        )
        box = name.get_window_extent()
        over = max(0.0, box.x1 - figure.bbox.x1)  # at the right edge a name ends where the picture does
        row = next((row for row, end in enumerate(ends) if end < box.x0 - over), len(ends))
        ends[row : row + 1] = [box.x1 - over + _GAP_PIXELS]
        name.set_position((-over * 72 / figure.dpi, 3 + _ROW_POINTS * row))
