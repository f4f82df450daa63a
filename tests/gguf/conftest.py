"""A tokenizer with Llama 3's special tokens and models small enough to learn two answers by heart in seconds."""

import copy
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="export needs the train extra")
pytest.importorskip("llama_cpp")

BASE_ROWS = [
    {"prompt": "a ball of 12 mm", "completion": "d = 12;\nsphere(d = d);"},
    {"prompt": "a 30 mm cube, please", "completion": "size = 30;\ncube(size);"},
]
ADAPTER_ROWS = [
    {"prompt": "a ball of 12 mm", "completion": "r = 6;\nsphere(r);"},
    {"prompt": "a pin, Ø4 x 25", "completion": "$fn = 96;\ncylinder(d = 4, h = 25);"},
]


def make_tokenizer() -> Any:
    """Train a byte-level BPE tokenizer on the rows themselves; it ends where a turn ends, as after fine-tuning."""
    from cadmonkey.training.scratch import END_OF_TURN, train_tokenizer

    texts = [text for row in BASE_ROWS + ADAPTER_ROWS for text in row.values()]
    tokenizer = train_tokenizer(texts * 2, vocab_size=300)
    tokenizer.eos_token = END_OF_TURN
    return tokenizer


def make_llama(tokenizer: Any, **changes: Any) -> Any:
    """Return a random Llama with grouped queries, a tied head and Llama 3's stretched rotations."""
    from transformers import LlamaConfig, LlamaForCausalLM

    options: dict[str, Any] = {
        "vocab_size": len(tokenizer) + 5,  # rows without a token, as Qwen has them
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 512,
        "tie_word_embeddings": True,
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "rope_parameters": {
            "rope_type": "llama3",
            "rope_theta": 10000.0,
            "factor": 8.0,
            "low_freq_factor": 1.0,
            "high_freq_factor": 4.0,
            "original_max_position_embeddings": 64,
        },
    }
    torch.manual_seed(1)
    return LlamaForCausalLM(LlamaConfig(**(options | changes)))


def write_as(model: Any, tokenizer: Any, path: Path, origin: Any, kind: str = "f16") -> None:
    """Save a model in memory as its users have it, and write the GGUF file from that folder."""
    from cadmonkey.gguf.trained import open_trained
    from cadmonkey.gguf.write import write_gguf

    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        write_gguf(*open_trained(Path(folder)), {kind: path}, origin)


def prove_file(path: Path, quant: str, model: Any, tokenizer: Any, questions: Sequence[Any]) -> Any:
    """Compare one GGUF file with `model`."""
    from cadmonkey.gguf.original import Original
    from cadmonkey.gguf.prove import prove_against

    return prove_against(path, quant, Original(model, tokenizer, questions))


def for_one_turn(template: str) -> str:
    """Return a chat template that is the given one for a single message, and wrong for more."""
    return "{% if messages|length == 1 %}" + template + "{% else %}GARBAGE{% endif %}"


def learn_by_heart(model: Any, tokenizer: Any, rows: Sequence[dict[str, str]], steps: int) -> None:
    """Fit the trainable parameters of `model` to the rows, its end tokens included."""
    from cadmonkey.data.chat import encode

    examples = [encode(tokenizer, row["prompt"], row["completion"]) for row in rows]
    longest = max(len(example.input_ids) for example in examples)
    pad = tokenizer.pad_token_id
    ids = torch.tensor([e.input_ids + [pad] * (longest - len(e.input_ids)) for e in examples])
    labels = torch.tensor([e.labels + [-100] * (longest - len(e.labels)) for e in examples])
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=5e-3)
    model.train()
    for _ in range(steps):
        optimizer.zero_grad()
        model(input_ids=ids, labels=labels).loss.backward()
        optimizer.step()
    model.eval()


def check_export(folder: Path, adapter: Path | None, path: Path, place: str) -> None:
    """Write a file of a model whose JSON was spoilt at `place`, or see it refused in one line."""
    from cadmonkey.errors import InputError, RunError
    from cadmonkey.gguf.origin import Origin
    from cadmonkey.gguf.tokenizer import StoredTokenizer
    from cadmonkey.gguf.trained import open_model
    from cadmonkey.gguf.write import write_gguf

    line = ""
    try:
        write_gguf(open_model(folder, adapter), StoredTokenizer(folder), {"f16": path}, Origin(name="tiny"))
    except (InputError, RunError) as error:
        line = str(error)
    except Exception as error:
        error.add_note(place)
        raise
    assert "\n" not in line, place
    assert "Error(" not in line, place


WRONG_VALUES = (None, 0, -1, "x", [], {}, 1e99, True, ["x"], {"(": 3}, {"x": "x"}, [[]], float("nan"))


@pytest.fixture
def spoil() -> Callable[[Path], Iterator[str]]:
    """Puts every wrong value in turn at every place of a JSON file, and says where and what."""

    def every(path: Path) -> Iterator[str]:
        whole = json.loads(path.read_text())
        inner = [(key, name) for key, value in whole.items() if isinstance(value, dict) for name in value]
        for place in [*((key,) for key in whole), *inner]:
            for wrong in WRONG_VALUES:
                spoilt = copy.deepcopy(whole)
                (spoilt[place[0]] if len(place) > 1 else spoilt)[place[-1]] = wrong
                path.write_text(json.dumps(spoilt))
                yield f"{'.'.join(place)} = {wrong!r}"
        path.write_text(json.dumps(whole))

    return every


@pytest.fixture(scope="session")
def tokenizer() -> Any:
    """A throwaway tokenizer with the qwen2 split and Llama 3's names."""
    return make_tokenizer()


@pytest.fixture(scope="session")
def model(tokenizer: Any) -> Any:
    """A Llama that knows BASE_ROWS by heart and ends on eot."""
    model = make_llama(tokenizer)
    learn_by_heart(model, tokenizer, BASE_ROWS, 60)
    return model


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory: pytest.TempPathFactory, model: Any, tokenizer: Any) -> Path:
    """The model as a Hugging Face folder."""
    folder = tmp_path_factory.mktemp("model") / "tiny"
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return Path(folder)


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory: pytest.TempPathFactory, model_folder: Path) -> Path:
    """A run whose adapter taught the model ADAPTER_ROWS; read it, and copy it before writing into it."""
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = tmp_path_factory.mktemp("runs") / "tiny-run"
    tokenizer = AutoTokenizer.from_pretrained(model_folder)
    config = LoraConfig(
        r=8,
        lora_alpha=16,
        target_modules=["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"],
        task_type="CAUSAL_LM",
        trainable_token_indices=[tokenizer.eos_token_id],
    )
    torch.manual_seed(2)
    adapted = get_peft_model(AutoModelForCausalLM.from_pretrained(model_folder), config)
    learn_by_heart(adapted, tokenizer, ADAPTER_ROWS, 150)
    adapted.save_pretrained(folder / "adapter")
    tokenizer.save_pretrained(folder / "adapter")
    recipe = {"base_model": str(model_folder), "lora_rank": 8, "data": ["owner/parts"], "license": "apache-2.0"}
    (folder / "recipe.json").write_text(json.dumps(recipe))
    lines = [json.dumps({"id": str(n), "family": "x", **row}) for n, row in enumerate(ADAPTER_ROWS)]
    (folder / "references.jsonl").write_text("\n".join(lines) + "\n")
    return Path(folder)


@pytest.fixture(scope="session")
def base_rows() -> list[dict[str, str]]:
    """What the base model knows by heart."""
    return BASE_ROWS


@pytest.fixture(scope="session")
def adapter_rows() -> list[dict[str, str]]:
    """What the run's adapter taught it instead."""
    return ADAPTER_ROWS


@pytest.fixture(scope="session")
def new_llama(tokenizer: Any) -> Callable[..., Any]:
    """Makes a random Llama; keyword arguments change its config."""
    return partial(make_llama, tokenizer)


@pytest.fixture(scope="session")
def teach(tokenizer: Any) -> Callable[[Any], None]:
    """Makes a model learn `base_rows` by heart."""
    return lambda model: learn_by_heart(model, tokenizer, BASE_ROWS, 40)


@pytest.fixture(scope="session")
def exported(run_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with a proven f16 and q8_0 file; `released` is a copy to write into."""
    from cadmonkey.gguf import export

    run = Path(shutil.copytree(run_folder, tmp_path_factory.mktemp("exported") / "run"))
    export(run, ("f16", "q8_0"))
    return run


@pytest.fixture
def released(exported: Path, tmp_path: Path) -> Path:
    """A run that was exported."""
    return Path(shutil.copytree(exported, tmp_path / "run"))
