"""Generation with transformers stops at reserved tokens."""

from pathlib import Path
from typing import Any

import pytest

from cadmonkey.data.chat import control_tokens
from cadmonkey.training.stopping import ControlTokenStop, stopping_criteria

torch = pytest.importorskip("torch")


def test_only_a_newest_control_token_ends_a_row(tiny_tokenizer: Any) -> None:
    reserved = tiny_tokenizer.convert_tokens_to_ids("<|reserved_special_token_3|>")
    text = tiny_tokenizer("c", add_special_tokens=False)["input_ids"][0]
    rows = torch.tensor([[reserved, text], [text, reserved], [text, tiny_tokenizer.bos_token_id], [text, text]])
    assert ControlTokenStop(tiny_tokenizer)(rows, None).tolist() == [False, True, True, False]


def test_generate_ends_with_the_first_reserved_token(tiny_llama: Path, tiny_tokenizer: Any) -> None:
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(tiny_llama)
    reserved = tiny_tokenizer.convert_tokens_to_ids("<|reserved_special_token_3|>")
    steps = iter([20, 21, reserved, 22, 23, 24])

    def dictate(input_ids: Any, scores: Any) -> Any:
        forced = torch.full_like(scores, -torch.inf)
        forced[:, next(steps)] = 0.0
        return forced

    prompt = torch.tensor([[tiny_tokenizer.bos_token_id, 30]])
    out = model.generate(
        prompt,
        max_new_tokens=6,
        do_sample=False,
        eos_token_id=None,
        pad_token_id=2,
        logits_processor=[dictate],
        stopping_criteria=stopping_criteria(tiny_tokenizer),
    )
    assert out[0, 2:].tolist() == [20, 21, reserved]
    assert reserved in control_tokens(tiny_tokenizer)
