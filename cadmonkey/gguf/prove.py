"""Whether a GGUF file says what the trained model says: same text, same tokens, same greedy answers, same end."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cadmonkey.data.chat import Prompt, asked, bare_text, conversation, freeze_template
from cadmonkey.errors import InputError
from cadmonkey.files import read_jsonl
from cadmonkey.gguf.player import Answer, Player
from cadmonkey.gguf.proof import Figures, FileProof, thresholds

if TYPE_CHECKING:
    import torch

PLAIN_PROMPTS = (
    "A plate of 50 x 30 x 5 mm with a 4 mm hole in each corner",
    "10 mm diameter 25 mm tall standoff",
    "Write a haiku about the sea.",
    "Name three prime numbers between 20 and 40.",
    "def fibonacci(n):\n    ",
    "What's the capital of France? I'll need 1,234.5 of them…",
    "Erkläre in einem Satz, was ein Zahnrad ist.\n\n\tDanke!",
    "重力とは何ですか。",
)
"""Asked beside the held-out prompts, or alone where there are none.

Digits, spaces, accents and scripts try the tokenizer; and a model that is sure of its own subject hides wrong numbers
there, but not on what it never saw (a layer off by a tenth changes no answer of such a model, only these divergences).
"""

PLAIN_MAX_TOKENS = 48
BATCH_PROMPTS = 16
BATCH_LOGITS = 100_000_000
"""Logits held at once, 400 MB; with 128,256 tokens in the vocabulary that is 780 positions."""


@dataclass(frozen=True)
class Question:
    """One prompt to prove on, and the answer it should get where that is known."""

    prompt: Prompt
    completion: str = ""


@dataclass(frozen=True)
class _Conversation:
    """A question as the trained model's own tokenizer has it."""

    question: Question
    text: str
    prompt_ids: list[int]
    completion_ids: list[int]


@dataclass(frozen=True)
class _Reply:
    """How one answer of the file compares with the trained model."""

    template_equal: bool
    tokens_equal: bool
    one_bos: bool
    greedy_equal: bool
    near_tie: bool
    stopped: bool
    reserved: bool
    kl: list[float]
    """One value per token of the answer, nats."""


def read_questions(path: Path | None, limit: int) -> tuple[Question, ...]:
    """Read the first `limit` held-out prompts, or take the plain ones if there is no file.

    Raises:
        InputError: the file is missing, broken or empty.
    """
    if path is None:
        return tuple(Question(prompt) for prompt in PLAIN_PROMPTS)
    rows = read_jsonl(path, ("prompt",))[:limit]
    if not rows:
        raise InputError(f'{path}: expected lines with a "prompt", got none')
    return tuple(Question(asked(row), str(row.get("completion", "")).strip()) for row in rows)


def prove_file(
    path: Path,
    quant: str,
    model: Any,
    tokenizer: Any,
    questions: Sequence[Question],
) -> FileProof:
    """Compare the GGUF file `path` with `model`.

    The file answers each question greedily; one forward pass of the model over question and answer then tells whether
    it would have answered the same: it would if and only if each token, the end included, is the model's first choice.
    That is exact and much faster than generating twice.

    Raises:
        RunError: llama.cpp cannot load the file.
    """
    asked = [_as_trained(tokenizer, question) for question in questions]
    probes = [_as_trained(tokenizer, Question(prompt)) for prompt in PLAIN_PROMPTS]
    max_tokens = _longest_answer(asked)
    room = 2 * max(len(c.prompt_ids) for c in asked + probes) + max_tokens  # a wrong file may need more tokens
    with Player(path, n_ctx=min(room + 16, model.config.max_position_embeddings)) as player:
        comparison = _Comparison(player, model, tokenizer, thresholds(quant, _dtype(model)).near_tie)
        replies = comparison.replies(asked, max_tokens)
        probe_replies = comparison.replies(probes, PLAIN_MAX_TOKENS)
        same_end = player.eos_id == tokenizer.eos_token_id and player.is_end(tokenizer.eos_token_id)
    return FileProof(
        file=path.name,
        quant=quant,
        reference=_dtype(model),
        size_bytes=path.stat().st_size,
        figures=_figures(replies, probe_replies, same_end),
    )


def _dtype(model: Any) -> str:
    return str(model.dtype).removeprefix("torch.")


def _as_trained(tokenizer: Any, question: Question) -> _Conversation:
    """Render by transformers' own code, so that both renderings are compared and not one with itself."""
    if tokenizer.chat_template:
        text = tokenizer.apply_chat_template(
            conversation(question.prompt),
            chat_template=freeze_template(tokenizer.chat_template),
            add_generation_prompt=True,
            tokenize=False,
        )
    else:
        text = (tokenizer.bos_token or "") + bare_text(question.prompt)

    def ids(words: str) -> list[int]:
        return list(tokenizer(words, add_special_tokens=False)["input_ids"])

    return _Conversation(question, text, ids(text), ids(question.completion))


def _longest_answer(conversations: Iterable[_Conversation]) -> int:
    """Allow half as many tokens again as the longest known answer."""
    longest = max(len(c.completion_ids) for c in conversations)
    return longest + longest // 2 + 1 if longest else PLAIN_MAX_TOKENS


@dataclass(frozen=True)
class _Comparison:
    """A file and the model it should be."""

    player: Player
    model: Any
    tokenizer: Any
    near_tie: float

    def replies(self, conversations: Sequence[_Conversation], max_tokens: int) -> list[_Reply]:
        """Let the file answer and the model judge, in batches whose logits fit into memory."""
        size = min(BATCH_PROMPTS, max(1, BATCH_LOGITS // (max_tokens * self.model.config.vocab_size)))
        batches = [conversations[start : start + size] for start in range(0, len(conversations), size)]
        return [reply for batch in batches for reply in self._batch(batch, max_tokens)]

    def _batch(self, batch: Sequence[_Conversation], max_tokens: int) -> list[_Reply]:
        texts = [self.player.render(c.question.prompt) for c in batch]
        answers = [
            self.player.answer(self.player.tokenize(text), max_tokens, self._draft(trained))
            for trained, text in zip(batch, texts, strict=True)
        ]
        logits = _model_logits(self.model, answers)
        return [self._reply(*together) for together in zip(batch, texts, answers, logits, strict=True)]

    def _draft(self, trained: _Conversation) -> list[int]:
        """Guess that the file gives the known answer, as it mostly does if the training went well."""
        return [*trained.completion_ids, self.tokenizer.eos_token_id] if trained.completion_ids else []

    def _reply(self, trained: _Conversation, text: str, answer: Answer, logits: "torch.Tensor") -> _Reply:
        import torch

        equal, tie, kl = _agreement(answer, logits, self.near_tie, torch.finfo(self.model.dtype).eps)
        completion_ids = self.player.tokenize(trained.question.completion)
        return _Reply(
            template_equal=text == trained.text,
            tokens_equal=answer.prompt_ids == trained.prompt_ids and completion_ids == trained.completion_ids,
            one_bos=_has_one_bos(answer.prompt_ids, self.player, self.tokenizer.bos_token_id),
            greedy_equal=equal,
            near_tie=tie,
            stopped=answer.stopped,
            reserved=answer.has_reserved_token,
            kl=kl,
        )


def _has_one_bos(prompt_ids: list[int], player: Player, bos_id: int | None) -> bool:
    """Exactly one, at the start; Qwen has none, and then the file must not add one."""
    if bos_id is None:
        return player.metadata.get("tokenizer.ggml.add_bos_token") == "false"
    return prompt_ids[:1] == [bos_id] and prompt_ids.count(bos_id) == 1


def _model_logits(model: Any, answers: Sequence[Answer]) -> "list[torch.Tensor]":
    """Return the model's logits (tokens, vocab) for each answer, from one right-padded forward pass over all."""
    import torch

    rows = [torch.tensor([*answer.prompt_ids, *answer.token_ids]) for answer in answers]
    ids = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True).to(model.device)
    lengths = torch.tensor([len(row) for row in rows], device=ids.device)
    mask = torch.arange(ids.shape[1], device=ids.device) < lengths[:, None]
    with torch.inference_mode():
        hidden = model.base_model(input_ids=ids, attention_mask=mask.long()).last_hidden_state
        head = model.get_output_embeddings()
        return [
            # the token at a position was chosen from the logits one position before it
            head(states[len(answer.prompt_ids) - 1 :][: len(answer.token_ids)]).float().cpu()
            for states, answer in zip(hidden, answers, strict=True)
        ]


def _agreement(
    answer: Answer, logits: "torch.Tensor", near_tie: float, rounding: float
) -> tuple[bool, bool, list[float]]:
    """Return whether the model would have given this answer, whether it only departs at near ties, and the KLs.

    `rounding` is the relative step of the model's own numbers: bfloat16 cannot tell logits apart that are closer.
    """
    import torch

    if not answer.token_ids:
        return False, False, []
    chosen = logits.gather(1, torch.tensor(answer.token_ids)[:, None])[:, 0]
    best = logits.max(dim=1).values
    gap = best - chosen
    # NaN counts as different
    equal, tie = bool((gap == 0).all()), bool((gap <= (2 * rounding * best.abs()).clamp(min=near_tie)).all())
    ours, theirs = torch.log_softmax(logits, dim=1), torch.log_softmax(torch.from_numpy(answer.logits), dim=1)
    kl = (ours.exp() * (ours - theirs)).sum(dim=1)
    return equal, tie and not equal, kl.tolist()


def _figures(replies: Sequence[_Reply], probes: Sequence[_Reply], same_end: bool) -> Figures:
    every, kl = [*replies, *probes], [value for reply in replies for value in reply.kl]
    return Figures(
        prompts=len(replies),
        template_equal=_mean([r.template_equal for r in every]),
        tokens_equal=_mean([r.tokens_equal for r in every]),
        one_bos=_mean([r.one_bos for r in every]),
        end_token_equal=same_end,
        greedy_equal=_mean([r.greedy_equal for r in replies]),
        near_ties=_mean([r.near_tie for r in replies]),
        stop_rate=_mean([r.stopped for r in replies]),
        reserved_token_rate=_mean([r.reserved for r in replies]),
        mean_kl=_mean(kl),
        max_kl=max(kl, default=math.nan),
        probe_kl=_mean([value for reply in probes for value in reply.kl]),
        mean_tokens=len(kl) / len(replies),
    )


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else math.nan
