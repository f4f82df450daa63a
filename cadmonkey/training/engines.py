"""The two engines: load the base model, make it trainable. Unsloth comes first, because it patches the others."""

import logging
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

from cadmonkey.data.chat import control_tokens, end_token, freeze_template
from cadmonkey.errors import InputError
from cadmonkey.training.recipe import Engine, Recipe

LORA_TARGETS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
"""Every linear layer of a Llama or Qwen2 block."""

_PAD_TOKENS = ("<|finetune_right_pad_id|>", "<|endoftext|>", "<|fim_pad|>", "<pad>", "[PAD]")


def prepare_process(recipe: Recipe) -> None:
    """Set what the libraries read from the environment when they are imported: call it before anything heavy.

    Telemetry is off; Unsloth compiles outside the checkout; and when everything is local, the Hub is switched off.
    """
    os.environ["UNSLOTH_DISABLE_STATISTICS"] = "1"
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    cache = Path(tempfile.gettempdir()) / f"cadmonkey-unsloth-{os.getuid() if hasattr(os, 'getuid') else 0}"
    os.environ.setdefault("UNSLOTH_COMPILE_LOCATION", str(cache))
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    remote = [source for source in recipe.datasets if not Path(source).exists()]
    if not Path(find_base(recipe.base_model)).is_dir():
        remote.insert(0, recipe.base_model)
    if not remote:
        os.environ["HF_HUB_OFFLINE"] = "1"
    elif os.environ.get("HF_HUB_OFFLINE") != "1":
        print(f"hub: {', '.join(remote)} come from the Hugging Face Hub, downloaded unless cached", flush=True)


def import_engine(engine: Engine) -> None:
    """Import Unsloth before transformers, peft and trl, as it must be; quieten them all.

    Raises:
        InputError: Unsloth is not installed or does not run here.
    """
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)  # it warns of a 4-bit kernel that a CPU lacks
    if engine == "unsloth":
        try:
            with _silence():
                import unsloth  # noqa: F401
        except (ImportError, NotImplementedError, RuntimeError) as error:
            raise InputError(
                f"--engine unsloth: cannot be imported ({error}); install the unsloth extra, "
                "or use --engine transformers"
            ) from error
    import transformers

    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()


def load_tokenizer(base_model: str) -> Any:
    """Load the tokenizer and settle its template, end token and pad token.

    The template's date is frozen. `eos_token` becomes the token that ends a turn, so that whoever reads the saved
    tokenizer stops there. `pad_token` is never `eos_token`: masked padding would hide the end from the loss.

    Raises:
        InputError: the folder or repo cannot be loaded, or has no usable chat template or pad token.
    """
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(find_base(base_model))
    except (OSError, ValueError) as error:
        raise _cannot_load(base_model, error) from error
    if isinstance(tokenizer.chat_template, str):
        tokenizer.chat_template = freeze_template(tokenizer.chat_template)
    tokenizer.eos_token = end_token(tokenizer)
    if tokenizer.pad_token in (None, tokenizer.eos_token):
        tokenizer.pad_token = _pad_token(tokenizer, base_model)
    tokenizer.padding_side = "right"
    return tokenizer


def _pad_token(tokenizer: Any, base_model: str) -> str:
    known = set(control_tokens(tokenizer).values()) - {tokenizer.eos_token}
    for text in _PAD_TOKENS:
        if text in known:
            return text
    raise InputError(f"{base_model}: expected a pad token other than {tokenizer.eos_token} (one of {_PAD_TOKENS})")


def load_base(recipe: Recipe) -> Any:
    """Load the base model with the recipe's engine: fp32 on a CPU, bf16 on a GPU, or quantized.

    A model whose every weight is trained stays fp32 on a GPU too, where autocast computes in bf16: AdamW's updates are
    smaller than bf16 can add to a weight.

    Raises:
        InputError: the folder or repo cannot be loaded.
    """
    import torch

    on_gpu = torch.cuda.is_available()
    dtype = torch.bfloat16 if on_gpu and not recipe.full_finetuning else torch.float32
    base_model = find_base(recipe.base_model)
    # Unsloth's CPU backend would load 16-bit weights for 8-bit ones.
    by_unsloth = recipe.engine == "unsloth" and (on_gpu or not recipe.load_in_8bit)
    load = _load_unsloth if by_unsloth else _load_transformers
    try:
        with _silence():
            model = load(base_model, recipe, dtype)
    except Exception as error:  # a broken file raises a dozen unrelated types
        raise _cannot_load(recipe.base_model, error) from error
    _check_quantized(model, recipe)
    return model


def _check_quantized(model: Any, recipe: Recipe) -> None:
    """Refuse a model that a library loaded in more bits than asked for, with a warning at most.

    Raises:
        InputError: it did.
    """
    for bits in (4, 8):
        if getattr(recipe, f"load_in_{bits}bit") and not getattr(model, f"is_loaded_in_{bits}bit", False):
            raise InputError(
                f"--load-in-{bits}bit: expected {recipe.base_model} in {bits} bits, got more: "
                "bitsandbytes does not run here; leave the flag out"
            )


@contextmanager
def _silence() -> Iterator[None]:
    """Swallow the banners that Unsloth prints; its errors are exceptions and come through."""
    with redirect_stdout(StringIO()), redirect_stderr(StringIO()):
        yield


def _load_unsloth(base_model: str, recipe: Recipe, dtype: Any) -> Any:
    from unsloth import FastLanguageModel

    model, _ = FastLanguageModel.from_pretrained(
        base_model,
        max_seq_length=recipe.max_seq_length,
        dtype=dtype,
        load_in_4bit=recipe.load_in_4bit,
        load_in_8bit=recipe.load_in_8bit,
        full_finetuning=recipe.full_finetuning,
    )
    return model


def _load_transformers(base_model: str, recipe: Recipe, dtype: Any) -> Any:
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(
        base_model, dtype=dtype, quantization_config=_quantization(recipe, dtype)
    )
    for module in model.modules():
        if hasattr(module, "support_avx512bf16_for_cpu"):
            # bitsandbytes repacks 4-bit weights for this at the first evaluation on a CPU, for good; gradients through
            # the packed weights are wrong.
            module.support_avx512bf16_for_cpu = False
    return model


def _quantization(recipe: Recipe, dtype: Any) -> Any:
    """Return bitsandbytes' settings, None for 16 and 32 bits."""
    from transformers import BitsAndBytesConfig

    if recipe.load_in_8bit:
        return BitsAndBytesConfig(load_in_8bit=True)
    if not recipe.load_in_4bit:
        return None
    return BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True, bnb_4bit_compute_dtype=dtype
    )


def add_adapter(model: Any, recipe: Recipe, token_rows: dict[str, list[int]]) -> Any:
    """Put LoRA on every linear layer, and make the embedding and head rows `token_rows` trainable as they are.

    A model whose every weight is trained comes back as it is.
    """
    if recipe.full_finetuning:
        return model
    settings: dict[str, Any] = {
        "r": recipe.lora_rank,
        "lora_alpha": recipe.lora_alpha,
        "lora_dropout": recipe.lora_dropout,
        "use_rslora": recipe.use_rslora,
        "target_modules": list(LORA_TARGETS),
        "bias": "none",
        "trainable_token_indices": token_rows or None,
    }
    if recipe.engine == "unsloth":
        from unsloth import FastLanguageModel

        checkpointing = "unsloth" if recipe.gradient_checkpointing else False
        return FastLanguageModel.get_peft_model(
            model, use_gradient_checkpointing=checkpointing, random_state=recipe.seed, **settings
        )
    from peft import LoraConfig, get_peft_model, prepare_model_for_kbit_training
    from transformers import set_seed

    set_seed(recipe.seed)
    if recipe.load_in_4bit or recipe.load_in_8bit:
        model = prepare_model_for_kbit_training(model, use_gradient_checkpointing=recipe.gradient_checkpointing)
    return get_peft_model(model, LoraConfig(task_type="CAUSAL_LM", **settings))


def find_base(base_model: str) -> str:
    """Return the absolute path of a local model, looked for here and in the checkout, or a Hub id as it is.

    Raises:
        InputError: a folder without config.json, or neither a folder nor a Hub id.
    """
    for start in (Path(), Path(__file__).parents[2]):
        path = (start / base_model).resolve()
        if path.is_dir():
            if not (path / "config.json").is_file():
                raise InputError(f"{base_model}: expected a model folder with config.json, got one without")
            return str(path)  # Unsloth takes a relative path for a Hub id
    if not re.fullmatch(r"[A-Za-z0-9][\w.-]*/[\w.-]+", base_model):
        raise InputError(f"{base_model}: expected a model folder, or a Hub id like owner/name; check --base-model")
    return base_model


def _cannot_load(base_model: str, error: Exception) -> InputError:
    reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
    return InputError(f"{base_model}: cannot be loaded: {reason}; check the name, the files and the network")
