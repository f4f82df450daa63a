"""How much each column of a model's matrices counts, measured on texts: llama.cpp's importance matrix.

The small kinds round best where the model's inputs are large: the error of an output is the error of the weights times
the input, so that a column's squared errors count as much as the mean square of its input.
"""

import hashlib
import json
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cadmonkey.data.chat import asked, bare_text, encode
from cadmonkey.errors import InputError
from cadmonkey.files import read_jsonl
from cadmonkey.gguf.architecture import llama_names
from cadmonkey.gguf.config import ModelConfig
from cadmonkey.terminal import progress

if TYPE_CHECKING:
    import numpy as np
    import torch

TOKENS = 16_384
"""Texts are read until there are this many tokens."""

LONGEST_TEXT = 2048
"""Tokens; more of one text is not read."""


@dataclass(frozen=True)
class Importance:
    """The importance matrix of a model, and what it was measured on."""

    imatrix: "dict[str, np.ndarray[Any, Any]]"
    """llama.cpp's name of a matrix -> the mean square of its inputs (columns,)."""
    source: str
    """The file of texts, without its folder."""
    texts: int
    tokens: int


@dataclass(frozen=True)
class Calibration:
    """Texts to measure on."""

    source: str
    """Their files, without the folders."""
    rows: Sequence[Mapping[str, Any]]
    """Each with "prompt" and maybe "completion"."""

    @property
    def sha256(self) -> str:
        """A hash of the rows, by which a file made with another matrix is known."""
        return hashlib.sha256(json.dumps(self.rows).encode()).hexdigest()


def read_calibration(folder: Path, given: Sequence[Path]) -> Calibration:
    """Read the `given` files, or without any what the run in `folder` was trained on.

    Raises:
        InputError: there are neither, a file is missing or broken, or all are empty.
    """
    files = given or [folder / "data" / "train.jsonl"]
    if not given and not files[0].is_file():
        raise InputError(
            f"--imatrix: expected {files[0]}, the data that a run was trained on, got no such file; name a JSONL file "
            'with "prompt" and maybe "completion" after --imatrix'
        )
    rows = [row for file in files for row in read_jsonl(file, ("prompt",))]
    if not rows:
        raise InputError(f'{files[0]}: expected lines with a "prompt", got none')
    return Calibration(", ".join(file.name for file in files), rows)


def measure_importance(model: Any, tokenizer: Any, config: ModelConfig, calibration: Calibration) -> Importance:
    """Run texts from all over the rows through the merged model and look at what its layers read.

    The embedding and the output head are left out, as llama.cpp does.

    Raises:
        InputError: a text does not fit the chat template.
    """
    import torch

    texts = _choose(tokenizer, calibration.rows)
    shown = progress("measure importance", len(texts), passing=True)
    with _listening(model, llama_names(config)) as sums, torch.inference_mode(), shown as advance:
        for token_ids in texts:
            model.base_model(input_ids=torch.tensor([token_ids], device=model.device))
            advance("")
    count = sum(len(token_ids) for token_ids in texts)
    imatrix = {name: (total / count).float().cpu().numpy() for name, total in sums.items()}
    return Importance(imatrix, calibration.source, len(texts), count)


def _choose(tokenizer: Any, rows: Sequence[Mapping[str, Any]]) -> list[list[int]]:
    """Return the tokens of rows from all over the file, TOKENS in all if there are so many."""
    texts: list[list[int]] = []
    for place in random.Random(0).sample(range(len(rows)), len(rows)):
        texts.append(_token_ids(tokenizer, rows[place])[:LONGEST_TEXT])
        if sum(map(len, texts)) >= TOKENS:
            break
    return texts


def _token_ids(tokenizer: Any, row: Mapping[str, Any]) -> list[int]:
    prompt, completion = asked(row), str(row.get("completion") or "")
    if tokenizer.chat_template:
        return encode(tokenizer, prompt, completion).input_ids
    text = f"{tokenizer.bos_token or ''}{bare_text(prompt)}{completion}"
    return list(tokenizer(text, add_special_tokens=False)["input_ids"])


@contextmanager
def _listening(model: Any, names: Mapping[str, str]) -> "Iterator[dict[str, torch.Tensor]]":
    """Yield llama.cpp's name -> sum of the squares of a layer's inputs (columns,), which grows as the model runs."""
    import torch

    sums: dict[str, torch.Tensor] = {}
    layers = {
        names[f"{name}.weight"]: module
        for name, module in model.named_modules()
        if isinstance(module, torch.nn.Linear) and ".layers." in name
    }
    handles = [layer.register_forward_pre_hook(_adder(sums, name)) for name, layer in layers.items()]
    try:
        yield sums
    finally:
        for handle in handles:
            handle.remove()


def _adder(sums: "dict[str, torch.Tensor]", name: str) -> "Callable[[Any, tuple[torch.Tensor, ...]], None]":
    def add(_: Any, inputs: "tuple[torch.Tensor, ...]") -> None:
        squares = inputs[0].detach().flatten(0, -2).double().square().sum(0)
        sums[name] = sums[name] + squares if name in sums else squares

    return add
