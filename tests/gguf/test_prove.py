"""A proof must pass the trained model's file and fail every file that is not."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cadmonkey.errors import InputError, RunError
from cadmonkey.gguf.origin import Origin
from cadmonkey.gguf.proof import FileProof
from cadmonkey.gguf.quantise import quantise
from cadmonkey.gguf.questions import Question, read_questions
from cadmonkey.gguf.record import read_proof
from tests.gguf.conftest import prove_file, write_as

Prove = Callable[..., FileProof]


@pytest.fixture
def prove(model: Any, tokenizer: Any, base_rows: list[dict[str, str]], tmp_path: Path) -> Prove:
    """Writes a file from whatever it is given and proves it against the trained model."""
    questions = [Question(row["prompt"], row["completion"]) for row in base_rows]

    def write_and_prove(written_model: Any = model, written_tokenizer: Any = tokenizer) -> FileProof:
        path = tmp_path / "model-f16.gguf"
        write_as(written_model, written_tokenizer, path, Origin(name="tiny"))
        return prove_file(path, "f16", model, tokenizer, questions)

    return write_and_prove


def test_the_trained_models_file_is_proven_and_every_answer_ends_on_eot(prove: Prove) -> None:
    proof = prove()
    assert (proof.proven, proof.reasons) == (True, ())
    figures = proof.figures
    assert (figures.greedy_equal, figures.stop_rate, figures.reserved_token_rate) == (1, 1, 0)
    assert 0 <= figures.mean_kl <= figures.max_kl < 1e-4


def test_the_file_answers_what_the_model_learnt(
    prove: Prove, tokenizer: Any, base_rows: list[dict[str, str]], tmp_path: Path
) -> None:
    from cadmonkey.gguf.player import Player

    prove()
    with Player(tmp_path / "model-f16.gguf", n_ctx=128) as player:
        for row in base_rows:
            answer = player.answer(player.tokenize(player.render(row["prompt"])), 64)
            assert tokenizer.decode(answer.token_ids) == row["completion"] + "<|eot_id|>"


def test_random_weights_are_unproven(prove: Prove, new_llama: Callable[..., Any]) -> None:
    proof = prove(new_llama())
    assert not proof.proven
    assert proof.figures.greedy_equal == 0
    assert proof.published_name == "model-f16.unproven.gguf"


def test_one_layer_slightly_off_is_unproven(prove: Prove, model: Any) -> None:
    import torch

    off = copy.deepcopy(model)
    with torch.no_grad():
        off.model.layers[1].mlp.down_proj.weight.mul_(1.1)
    proof = prove(off)
    assert proof.figures.greedy_equal == 1, "the answers it knows by heart hide the difference"
    assert proof.reasons[0].startswith("a mean divergence")
    assert "blk.1.ffn_down.weight (F16) is 1.100 times the trained one" in proof.reasons[1]


def test_query_rows_in_transformers_order_are_unproven(prove: Prove, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cadmonkey.gguf.architecture.interleave", lambda weight, heads: weight)
    assert not prove().proven


def test_a_swapped_end_token_is_unproven(prove: Prove, tokenizer: Any) -> None:
    swapped = copy.deepcopy(tokenizer)
    swapped.eos_token = "<|end_of_text|>"
    assert prove(written_tokenizer=swapped).reasons == ("another end token",)


def test_another_template_is_unproven(prove: Prove, tokenizer: Any) -> None:
    other = copy.deepcopy(tokenizer)
    other.chat_template = tokenizer.chat_template.replace(r"\n\n", r"\n")
    reasons = prove(written_tokenizer=other).reasons
    assert reasons[0] == "the chat template renders another text for 10 of 10 prompts (8 of them ours)"


def test_a_second_bos_is_unproven(prove: Prove, tokenizer: Any) -> None:
    doubled = copy.deepcopy(tokenizer)
    doubled.chat_template = "{{ bos_token }}" + tokenizer.chat_template
    assert "not exactly one BOS in 10 of 10 prompts (8 of them ours)" in prove(written_tokenizer=doubled).reasons


def test_other_merges_are_unproven(prove: Prove, tokenizer: Any) -> None:
    import json

    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerFast

    spec = json.loads(tokenizer.backend_tokenizer.to_str())
    spec["model"]["merges"] = spec["model"]["merges"][:1]
    other = PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer.from_str(json.dumps(spec)),
        **{name: getattr(tokenizer, name) for name in ("bos_token", "eos_token", "pad_token", "chat_template")},
    )
    reasons = prove(written_tokenizer=other).reasons
    assert "other token ids for 10 of 10 prompts (8 of them ours), first 'a ball of 12 mm'" in reasons


CAFE = "A plate for the cafe\u0301, 50 x 30 x 5 mm, with rounded corners and four holes"
NFC_WORDS = (
    "first 'A plate for the cafe\u0301, 50 x 30 x 5 mm, w…': the tokenizer rewrites it (U+0065 U+0301) in NFC, "
    "llama.cpp does not; write such texts in NFC"
)


@pytest.mark.parametrize(
    ("questions", "words"),
    [
        ([Question("a cube"), Question(CAFE)], f"other token ids for 1 of 10 prompts (8 of them ours), {NFC_WORDS}"),
        (
            [Question("x" * 60 + CAFE)],
            f"other token ids for 1 of 9 prompts (8 of them ours), first '…x{CAFE[:39]}…': the tokenizer rewrites it",
        ),
        (
            [Question(CAFE, is_plain=True)],
            f"other token ids for 1 of 1 prompt, {NFC_WORDS}",
        ),
        (
            [Question("a cafe", "e\u0301;")],
            "other token ids for 1 of 9 prompts (8 of them ours), first the known answer 'e\u0301;': the tokenizer",
        ),
    ],
    ids=["a short prompt", "far into a long one", "no prompts of ours", "an answer"],
)
def test_a_prompt_that_the_tokenizer_rewrites_is_named_with_the_cause(
    questions: list[Question], words: str, model: Any, tokenizer: Any, tmp_path: Path
) -> None:
    from tokenizers.normalizers import NFC

    rewriting = copy.deepcopy(tokenizer)
    rewriting.backend_tokenizer.normalizer = NFC()
    write_as(model, rewriting, tmp_path / "m.gguf", Origin(name="tiny"))
    proof = prove_file(tmp_path / "m.gguf", "f16", model, rewriting, questions)
    assert any(reason.startswith(words) for reason in proof.reasons), proof.reasons
    assert read_proof(proof.as_dict() | {"file": proof.file}) == proof


def test_qwens_own_tokenizer_rewrites_a_decomposed_accent(qwen25: Path, tmp_path: Path) -> None:
    from cadmonkey.gguf.merge import load_merged

    model, tokenizer = load_merged(qwen25)
    write_as(model, tokenizer, tmp_path / "m.gguf", Origin(name="qwen"))
    reasons = prove_file(tmp_path / "m.gguf", "f16", model, tokenizer, [Question(CAFE)]).reasons
    assert f"other token ids for 1 of 9 prompts (8 of them ours), {NFC_WORDS}" in reasons


def test_q8_0_of_a_random_model_is_unproven_too(
    model: Any, tokenizer: Any, new_llama: Callable[..., Any], tmp_path: Path
) -> None:
    write_as(new_llama(), tokenizer, tmp_path / "f16.gguf", Origin(name="tiny"))
    quantise(tmp_path / "f16.gguf", tmp_path / "q8.gguf", "q8_0")
    assert not prove_file(tmp_path / "q8.gguf", "q8_0", model, tokenizer, read_questions(None, 8)).proven


@pytest.mark.parametrize("right", [0, 1, 7, 100], ids=lambda right: f"right up to {right}")
def test_no_guess_changes_the_answer(
    right: int, model: Any, tokenizer: Any, base_rows: list[dict[str, str]], tmp_path: Path
) -> None:
    from cadmonkey.gguf.player import Player

    write_as(model, tokenizer, tmp_path / "m.gguf", Origin(name="tiny"))
    with Player(tmp_path / "m.gguf", n_ctx=128) as player:
        for prompt in (base_rows[0]["prompt"], "something it never saw"):
            ids = player.tokenize(player.render(prompt))
            plain = player.answer(ids, 48)
            guess = [*plain.token_ids[:right], 5, 6, 7]
            guessed = player.answer(ids, 48, guess)
            assert (guessed.token_ids, guessed.stopped) == (plain.token_ids, plain.stopped)
            assert guessed.logits == pytest.approx(plain.logits, abs=1e-2)


def test_a_prompt_longer_than_the_context_counts_as_unequal(model: Any, tokenizer: Any, tmp_path: Path) -> None:
    write_as(model, tokenizer, tmp_path / "m.gguf", Origin(name="tiny"))
    questions = [Question("a long story " * 200), Question("a cube")]
    figures = prove_file(tmp_path / "m.gguf", "f16", model, tokenizer, questions).figures
    assert figures.greedy_equal == 0.5


def test_forced_answers_equal_generated_ones(
    model: Any, tokenizer: Any, base_rows: list[dict[str, str]], tmp_path: Path
) -> None:
    """The shortcut of the proof, one forward pass, must agree with transformers generating by itself."""
    import torch

    from cadmonkey.gguf.player import Player

    write_as(model, tokenizer, tmp_path / "m.gguf", Origin(name="tiny"))
    prompts = [*(row["prompt"] for row in base_rows), "something it never saw", "1 2 3"]
    figures = prove_file(tmp_path / "m.gguf", "f16", model, tokenizer, [Question(p) for p in prompts]).figures
    same = 0
    with Player(tmp_path / "m.gguf", n_ctx=256) as player:
        for prompt in prompts:
            ids = player.tokenize(player.render(prompt))
            out = model.generate(
                torch.tensor([ids]), do_sample=False, max_new_tokens=48, eos_token_id=tokenizer.eos_token_id
            )
            same += out[0, len(ids) :].tolist() == player.answer(ids, 48).token_ids
    assert figures.greedy_equal == same / len(prompts)


@pytest.mark.parametrize("wrong_from", [0, 3, None])
def test_what_is_the_models_own_of_anothers_answer_is_not_generated_again(
    wrong_from: int | None, model: Any, tokenizer: Any, base_rows: list[dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    from cadmonkey.gguf import original

    questions = [Question(row["prompt"], row["completion"]) for row in base_rows]
    first, second = (original.Original(model, tokenizer, questions) for _ in range(2))
    conversation = first.asked[0]
    (own,) = first.own_answers([conversation])
    other = own if wrong_from is None else (*own[:wrong_from], tokenizer.bos_token_id, *own[wrong_from + 1 :])
    second.learn(conversation, other, second.logits([(conversation.prompt_ids, other)])[0])
    rooms: list[int] = []
    generate = original.generate
    monkeypatch.setattr(original, "generate", lambda *given: rooms.extend(given[3]) or generate(*given))
    assert second.own_answers([conversation]) == [own]
    assert rooms == ([] if wrong_from is None else [conversation.max_tokens - wrong_from - 1])


@pytest.mark.parametrize("folder", ["llama32", "qwen25"])
def test_real_tokenizers_and_templates_agree_for_every_prompt(
    folder: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    from cadmonkey.gguf.merge import load_merged

    model, tokenizer = load_merged(request.getfixturevalue(folder))
    write_as(model, tokenizer, tmp_path / "m.gguf", Origin(name=folder))
    proof = prove_file(tmp_path / "m.gguf", "f16", model, tokenizer, read_questions(None, 8))
    figures = proof.figures
    assert (figures.template_equal, figures.tokens_equal, figures.one_bos) == (1, 1, 1)
    assert figures.end_token_equal
    assert figures.mean_kl < 1e-3


def test_a_broken_file_is_a_clear_error(model: Any, tokenizer: Any, tmp_path: Path) -> None:
    (tmp_path / "m.gguf").write_bytes(b"GGUF" + bytes(64))
    with pytest.raises(RunError, match=r"m\.gguf: llama\.cpp cannot load"):
        prove_file(tmp_path / "m.gguf", "f16", model, tokenizer, [Question("x")])


def test_prompts_without_a_prompt_name_file_and_line(tmp_path: Path) -> None:
    (tmp_path / "p.jsonl").write_text('{"prompt": "a cube"}\n{"text": "a ball"}\n')
    with pytest.raises(InputError, match=r'p\.jsonl:2: .*"prompt"'):
        read_questions(tmp_path / "p.jsonl", 10)
