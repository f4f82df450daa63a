"""The real command, as people type it."""

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.gguf.fake_hub import FakeHub, running_hub

pytest.importorskip("torch", reason="export needs the train extra")


@pytest.fixture
def hub(model_folder: Path) -> Iterator[FakeHub]:
    """A Hub with one model, tiny/counter, and things beside it that an export does not need."""
    with running_hub() as hub:
        files = {path.name: path.read_bytes() for path in model_folder.iterdir() if path.is_file()}
        beside = {"original/model.safetensors": b"huge", "pytorch_model.bin": b"huge", "notes.txt": b"mine"}
        card = b"---\nlicense: mit\nlanguage: en\n---\nA counter.\n"
        hub.repositories["tiny/counter"] = files | beside | {"README.md": card}
        yield hub


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory: pytest.TempPathFactory, tiny_tokenizer: Any) -> Path:
    """A model that counts up through its vocabulary, so sure of the next token that no rounding changes it."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tiny_tokenizer), hidden_size=64, intermediate_size=64, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=512, tie_word_embeddings=False,
    )  # fmt: skip
    model = LlamaForCausalLM(config)
    with torch.no_grad():
        model.model.embed_tokens.weight.normal_()
        model.lm_head.weight.copy_(model.model.embed_tokens.weight.roll(1, dims=0))
    folder = tmp_path_factory.mktemp("models") / "tiny"
    model.save_pretrained(folder)
    tiny_tokenizer.save_pretrained(folder)
    return Path(folder)


def _export(
    repository: Path, cwd: Path, *arguments: str | Path, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(repository / "export" / "to_gguf.py"), *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=300, check=False)


def test_the_command_writes_proven_files_from_any_folder(repository: Path, model_folder: Path, tmp_path: Path) -> None:
    done = _export(repository, tmp_path, model_folder, "--quants", "f16", "q8_0", "--out", "out")
    assert done.returncode == 0, done.stderr
    assert {path.name for path in (tmp_path / "out").glob("*.gguf")} == {"model-f16.gguf", "model-q8_0.gguf"}
    assert done.stdout.count("proven") == 2
    assert "llama_model" not in done.stdout + done.stderr, "llama.cpp's log reached the terminal"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere"], "error: nowhere: expected a run folder, an adapter folder or a model folder, got nothing"),
        (
            ["gpt2"],
            "error: gpt2: expected a run folder, an adapter folder or a model folder, got nothing of that name; a "
            "Hub id is OWNER/NAME",
        ),
        ([__file__], f"error: {__file__}: expected a run folder, an adapter folder or a model folder, got a file"),
        ([".", "--quants", "q9"], "error: --quants: expected some of f16"),
        (["."], "error: .: expected recipe.json (a run), adapter_config.json (an adapter) or config.json (a model)"),
    ],
    ids=["missing folder", "Hub id without owner", "file", "unknown quant", "empty folder"],
)
def test_bad_input_is_one_line_and_status_2(
    arguments: list[str], message: str, repository: Path, tmp_path: Path
) -> None:
    done = _export(repository, tmp_path, *arguments)
    assert done.returncode == 2
    last = done.stderr.splitlines()[-1]
    assert last.startswith(message)
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_an_out_that_is_a_file_is_refused_before_any_work(repository: Path, model_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    done = _export(repository, tmp_path, model_folder, "--out", "out")
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert "--out" in done.stderr


def test_an_out_without_a_name_is_not_the_folder_that_the_command_runs_in(
    repository: Path, model_folder: Path, tmp_path: Path
) -> None:
    done = _export(repository, tmp_path, model_folder, "--no-proof", "--out", "")
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1), done.stderr
    assert done.stderr.startswith("error: --out: expected a folder, got nothing")
    assert list(tmp_path.iterdir()) == []


def test_without_proof_the_command_says_so_and_ends_well(repository: Path, model_folder: Path, tmp_path: Path) -> None:
    done = _export(repository, tmp_path, model_folder, "--quants", "q8_0", "--out", "out", "--no-proof")
    assert (done.returncode, done.stdout) == (0, "out/model-q8_0.gguf: NOT PROVEN, for the proof was skipped\n"), (
        done.stderr
    )
    assert [path.name for path in (tmp_path / "out").glob("*.gguf")] == ["model-q8_0.gguf"]
    assert json.loads((tmp_path / "out" / "proof.json").read_text())["verdict"] == "skipped"


def test_a_model_of_the_hub_is_fetched_proven_and_pushed(repository: Path, hub: FakeHub, tmp_path: Path) -> None:
    environment = hub.environment(tmp_path / "cache")
    arguments = ("tiny/counter", "--quants", "q8_0", "--push", "me/counter-gguf", "--private")
    done = _export(repository, tmp_path, *arguments, environment=environment)
    assert done.returncode == 0, done.stderr
    assert not [request for request in hub.requests if "original" in request or ".bin" in request or ".txt" in request]
    out, sent = tmp_path / "outputs" / "counter-gguf", hub.repositories["me/counter-gguf"]
    assert set(sent) == {path.name for path in out.iterdir()}
    assert {name for name, content in sent.items() if (out / name).read_bytes() != content} == set()
    card = sent["README.md"].decode()
    assert card.startswith("---\n")
    for line in ('license: "mit"', 'base_model: "tiny/counter"', 'base_model_relation: "quantized"', "# counter"):
        assert line in card
    assert done.stdout.splitlines()[-1].startswith(f"{hub.url}/me/counter-gguf/commit/")
    assert "Bearer secret" in hub.tokens


def test_a_push_that_was_refused_is_made_up_for_without_a_second_proof(
    repository: Path, hub: FakeHub, model_folder: Path, tmp_path: Path
) -> None:
    arguments = (model_folder, "--quants", "q8_0", "--out", "out", "--push", "me/counter")
    hub.refuse = 403
    refused = _export(repository, tmp_path, *arguments, environment=hub.environment(tmp_path / "cache"))
    assert refused.returncode == 1
    assert refused.stderr.splitlines()[-1].startswith("error: me/counter: could not be uploaded: it answered 403")
    hub.refuse = 0
    done = _export(repository, tmp_path, *arguments, environment=hub.environment(tmp_path / "cache"))
    assert (done.returncode, "proving" in done.stderr, "proven already" in done.stderr) == (0, False, True)
    (tmp_path / "mine.jsonl").write_text("".join(json.dumps({"prompt": f"Count from {n}."}) + "\n" for n in range(64)))
    other = ("--prompts", "mine.jsonl")
    anew = _export(repository, tmp_path, *arguments, *other, environment=hub.environment(tmp_path / "cache"))
    assert (anew.returncode, "proving" in anew.stderr, "proven already" in anew.stderr) == (0, True, False)
    assert set(hub.repositories["me/counter"]) == {path.name for path in (tmp_path / "out").iterdir()}


def test_a_model_that_was_fetched_is_there_without_the_hub(repository: Path, hub: FakeHub, tmp_path: Path) -> None:
    environment = hub.environment(tmp_path / "cache")
    options = ("tiny/counter", "--quants", "q8_0", "--no-proof", "--out")
    assert _export(repository, tmp_path, *options, "first", environment=environment).returncode == 0
    asked = len(hub.requests)
    done = _export(repository, tmp_path, *options, "second", environment=environment | {"HF_HUB_OFFLINE": "1"})
    assert (done.returncode, len(hub.requests)) == (0, asked), done.stderr
    hashes = [hashlib.sha256((tmp_path / out / "model-q8_0.gguf").read_bytes()) for out in ("first", "second")]
    assert hashes[0].digest() == hashes[1].digest()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "from the Hub: no such repository, or a private one and no token for it"),
        ({"HF_HUB_OFFLINE": "1"}, "from the Hub: it is not in the cache, and HF_HUB_OFFLINE is set"),
        ({"HF_ENDPOINT": "http://127.0.0.1:1"}, "from the Hub: it cannot be reached"),
    ],
    ids=["unknown", "offline", "no network"],
)
def test_a_model_that_cannot_be_fetched_is_one_line_and_status_2(
    changes: dict[str, str], words: str, repository: Path, tmp_path: Path
) -> None:
    with running_hub() as hub:
        environment = hub.environment(tmp_path / "cache", **changes)
        done = _export(repository, tmp_path, "nobody/nothing", environment=environment)
    assert done.returncode == 2
    error = done.stderr.splitlines()[-1]
    assert error.startswith(
        "error: nobody/nothing: expected a run folder, an adapter folder, a model folder or a model on the Hub"
    )
    assert words in error
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "outputs").exists()


@pytest.mark.parametrize(
    ("arguments", "changes", "status", "words"),
    [
        (["--push", "me/m", "--no-proof"], {"HF_TOKEN": ""}, 3, "--push: expected proven files, got --no-proof"),
        (
            ["--push", "me/m", "--limit", "2"],
            {"HF_TOKEN": ""},
            3,
            "--push: expected files proven on 64 prompts or more, got 2",
        ),
        (["--push", "m"], {}, 2, "--push: expected owner and name of a repository, such as me/my-model, got m"),
        (["--push", "me/m"], {"HF_TOKEN": ""}, 2, "--push: expected a token of the Hub, got none"),
    ],
    ids=["without proof", "few prompts", "no owner", "no token"],
)
def test_a_push_that_cannot_be_is_refused_before_any_work(
    arguments: list[str], changes: dict[str, str], status: int, words: str, repository: Path, model_folder: Path,
    hub: FakeHub, tmp_path: Path,
) -> None:  # fmt: skip
    environment = hub.environment(tmp_path / "cache", **changes)
    done = _export(repository, tmp_path, model_folder, "--out", "out", *arguments, environment=environment)
    assert (done.returncode, len(done.stderr.splitlines())) == (status, 1), done.stderr
    assert words in done.stderr
    assert not (tmp_path / "out").exists()
    assert hub.requests == []


@pytest.fixture
def adapter(model_folder: Path, tmp_path: Path) -> Path:
    """An adapter of the counter as PEFT alone saves it: without a tokenizer, its base an absolute path."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(model_folder)
    adapted = get_peft_model(model, LoraConfig(r=4, target_modules=["q_proj", "down_proj"]))
    torch.manual_seed(1)
    for name, parameter in adapted.named_parameters():
        if "lora_B" in name:
            parameter.data.normal_(std=0.02)
    adapted.save_pretrained(tmp_path / "lora")
    return tmp_path / "lora"


def test_an_adapters_own_file_can_be_added_to_a_proven_release_and_goes_to_the_hub_with_it(
    repository: Path, hub: FakeHub, adapter: Path, tmp_path: Path
) -> None:
    arguments = ("lora", "--quants", "q8_0", "--push", "me/sums")
    environment = hub.environment(tmp_path / "cache")
    assert _export(repository, tmp_path, *arguments, environment=environment).returncode == 0
    assert "adapter.gguf" not in hub.repositories["me/sums"]
    done = _export(repository, tmp_path, *arguments, "--adapter", environment=environment)
    assert (done.returncode, "proving" in done.stderr) == (0, False), done.stderr
    sent = hub.repositories["me/sums"]
    assert sent["adapter.gguf"] == (adapter / "gguf" / "adapter.gguf").read_bytes()
    assert b"  adapter.gguf\n" in sent["SHA256SUMS"]
    (adapter / "gguf" / "adapter.gguf").unlink()
    assert _export(repository, tmp_path, *arguments, environment=environment).returncode == 0
    assert b"adapter.gguf" not in hub.repositories["me/sums"]["SHA256SUMS"]


def _name_base(adapter: Path, base: str) -> None:
    path = adapter / "adapter_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"base_model_name_or_path": base}))


def _f16_tensors(path: Path) -> dict[str, bytes]:
    from gguf import GGUFReader

    return {tensor.name: tensor.data.tobytes() for tensor in GGUFReader(path).tensors}


def test_a_bare_adapter_becomes_proven_files_and_an_adapter_file_in_its_own_folder(
    repository: Path, adapter: Path, model_folder: Path, tmp_path: Path
) -> None:
    done = _export(repository, tmp_path, "lora", "--quants", "f16", "q8_0", "--adapter")
    assert done.returncode == 0, done.stderr
    steps = [line.split()[0] for line in done.stderr.splitlines()]
    assert steps == ["writing", "loading", "proving", "proving", "wrote"], "a library spoke on the terminal"
    out = adapter / "gguf"
    assert {path.name for path in out.glob("*.gguf")} == {"model-f16.gguf", "model-q8_0.gguf", "adapter.gguf"}
    assert json.loads((out / "proof.json").read_text())["verdict"] == "proven"
    base = _export(repository, tmp_path, model_folder, "--quants", "f16", "--no-proof", "--out", "base")
    assert base.returncode == 0, base.stderr
    merged, plain = _f16_tensors(out / "model-f16.gguf"), _f16_tensors(tmp_path / "base" / "model-f16.gguf")
    changed = {name for name in plain if merged[name] != plain[name]}
    assert changed == {f"blk.{layer}.{what}.weight" for layer in (0, 1) for what in ("attn_q", "ffn_down")}
    assert "| lora_rank | 4 |" in (out / "README.md").read_text()
    assert str(tmp_path) not in (out / "README.md").read_text()
    assert "`adapter.gguf` (0.0 MB) is the LoRA alone" in (out / "README.md").read_text()
    digest = hashlib.sha256((out / "adapter.gguf").read_bytes()).hexdigest()
    assert f"{digest}  adapter.gguf" in (out / "SHA256SUMS").read_text().splitlines()


def test_an_adapter_of_the_hub_is_merged_into_its_base_of_the_hub(
    repository: Path, hub: FakeHub, adapter: Path, tmp_path: Path
) -> None:
    _name_base(adapter, "tiny/counter")
    files = {path.name: path.read_bytes() for path in adapter.iterdir()}
    hub.repositories["me/lora"] = files | {"README.md": b"---\ndatasets: [me/numbers]\n---\nSums.\n"}
    environment = hub.environment(tmp_path / "cache")
    done = _export(repository, tmp_path, "me/lora", "--quants", "q8_0", environment=environment)
    assert done.returncode == 0, done.stderr
    card = (tmp_path / "outputs" / "lora-gguf" / "README.md").read_text()
    for line in (
        'license: "mit"',
        "# lora",
        "An adapter of **tiny/counter**, trained on me/numbers and merged into it",
    ):
        assert line in card


@pytest.mark.parametrize(
    "base",
    ["me/counter-unsloth-bnb-4bit", "me/counter-bnb-4bit", "../four-bits"],
    ids=["unsloth on the Hub", "on the Hub", "a folder"],
)
def test_an_adapter_of_a_quantised_base_names_the_remedy_and_base_is_it(
    base: str, repository: Path, hub: FakeHub, adapter: Path, model_folder: Path, tmp_path: Path
) -> None:
    _name_base(adapter, base)
    (tmp_path / "four-bits").mkdir()
    config = json.loads((model_folder / "config.json").read_text()) | {"quantization_config": {"load_in_4bit": True}}
    (tmp_path / "four-bits" / "config.json").write_text(json.dumps(config))
    environment = hub.environment(tmp_path / "cache")
    done = _export(repository, tmp_path, "lora", "--no-proof", environment=environment)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1), done.stderr
    remedy = "me/counter" if base.startswith("me/") else "FOLDER_OR_ID, the 16-bit model it was made of"
    assert done.stderr.startswith(f"error: {base}: expected a base with 16-bit weights")
    assert done.stderr.endswith(f"got quantised ones; add --base {remedy}\n")
    assert (hub.requests, (adapter / "gguf").exists()) == ([], False)
    mended = _export(repository, tmp_path, "lora", "--no-proof", "--base", "tiny/counter", environment=environment)
    assert mended.returncode == 0, mended.stderr
    assert "An adapter of **tiny/counter**, trained and merged" in (adapter / "gguf" / "README.md").read_text()


def test_a_base_for_a_whole_model_is_refused(repository: Path, model_folder: Path, tmp_path: Path) -> None:
    done = _export(repository, tmp_path, model_folder, "--base", model_folder, "--out", "out")
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1), done.stderr
    assert "--base: expected an adapter, which needs one, got a whole model" in done.stderr
    assert not (tmp_path / "out").exists()
