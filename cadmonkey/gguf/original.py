"""The trained model in transformers, as the yardstick of a proof: what it is asked, its logits, its own answers."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from copy import copy
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, cast

from cadmonkey.data.chat import bare_text, conversation, freeze_template
from cadmonkey.gguf.questions import PROBES, Question, plain_questions
from cadmonkey.gguf.score import Scorer
from cadmonkey.gguf.vocabulary_check import TrainedVocabulary
from cadmonkey.terminal import progress

if TYPE_CHECKING:
    import torch

PLAIN_MAX_TOKENS = 48
BATCH_PROMPTS = 16
BATCH_LOGITS = 50_000_000
"""Logits held at once, 200 MB for each model; with 128,256 tokens in the vocabulary that is 390 positions."""
KEPT_STATES = 100_000_000
"""Numbers of the last layer kept for the next file, 400 MB; what does not fit is computed again."""

_UNICODE_FORMS: tuple[Literal["NFC", "NFD", "NFKC", "NFKD"], ...] = ("NFC", "NFD", "NFKC", "NFKD")

Path = tuple[tuple[int, ...], tuple[int, ...]]
"""Ids of a prompt, and of a text that follows it."""


@dataclass(frozen=True)
class Conversation:
    """A question as the trained model's own tokenizer has it."""

    question: Question
    text: str
    prompt_ids: tuple[int, ...]
    completion_ids: tuple[int, ...]
    """Of the known answer, without its end; empty where none is known."""
    max_tokens: int
    """How long an answer may be."""


class Original:
    """The trained model with the questions; what one file made it compute serves for the next."""

    def __init__(self, model: Any, tokenizer: Any, questions: Sequence[Question]) -> None:
        """Render and tokenize the questions, with a few plain ones behind them where there are none among them."""
        tokenizer = _with_one_template(tokenizer)
        self.model, self.tokenizer = model, tokenizer
        asked = [_as_trained(tokenizer, question) for question in questions]
        max_tokens = _longest_answer(asked)
        self.asked = tuple(_limited(c, PLAIN_MAX_TOKENS if c.question.is_plain else max_tokens) for c in asked)
        has_plain = any(question.is_plain for question in questions)
        probes = () if has_plain else plain_questions(PROBES)
        self.probes = tuple(_limited(_as_trained(tokenizer, question), PLAIN_MAX_TOKENS) for question in probes)
        self.max_tokens = max(c.max_tokens for c in self.every)
        self.scorer = Scorer([c.question for c in self.asked])
        self._own: dict[tuple[int, ...], tuple[int, ...]] = {}
        self._begun: dict[tuple[int, ...], tuple[int, ...]] = {}
        self._states: dict[Path, torch.Tensor] = {}
        self._kept = 0

    @property
    def every(self) -> tuple[Conversation, ...]:
        """All that a file is asked."""
        return (*self.asked, *self.probes)

    @cached_property
    def vocabulary(self) -> TrainedVocabulary:
        """What a file's vocabulary must be."""
        return TrainedVocabulary.of(self.tokenizer, self.model.get_input_embeddings().weight.shape[0])

    @property
    def dtype(self) -> str:
        """In which the model computes, float32 or bfloat16."""
        return str(self.model.dtype).removeprefix("torch.")

    @property
    def eos_id(self) -> int:
        """The end token."""
        return int(self.tokenizer.eos_token_id)

    def batches(self, conversations: Sequence[Conversation]) -> Iterable[Sequence[Conversation]]:
        """Cut into batches whose logits fit into memory."""
        size = min(BATCH_PROMPTS, max(1, BATCH_LOGITS // (self.max_tokens * self.model.config.vocab_size)))
        return (conversations[start : start + size] for start in range(0, len(conversations), size))

    def logits(self, paths: Sequence[Path]) -> "list[torch.Tensor]":
        """Return the logits (tokens, vocab) from which each token behind the prompt would be chosen."""
        import torch

        missing = [path for path in dict.fromkeys(paths) if path[1] and path not in self._states]
        states = dict(zip(missing, _last_states(self.model, missing), strict=True))
        for path, made in states.items():
            if self._kept + made.numel() <= KEPT_STATES:
                self._states[path] = made
                self._kept += made.numel()
        known = self._states | states
        nothing = torch.empty(0, self.model.config.vocab_size)
        return [_to_logits(self.model, known[path]) if path[1] else nothing for path in paths]

    def known_text(self, conversation: Conversation) -> tuple[int, ...]:
        """Return what both models are measured on: the known answer and its end, else the model's own, if known yet."""
        if conversation.completion_ids:
            return (*conversation.completion_ids, self.eos_id)
        return self._own.get(conversation.prompt_ids, ())

    def learn(self, conversation: Conversation, token_ids: Sequence[int], logits: "torch.Tensor") -> None:
        """Note how far another's answer is the model's own greedy one, by the logits (tokens, vocab) along it."""
        import torch

        chosen, ends = torch.tensor(token_ids), self._ends()
        same = logits.gather(1, chosen[:, None])[:, 0] == logits.max(dim=1).values  # never of NaN
        agreed = int(same.long().cumprod(0).sum())
        own = [*token_ids[:agreed], *logits[agreed : agreed + 1].argmax(dim=1).tolist()]
        length = next((place for place, token in enumerate(own, start=1) if token in ends), len(own))
        begun = tuple(own[: min(length, conversation.max_tokens)])
        is_part = _goes_on(begun, conversation.max_tokens, ends)
        (self._begun if is_part else self._own).setdefault(conversation.prompt_ids, begun)

    def own_answers(self, conversations: Sequence[Conversation]) -> list[tuple[int, ...]]:
        """Return the model's own greedy answers with their ends; what is not known of them yet is generated."""
        unknown = [c for c in conversations if c.prompt_ids not in self._own]
        with progress("generate the model's own answers", len(unknown), passing=True) as advance:
            for start in range(0, len(unknown), BATCH_PROMPTS):
                self._generate(unknown[start : start + BATCH_PROMPTS])
                for _ in unknown[start : start + BATCH_PROMPTS]:
                    advance("")
        return [self._own[c.prompt_ids] for c in conversations]

    def _generate(self, batch: Sequence[Conversation]) -> None:
        """Generate what is not known yet of the own answers."""
        begun = [self._begun.get(c.prompt_ids, ()) for c in batch]
        prompts = [c.prompt_ids + known for c, known in zip(batch, begun, strict=True)]
        rooms = [c.max_tokens - len(known) for c, known in zip(batch, begun, strict=True)]
        answers = generate(self.model, prompts, self._ends(), rooms)
        self._own |= {c.prompt_ids: begun[place] + answers[place] for place, c in enumerate(batch)}

    def spelt_otherwise(self, text: str) -> tuple[int, str]:
        """Return where the tokenizer first rewrites the Unicode of `text`, and how in words; (0, "") if nowhere.

        llama.cpp normalises no text.
        """
        name = type(self.tokenizer.backend_tokenizer.normalizer).__name__
        form = next((form for form in _UNICODE_FORMS if form == name), None)
        if form is None or unicodedata.is_normalized(form, text):
            return 0, ""
        # each character with the accents that follow it is rewritten by itself
        clusters = re.finditer(r".[\u0300-\u036f]*", text, re.DOTALL)
        found = next((c for c in clusters if not unicodedata.is_normalized(form, c.group())), None)
        codes = "" if found is None else f" ({' '.join(f'U+{ord(c):04X}' for c in found.group())})"
        how = f"the tokenizer rewrites it{codes} in {form}, llama.cpp does not; write such texts in {form}"
        return 0 if found is None else found.start(), how

    def stops(self, token_ids: Sequence[int]) -> bool:
        """Whether an answer of the model has its end."""
        return bool(token_ids) and token_ids[-1] in self._ends()

    def code(self, token_ids: Sequence[int]) -> str:
        """Return the text of an answer without its end."""
        kept = token_ids[:-1] if self.stops(token_ids) else token_ids
        return str(self.tokenizer.decode(list(kept), skip_special_tokens=False, clean_up_tokenization_spaces=False))

    def _ends(self) -> set[int]:
        named = getattr(self.model.generation_config, "eos_token_id", None)
        others = named if isinstance(named, list) else [] if named is None else [named]
        return {self.eos_id, *others}


def forced_logits(model: Any, paths: Sequence[Path]) -> "list[torch.Tensor]":
    """Return the logits (tokens, vocab) for each path on the CPU, from one right-padded forward pass over all."""
    return [_to_logits(model, states) for states in _last_states(model, paths)]


def _to_logits(model: Any, states: "torch.Tensor") -> "torch.Tensor":
    import torch

    with torch.inference_mode():
        return cast("torch.Tensor", model.get_output_embeddings()(states.to(model.device)).float().cpu())


def _last_states(model: Any, paths: Sequence[Path]) -> "list[torch.Tensor]":
    """Return what the output head reads (tokens, hidden) for each path, on the CPU: smaller than logits by far."""
    import torch

    if not paths:
        return []
    rows = [torch.tensor([*prompt_ids, *token_ids]) for prompt_ids, token_ids in paths]
    ids = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True).to(model.device)
    lengths = torch.tensor([len(row) for row in rows], device=ids.device)
    mask = torch.arange(ids.shape[1], device=ids.device) < lengths[:, None]
    with torch.inference_mode():
        hidden = model.base_model(input_ids=ids, attention_mask=mask.long()).last_hidden_state
    # the token at a position was chosen from the state one position before it
    ends = [(len(prompt_ids) - 1, len(prompt_ids) - 1 + len(token_ids)) for prompt_ids, token_ids in paths]
    return [states[start:end].cpu().clone() for states, (start, end) in zip(hidden, ends, strict=True)]


def generate(
    model: Any, prompts: Sequence[Sequence[int]], ends: set[int], max_tokens: Sequence[int]
) -> list[tuple[int, ...]]:
    """Answer greedily from the raw logits, left-padded in one batch, each answer with its end.

    transformers' `generate` would apply what generation_config.json asks for: penalties, minimal lengths.
    """
    import torch

    width, limit = max(len(ids) for ids in prompts), model.config.max_position_embeddings
    ids = torch.tensor([[0] * (width - len(ids)) + list(ids) for ids in prompts], device=model.device)
    mask = torch.tensor([[0] * (width - len(ids)) + [1] * len(ids) for ids in prompts], device=model.device)
    answers: list[list[int]] = [[] for _ in prompts]
    rooms = [min(most, limit - len(ids)) for most, ids in zip(max_tokens, prompts, strict=True)]
    cache = None
    with torch.inference_mode():
        while any(_goes_on(answer, room, ends) for answer, room in zip(answers, rooms, strict=True)):
            places = (mask.cumsum(dim=1) - 1).clamp(min=0)[:, -ids.shape[1] :]
            out = model(input_ids=ids, attention_mask=mask, position_ids=places, past_key_values=cache, use_cache=True)
            cache, ids = out.past_key_values, out.logits[:, -1].argmax(dim=1, keepdim=True)
            mask = torch.cat([mask, torch.ones_like(ids)], dim=1)
            for answer, room, token in zip(answers, rooms, ids[:, 0].tolist(), strict=True):
                if _goes_on(answer, room, ends):
                    answer.append(token)
    return [tuple(answer) for answer in answers]


def _goes_on(answer: Sequence[int], room: int, ends: set[int]) -> bool:
    return len(answer) < room and not (answer and answer[-1] in ends)


def _with_one_template(tokenizer: Any) -> Any:
    """Return the tokenizer with the template that a file holds, where it has one beside others (for tools)."""
    if not isinstance(tokenizer.chat_template, dict):
        return tokenizer
    single = copy(tokenizer)
    single.chat_template = tokenizer.chat_template.get("default")
    return single


def _as_trained(tokenizer: Any, question: Question) -> Conversation:
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

    def ids(words: str) -> tuple[int, ...]:
        return tuple(tokenizer(words, add_special_tokens=False)["input_ids"])

    return Conversation(question, text, ids(text), ids(question.completion), 0)


def _longest_answer(conversations: Iterable[Conversation]) -> int:
    """Allow half as many tokens again as the longest known answer."""
    longest = max((len(c.completion_ids) for c in conversations), default=0)
    return longest + longest // 2 + 1 if longest else PLAIN_MAX_TOKENS


def _limited(conversation: Conversation, max_tokens: int) -> Conversation:
    return replace(conversation, max_tokens=max_tokens)
