"""A run becomes the model it trained, or says in one line why it cannot."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cadmonkey.errors import InputError
from cadmonkey.gguf.folders import base_folder
from cadmonkey.gguf.merge import load_merged


@pytest.fixture
def run_copy(run_folder: Path, tmp_path: Path) -> Path:
    """A run to break."""
    return Path(shutil.copytree(run_folder, tmp_path / "run"))


def _answer(model: Any, tokenizer: Any, prompt: str) -> str:
    from cadmonkey.data.chat import user_message

    ids = tokenizer.apply_chat_template(
        user_message(prompt), add_generation_prompt=True, return_tensors="pt", return_dict=True
    )
    out = model.generate(**ids, do_sample=False, max_new_tokens=64)
    return str(tokenizer.decode(out[0, ids["input_ids"].shape[1] :], skip_special_tokens=True))


def test_a_run_folder_gives_what_the_adapter_learnt_and_not_the_base(
    run_folder: Path, model_folder: Path, adapter_rows: list[dict[str, str]], base_rows: list[dict[str, str]]
) -> None:
    merged, tokenizer = load_merged(run_folder)
    assert [_answer(merged, tokenizer, row["prompt"]) for row in adapter_rows] == [
        row["completion"] for row in adapter_rows
    ]
    base, _ = load_merged(model_folder)
    assert _answer(base, tokenizer, base_rows[0]["prompt"]) == base_rows[0]["completion"]
    assert not any("lora" in name for name, _ in merged.named_parameters())


def test_rslora_is_merged_with_its_own_scale(model_folder: Path, tokenizer: Any, tmp_path: Path) -> None:
    import torch
    from peft import LoraConfig, get_peft_model

    base, _ = load_merged(model_folder)
    name = "model.layers.1.mlp.up_proj"
    before = base.get_submodule(name).weight.clone()
    adapted = get_peft_model(base, LoraConfig(r=4, lora_alpha=8, use_rslora=True, target_modules=["up_proj"]))
    layer = adapted.get_submodule(f"base_model.model.{name}")
    with torch.no_grad():
        for matrix in (layer.lora_A.default.weight, layer.lora_B.default.weight):
            matrix.normal_(std=0.1, generator=torch.Generator().manual_seed(3))
    expected = before + 8 / 4**0.5 * layer.lora_B.default.weight @ layer.lora_A.default.weight
    adapted.save_pretrained(tmp_path / "adapter")
    tokenizer.save_pretrained(tmp_path / "adapter")
    (tmp_path / "recipe.json").write_text(json.dumps({"base_model": str(model_folder), "use_rslora": True}))
    merged, _ = load_merged(tmp_path)
    torch.testing.assert_close(merged.get_submodule(name).weight, expected)


@pytest.fixture
def whole_run(model_folder: Path, tmp_path: Path) -> Path:
    """A run of full fine-tuning whose base is nowhere on this machine."""
    shutil.copytree(model_folder, tmp_path / "run" / "model")
    (tmp_path / "run" / "recipe.json").write_text(json.dumps({"base_model": "no/where", "full_finetuning": True}))
    return tmp_path / "run"


def test_a_run_of_full_finetuning_gives_its_own_weights(whole_run: Path, base_rows: list[dict[str, str]]) -> None:
    model, tokenizer = load_merged(whole_run)
    assert _answer(model, tokenizer, base_rows[0]["prompt"]) == base_rows[0]["completion"]
    assert base_folder(whole_run) == whole_run / "model"


def test_a_run_of_full_finetuning_that_is_not_done_is_named(whole_run: Path) -> None:
    shutil.rmtree(whole_run / "model")
    with pytest.raises(InputError, match="expected the trained model in it, got none; run the recipe first"):
        load_merged(whole_run)


def test_a_base_model_relative_to_the_run_is_found_from_anywhere(
    run_copy: Path, model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(model_folder, tmp_path / "base")
    (run_copy / "recipe.json").write_text(json.dumps({"base_model": "../base"}))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert load_merged(run_copy)[0].config.model_type == "llama"


def test_an_adapter_of_another_size_is_refused_in_one_line(run_copy: Path, new_llama: Callable[..., Any]) -> None:
    other = run_copy / "other"
    new_llama(hidden_size=32).save_pretrained(other)
    (run_copy / "recipe.json").write_text(json.dumps({"base_model": str(other)}))
    with pytest.raises(InputError, match="expected an adapter of") as caught:
        load_merged(run_copy)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("layers", [1, 3], ids=["fewer layers", "more layers"])
def test_an_adapter_of_another_depth_is_refused_though_peft_would_take_it(
    layers: int, run_copy: Path, new_llama: Callable[..., Any]
) -> None:
    other = run_copy / "other"
    new_llama(num_hidden_layers=layers).save_pretrained(other)
    (run_copy / "recipe.json").write_text(json.dumps({"base_model": str(other)}))
    with pytest.raises(InputError, match=r"expected an adapter of .*other, got another"):
        load_merged(run_copy)


def test_a_model_with_a_missing_tensor_is_refused_though_transformers_would_fill_it(
    model_folder: Path, tmp_path: Path
) -> None:
    from safetensors.torch import load_file, save_file

    broken = Path(shutil.copytree(model_folder, tmp_path / "model"))
    weights = load_file(broken / "model.safetensors")
    del weights["model.layers.1.mlp.up_proj.weight"]
    save_file(weights, broken / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(InputError, match=r"1 are missing, e\.g\. model\.layers\.1\.mlp\.up_proj"):
        load_merged(broken)


def _remove(path: str) -> Callable[[Path], None]:
    return lambda run: (run / path).unlink()


def _write(path: str, text: str) -> Callable[[Path], None]:
    return lambda run: (run / path).write_text(text) and None


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (_remove("adapter/adapter_config.json"), "expected the trained adapter"),
        (_remove("adapter/adapter_model.safetensors"), "expected an adapter"),
        (_write("adapter/adapter_model.safetensors", "not tensors"), "expected an adapter"),
        (_remove("adapter/tokenizer.json"), r"tokenizer\.json: expected the model's tokenizer"),
        (_write("adapter/tokenizer.json", "{"), "expected a tokenizer"),
        (_write("recipe.json", "{"), r"recipe\.json: expected a JSON file"),
        (_write("recipe.json", "{}"), r'recipe\.json: expected "base_model"'),
        (_write("recipe.json", '{"base_model": "no/such-model"}'), "hf download no/such-model"),
        (_write("recipe.json", '{"base_model": "/no/such/folder"}'), "a folder that is not there"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_damaged_run_is_explained_in_one_line(damage: Callable[[Path], None], message: str, run_copy: Path) -> None:
    damage(run_copy)
    with pytest.raises(InputError, match=message) as caught:
        load_merged(run_copy)
    assert "\n" not in str(caught.value)


def test_a_folder_that_is_neither_run_nor_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"expected recipe\.json \(a run\), adapter_config\.json \(an adapter\) or config\.json"
    ):
        load_merged(tmp_path)
    with pytest.raises(InputError, match="got nothing of that name"):
        load_merged(tmp_path / "missing")
