"""What several test rooms need: folders, throwaway tokenizers and two-layer models. No network, no GPU."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"

REPOSITORY = Path(__file__).resolve().parents[1]

LLAMA_TEMPLATE = """{{- bos_token }}{%- if not date_string is defined %}{%- if strftime_now is defined %}
{%- set date_string = strftime_now("%d %b %Y") %}{%- else %}
{%- set date_string = "26 Jul 2024" %}{%- endif %}{%- endif %}
{{- "<|start_header_id|>system<|end_header_id|>\\n\\nToday Date: " + date_string + "\\n\\n<|eot_id|>" }}
{%- for message in messages %}
{{- "<|start_header_id|>" + message["role"] + "<|end_header_id|>\\n\\n" + message["content"] | trim + "<|eot_id|>" }}
{%- endfor %}
{%- if add_generation_prompt %}{{- "<|start_header_id|>assistant<|end_header_id|>\\n\\n" }}{%- endif %}
"""
"""A short template in Llama 3.2's manner, today's date included."""

WORDS = ["cube([10, 20, 5]);", "hey cadmonkey, create me a plate", "system user assistant Today Date: 26 Jul 2024"]


HOSTILE = """
import os, time
import cadmonkey.cad.judge as module

judge = module.judge

def hostile(code, reference, stated=()):
    if "hang" in code:
        time.sleep(600)
    if "crash" in code:
        os._exit(9)
    return judge(code, reference, stated)

module.judge = hostile
"""
"""A judge for the worker processes that hangs or crashes when a program says so."""


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the checkout."""
    return REPOSITORY


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real tokenizers and data beside the checkout; its tests are skipped where it is absent."""
    folder = REPOSITORY.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("needs ../shared/data, real tokenizers and data that are not part of the project")
    return folder


def train_tokenizer() -> Any:
    """Train a byte-level tokenizer of some 300 tokens with Llama 3's special tokens and qwen2's regex for digits."""
    from cadmonkey.training.scratch import train_tokenizer as train

    tokenizer = train(WORDS * 4, vocab_size=320)
    tokenizer.pad_token = None
    tokenizer.chat_template = LLAMA_TEMPLATE
    return tokenizer


@pytest.fixture(scope="session")
def new_tokenizer() -> Callable[[], Any]:
    """Makes a throwaway tokenizer as of a base model: eos is <|end_of_text|>, there is no pad token."""
    pytest.importorskip("transformers")
    return train_tokenizer


@pytest.fixture(scope="session")
def tiny_tokenizer(new_tokenizer: Callable[[], Any]) -> Any:
    """One throwaway tokenizer for the session; do not change it."""
    return new_tokenizer()


def save_model(folder: Path, tokenizer: Any, *, vocabulary: int, tied: bool, kind: str = "llama") -> Path:
    """Write a random two-layer Llama or Qwen2 with `tokenizer` to `folder`."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM, Qwen2Config, Qwen2ForCausalLM

    torch.manual_seed(0)
    config_class, model_class = {"llama": (LlamaConfig, LlamaForCausalLM), "qwen2": (Qwen2Config, Qwen2ForCausalLM)}[
        kind
    ]
    config = config_class(
        vocab_size=vocabulary,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=1024,
        tie_word_embeddings=tied,
        initializer_range=0.1,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=None,
    )
    model_class(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def forget_special_rows(folder: Path) -> None:
    """Make the special tokens' rows of a saved model near-duplicates of normal norm, as in a base checkpoint."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    ids = sorted(tokenizer.added_tokens_decoder)[2:]
    for weight in {module.weight for module in (model.get_input_embeddings(), model.get_output_embeddings())}:
        with torch.no_grad():
            weight[ids] = weight[100] + 0.1 * weight[ids]
    model.save_pretrained(folder)


@pytest.fixture(scope="session")
def tiny_llama(tmp_path_factory: pytest.TempPathFactory, tiny_tokenizer: Any) -> Path:
    """A two-layer Llama with tied head and untrained special tokens, like a base checkpoint; do not write to it."""
    folder = save_model(
        tmp_path_factory.mktemp("tiny-llama"), tiny_tokenizer, vocabulary=len(tiny_tokenizer), tied=True
    )
    forget_special_rows(folder)
    return folder


@pytest.fixture(scope="session")
def llama32(tmp_path_factory: pytest.TempPathFactory, shared_data: Path) -> Path:
    """A two-layer random Llama with Llama 3.2's own tokenizer and template; do not write to it."""
    return _real(tmp_path_factory, shared_data / "tokenizers" / "llama-3.2", vocabulary=128256, tied=True, kind="llama")


@pytest.fixture(scope="session")
def qwen25(tmp_path_factory: pytest.TempPathFactory, shared_data: Path) -> Path:
    """A two-layer random Qwen2 with Qwen2.5's own tokenizer and template, untied head; do not write to it."""
    return _real(tmp_path_factory, shared_data / "tokenizers" / "qwen2.5", vocabulary=151936, tied=False, kind="qwen2")


def _real(factory: pytest.TempPathFactory, source: Path, *, vocabulary: int, tied: bool, kind: str) -> Path:
    transformers = pytest.importorskip("transformers")
    folder = factory.mktemp(source.name)
    tokenizer = transformers.AutoTokenizer.from_pretrained(source)
    save_model(folder, tokenizer, vocabulary=vocabulary, tied=tied, kind=kind)
    for path in source.glob("*token*.json"):
        shutil.copyfile(path, folder / path.name)
    return folder


@pytest.fixture
def cad_rows() -> list[dict[str, str]]:
    """Two dozen rows of a cube and its code, a few of them held out."""
    return [
        {
            "id": f"row-{number}",
            "prompt": f"a {number} mm cube",
            "completion": f"size = {number};\ncube([size, size, size]);",
            "family": "block",
            "part": f"{number:08x}",
            "split": "validation" if number % 6 == 0 else "train",
        }
        for number in range(1, 25)
    ]


@pytest.fixture
def hostile_judge(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Workers started in this test hang on programs with the word hang, and die of those with the word crash."""
    folder = tmp_path / "hostile"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(HOSTILE)
    monkeypatch.syspath_prepend(folder)
