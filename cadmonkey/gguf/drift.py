"""How far a model trained on a base in 4 or 8 bits moves when its adapter is merged into the 16-bit base."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cadmonkey.errors import CadmonkeyError
from cadmonkey.gguf.folders import Parts, trained_parts
from cadmonkey.gguf.merge import quiet_transformers
from cadmonkey.gguf.origin import read_training
from cadmonkey.gguf.original import Conversation, Original, forced_logits
from cadmonkey.gguf.proof import Drift
from cadmonkey.gguf.prove import TokenFigures, compare_tokens
from cadmonkey.terminal import progress

if TYPE_CHECKING:
    import torch

PROMPTS = 64
"""On so many of the prompts: this model is slow on a CPU."""


def trained_bits(folder: Path) -> int:
    """Return in how many bits the base was when the adapter was trained: 4, 8, or 16 for more."""
    training = read_training(folder)
    return 4 if training.get("load_in_4bit") else 8 if training.get("load_in_8bit") else 16


def measure_drift(folder: Path, original: Original, base: Path | None = None) -> Drift | None:
    """Compare the merged model with the adapter on the quantised base that it was trained on, on the same prompts.

    None where the base was not quantised. Where bitsandbytes cannot load the base here, the drift says so: it is a
    property of the model and no fault of a file. `base` as in `base_folder`.
    """
    bits = trained_bits(folder)
    if bits == 16:
        return None
    try:
        adapted = _load_as_trained(trained_parts(folder, base), bits, original.model)
    except (CadmonkeyError, ImportError, OSError, RuntimeError, ValueError) as error:
        return Drift(bits=bits, not_measured=" ".join(str(error).split())[:300] or type(error).__name__)
    return compare_adapted(adapted, original, bits)


def compare_adapted(adapted: Any, original: Original, bits: int) -> Drift:
    """Compare along the known answers, or the merged model's own, and see whether the own answers are both models'."""
    conversations = original.asked[:PROMPTS]
    figures: list[TokenFigures] = []
    same: list[bool] = []
    with progress("compare with the training", len(conversations), passing=True) as advance:
        for batch in original.batches(conversations):
            own = original.own_answers(batch)
            texts = [(c.prompt_ids, original.known_text(c)) for c in batch]
            answers = [(c.prompt_ids, token_ids) for c, token_ids in zip(batch, own, strict=True)]
            every = [path for path in dict.fromkeys([*texts, *answers]) if path[1]]
            theirs = dict(zip(every, forced_logits(adapted, every), strict=True))
            ours = original.logits(texts)
            figures += [
                compare_tokens(path[1], o, theirs[path]) for path, o in zip(texts, ours, strict=True) if path[1]
            ]
            same += [bool(path[1]) and _chooses(theirs[path], path[1]) for path in answers]
            for _ in batch:
                advance("")
    return _summary(bits, conversations, figures, same)


def _summary(
    bits: int, conversations: Sequence[Conversation], figures: Sequence[TokenFigures], same: Sequence[bool]
) -> Drift:
    kl = [value for one in figures for value in one.kl]
    top_1 = [agreed for one in figures for agreed in one.top_1]
    return Drift(
        bits=bits,
        prompts=len(conversations),
        mean_kl=_mean(kl),
        max_kl=max(kl, default=math.nan),
        top_1=_mean(top_1),
        greedy_equal=_mean(same),
        perplexity=math.exp(_mean([value for one in figures for value in one.original_nll])),
        trained_perplexity=math.exp(_mean([value for one in figures for value in one.file_nll])),
    )


def _chooses(logits: "torch.Tensor", token_ids: Sequence[int]) -> bool:
    return logits.argmax(dim=1).tolist() == list(token_ids)


def _load_as_trained(parts: Parts, bits: int, merged: Any) -> Any:
    """Load the base in `bits` bits with the settings of the training (QLoRA's: nf4, scales quantised again)."""
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig

    settings = (
        BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=merged.dtype,
        )
        if bits == 4
        else BitsAndBytesConfig(load_in_8bit=True)
    )
    with quiet_transformers():
        base = AutoModelForCausalLM.from_pretrained(
            parts.weights,
            quantization_config=settings,
            dtype=merged.dtype,
            device_map={"": merged.device},
            local_files_only=True,
        )
    if not getattr(base, f"is_loaded_in_{bits}bit", False):
        raise RuntimeError(f"bitsandbytes did not load the base in {bits} bits")
    adapted = PeftModel.from_pretrained(base, parts.adapter).eval().base_model.model
    _compute_as_in_training(adapted)
    return adapted


def _compute_as_in_training(model: Any) -> None:
    """Keep bitsandbytes from its other way of computing: in evaluation on a CPU it may repack weights and use bfloat16.

    Nothing else of a 4-bit layer depends on the mode. Layers narrower than a block cannot be repacked at all.
    """
    from bitsandbytes.nn import Linear4bit

    for module in model.modules():
        if isinstance(module, Linear4bit):
            module.train()


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else math.nan
