"""When a batch does not fit the GPU's memory: fewer rows at once, the same rows in each optimizer step."""

from collections.abc import Iterator
from typing import Any

from cadmonkey.errors import RunError
from cadmonkey.training.processes import world_size

_REMEDY = "lower --max-seq-length, add --gradient-checkpointing, or load the base with --load-in-4bit"


class RowsAtOnce:
    """How many rows go through the model together, and the optimizer step to begin again when they were too many.

    An optimizer step sums the gradients of its rows, each weighed by the step's target tokens, so that it is the same
    however the rows are cut. A pass that fails may leave half its gradients behind: the whole step starts over, with
    the random state it had.
    """

    def __init__(self, rows: int, pad_token_id: int) -> None:
        self.rows = rows
        self._pad = pad_token_id
        self._batches: list[dict[str, Any]] = []
        self._random: tuple[Any, Any] = (None, None)

    def begin_step(self) -> None:
        """Forget the batches of the step before."""
        self._batches = []

    def add(self, batch: dict[str, Any]) -> None:
        """Remember a batch of this step, and with the first the random state."""
        import torch

        if not self._batches:
            self._random = (torch.get_rng_state(), torch.cuda.get_rng_state() if torch.cuda.is_available() else None)
        self._batches.append(batch)

    def start_over(self, model: Any, step: int) -> list[dict[str, Any]]:
        """Halve the rows, undo what the step did to `model`, and return its batches so far.

        Raises:
            RunError: there is but one row at once, or other processes wait for this one.
        """
        import torch

        _refuse_hopeless(self.rows, step)
        before, self.rows = self.rows, self.rows // 2
        print(
            f"train: step {step}: out of GPU memory with {before} rows at once; goes on with {self.rows} "
            "and as many more passes in each step: the effective batch stays",
            flush=True,
        )
        model.zero_grad(set_to_none=True)
        state, cuda_state = self._random
        torch.set_rng_state(state)
        if cuda_state is not None:
            torch.cuda.set_rng_state(cuda_state)
            torch.cuda.empty_cache()
        return self._batches

    def cut(self, batch: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """Yield `batch` in parts of at most `rows` rows, without the columns that are padding in all of a part."""
        count = len(batch["input_ids"])
        if count <= self.rows:
            yield dict(batch)
            return
        for start in range(0, count, self.rows):
            part = {name: tensor[start : start + self.rows] for name, tensor in batch.items()}
            width = int((part["input_ids"] != self._pad).any(dim=0).nonzero().max()) + 1
            yield {name: tensor[:, :width] for name, tensor in part.items()}


def _refuse_hopeless(rows: int, step: int) -> None:
    if rows == 1:
        raise RunError(f"step {step}: out of GPU memory with one row at once; {_REMEDY}")
    if world_size() > 1:
        raise RunError(
            f"step {step}: out of GPU memory with {rows} rows at once on one of {world_size()} GPUs; lower "
            f"--per-device-train-batch-size to {rows // 2}, double --gradient-accumulation-steps, and add --fresh"
        )


def out_of_memory(step: int) -> RunError:
    """Return the error for memory that ran out where fewer rows would not help, as in the optimizer."""
    return RunError(f"step {step}: out of GPU memory; {_REMEDY}, or choose --optim adamw_8bit or a lower --lora-rank")
