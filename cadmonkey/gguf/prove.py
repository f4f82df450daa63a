"""Whether a GGUF file says what the trained model says: same text, same tokens, same greedy answers, same end."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cadmonkey.data.chat import bare_text
from cadmonkey.gguf.metadata_check import first_metadata_difference
from cadmonkey.gguf.origin import Origin
from cadmonkey.gguf.original import Conversation, Original
from cadmonkey.gguf.player import Answer, Player
from cadmonkey.gguf.proof import Figures, FileProof, TaskScore, thresholds
from cadmonkey.gguf.questions import Question
from cadmonkey.gguf.tensors import compare_tensors
from cadmonkey.terminal import Advance, progress

if TYPE_CHECKING:
    import numpy as np
    import torch


_SHOWN, _SHOWN_BEFORE = 40, 20
"""Characters of a prompt that a message repeats, and how many of them before the place that matters."""


@dataclass(frozen=True)
class TokenFigures:
    """How two models differ at each token of one text."""

    kl: list[float]
    """Divergence of the file's distribution from the original's, nats."""
    top_1: list[bool]
    """Whether both have the same first choice."""
    original_nll: list[float]
    """-log P(token), nats."""
    file_nll: list[float]


@dataclass(frozen=True)
class _Reply:
    """How one answer of the file compares with the trained model."""

    question: Question
    template_equal: bool
    prompt_tokens_equal: bool
    completion_tokens_equal: bool
    one_bos: bool
    greedy_equal: bool
    near_tie: bool
    stopped: bool
    reserved: bool
    original_stopped: bool
    original_reserved: bool
    token_ids: tuple[int, ...]
    tokens: TokenFigures

    @property
    def tokens_equal(self) -> bool:
        """Whether question and known answer have the trained tokenizer's ids."""
        return self.prompt_tokens_equal and self.completion_tokens_equal


def prove_against(
    path: Path,
    quant: str,
    original: Original,
    imatrix: "Mapping[str, np.ndarray[Any, Any]] | None" = None,
    origin: Origin | None = None,
) -> FileProof:
    """Compare the GGUF file `path` with the trained model; `imatrix` is what it was rounded by.

    The file answers each question greedily; one forward pass of the model over question and answer then tells whether
    it would have answered the same: it would if and only if each token, the end included, is the model's first choice.
    That is exact and much faster than generating twice. Divergences, first choices and perplexities are those of both
    models along the same text, the known answer or else the model's own, so that files can be compared. The numbers of
    the file are compared with the trained ones besides, because a model that is sure of its answers hides small faults,
    and so are its vocabulary, of which the questions touch a part, and its other metadata; what is recorded of the
    model's descent where `origin` is given.

    Raises:
        RunError: llama.cpp cannot load the file.
    """
    from gguf import GGUFReader

    room = 2 * max(len(c.prompt_ids) for c in original.every) + original.max_tokens  # a wrong file may need more tokens
    n_ctx = min(room + 16, original.model.config.max_position_embeddings)
    with Player(path, n_ctx) as player:
        comparison = _Comparison(player, original, thresholds(quant, original.dtype).near_tie)
        with progress(f"prove {quant}", len(original.every), passing=True) as advance:
            replies = comparison.replies(original.asked, advance)
            probes = comparison.replies(original.probes, advance)
        same_end = player.eos_id == original.eos_id and player.is_end(original.eos_id)
    reader = GGUFReader(path)
    tensors = compare_tensors(reader, original.model, quant, imatrix)
    return FileProof(
        file=path.name,
        quant=quant,
        reference=original.dtype,
        size_bytes=path.stat().st_size,
        figures=_figures(replies, probes, same_end),
        token_ids=_first_other_tokens(original, [*replies, *probes]),
        vocabulary=original.vocabulary.first_difference(reader),
        metadata=first_metadata_difference(reader, quant, original.model, original.tokenizer, origin),
        tensor=max(tensors, key=lambda tensor: tensor.excess(original.dtype)),
        score=_task_score(original, replies),
    )


@dataclass(frozen=True)
class _Heard:
    """What the file answered; how it compares with the model along a text, None where that is not known yet."""

    trained: Conversation
    text: str
    answer: Answer
    agreement: tuple[bool, bool]
    tokens: TokenFigures | None


@dataclass(frozen=True)
class _Comparison:
    """A file and the model it should be."""

    player: Player
    original: Original
    near_tie: float

    def replies(self, conversations: Sequence[Conversation], advance: Advance) -> list[_Reply]:
        """Let the file answer and the model judge, in batches whose logits fit into memory."""
        heard: list[_Heard] = []
        for batch in self.original.batches(conversations):
            heard += self._batch(batch)
            for _ in batch:
                advance("")
        own = self.original.own_answers(conversations)
        return [self._reply(each, own_ids) for each, own_ids in zip(heard, own, strict=True)]

    def _batch(self, batch: Sequence[Conversation]) -> list[_Heard]:
        texts = [self.player.render(c.question.prompt) for c in batch]
        answers = [
            self.player.answer(self.player.tokenize(text), c.max_tokens, self.original.known_text(c))
            for c, text in zip(batch, texts, strict=True)
        ]
        logits = self.original.logits([(tuple(a.prompt_ids), tuple(a.token_ids)) for a in answers])
        rounding = _rounding(self.original.model)
        agreements = [_agreement(a, rows, self.near_tie, rounding) for a, rows in zip(answers, logits, strict=True)]
        for conversation, answer, rows in zip(batch, answers, logits, strict=True):
            if answer.token_ids and tuple(answer.prompt_ids) == conversation.prompt_ids:
                self.original.learn(conversation, answer.token_ids, rows)
        known = [place for place, c in enumerate(batch) if self.original.known_text(c)]
        compared = self._along_the_texts([(batch[place], answers[place]) for place in known])
        figures = dict(zip(known, compared, strict=True))
        together = enumerate(zip(batch, texts, answers, agreements, strict=True))
        return [_Heard(c, text, a.without_logits(), equal, figures.get(n)) for n, (c, text, a, equal) in together]

    def _along_the_texts(self, pairs: Sequence[tuple[Conversation, Answer]]) -> list[TokenFigures]:
        """Compare the two models along the known answers, or where there is none along the model's own."""
        wanted = [self.original.known_text(conversation) for conversation, _ in pairs]
        theirs = [self.player.along(answer, text) for (_, answer), text in zip(pairs, wanted, strict=True)]
        paths = [
            (tuple(answer.prompt_ids), text[: len(rows)])
            for (_, answer), text, rows in zip(pairs, wanted, theirs, strict=True)
        ]
        together = zip(paths, self.original.logits(paths), theirs, strict=True)
        return [compare_tokens(path[1], ours, rows) for path, ours, rows in together]

    def _reply(self, heard: _Heard, own_ids: tuple[int, ...]) -> _Reply:
        trained, text, answer = heard.trained, heard.text, heard.answer
        completion_ids = tuple(self.player.tokenize(trained.question.completion))
        return _Reply(
            question=trained.question,
            template_equal=text == trained.text,
            prompt_tokens_equal=tuple(answer.prompt_ids) == trained.prompt_ids,
            completion_tokens_equal=completion_ids == trained.completion_ids,
            one_bos=all(
                _has_one_bos(ids, self.player, self.original.tokenizer.bos_token_id)
                for ids in (answer.prompt_ids, self.player.tokenize_as_server(text))
            ),
            greedy_equal=heard.agreement[0],
            near_tie=heard.agreement[1],
            stopped=answer.stopped,
            reserved=answer.has_reserved_token,
            original_stopped=self.original.stops(own_ids),
            original_reserved=self.player.has_reserved(own_ids),
            token_ids=tuple(answer.token_ids),
            tokens=heard.tokens or self._along_the_texts([(trained, answer)])[0],
        )


def _first_other_tokens(original: Original, replies: Sequence[_Reply]) -> str:
    """Name the first prompt whose token ids are others, and the cause where the tokenizer rewrites texts."""
    reply = next((reply for reply in replies if not reply.tokens_equal), None)
    if reply is None:
        return ""
    prompt, answer = bare_text(reply.question.prompt), reply.question.completion
    text, what = (answer, "the known answer") if reply.prompt_tokens_equal else (prompt, "")
    place, cause = original.spelt_otherwise(text)
    start = max(0, place - _SHOWN_BEFORE)
    shown = "…" * (start > 0) + text[start : start + _SHOWN] + "…" * (len(text) > start + _SHOWN)
    return f"{what} {shown!r}".lstrip() + (f": {cause}" if cause else "")


def _has_one_bos(prompt_ids: list[int], player: Player, bos_id: int | None) -> bool:
    """Exactly one, at the start; Qwen has none, and then the file must not add one."""
    if bos_id is None:
        return player.metadata.get("tokenizer.ggml.add_bos_token") == "false"
    return prompt_ids[:1] == [bos_id] and prompt_ids.count(bos_id) == 1


def _rounding(model: Any) -> float:
    """Return the relative step of the model's own numbers: bfloat16 cannot tell logits apart that are closer."""
    import torch

    return float(torch.finfo(model.dtype).eps)


def _agreement(answer: Answer, logits: "torch.Tensor", near_tie: float, rounding: float) -> tuple[bool, bool]:
    """Return whether the model would have given this answer, and whether it only departs at near ties."""
    import torch

    if not answer.token_ids:
        return False, False
    chosen = logits.gather(1, torch.tensor(answer.token_ids)[:, None])[:, 0]
    best = logits.max(dim=1).values
    gap = best - chosen
    # NaN counts as different
    equal, tie = bool((gap == 0).all()), bool((gap <= (2 * rounding * best.abs()).clamp(min=near_tie)).all())
    return equal, tie and not equal


def compare_tokens(token_ids: Sequence[int], logits: "torch.Tensor", others: Any) -> TokenFigures:
    """Compare the original's logits (tokens, vocab) along a text with another model's, a tensor or an array."""
    import torch

    if not token_ids:
        return TokenFigures([], [], [], [])
    chosen = torch.tensor(token_ids)[:, None]
    others = torch.as_tensor(others)
    ours, theirs = torch.log_softmax(logits, dim=1), torch.log_softmax(others, dim=1)
    return TokenFigures(
        kl=(ours.exp() * (ours - theirs)).sum(dim=1).tolist(),
        top_1=(logits.argmax(dim=1) == others.argmax(dim=1)).tolist(),
        original_nll=(-ours.gather(1, chosen)[:, 0]).tolist(),
        file_nll=(-theirs.gather(1, chosen)[:, 0]).tolist(),
    )


def _figures(replies: Sequence[_Reply], probes: Sequence[_Reply], same_end: bool) -> Figures:
    every = [*replies, *probes]
    plain = [reply.tokens for reply in every if reply.question.is_plain]
    held_out = [reply for reply in replies if not reply.question.is_plain] or list(replies)
    gold = [reply.tokens for reply in held_out if reply.question.completion] or [reply.tokens for reply in held_out]
    kl = [value for reply in held_out for value in reply.tokens.kl]
    return Figures(
        prompts=len(replies),
        probes=len(probes),
        held_out_prompts=sum(not reply.question.is_plain for reply in replies),
        known_answers=sum(bool(reply.question.completion) for reply in replies),
        template_equal=_mean([r.template_equal for r in every]),
        tokens_equal=_mean([r.tokens_equal for r in every]),
        one_bos=_mean([r.one_bos for r in every]),
        end_token_equal=same_end,
        greedy_equal=_mean([r.greedy_equal for r in held_out]),
        near_ties=_mean([r.near_tie for r in held_out]),
        stop_rate=_mean([r.stopped for r in held_out]),
        original_stop_rate=_mean([r.original_stopped for r in held_out]),
        original_reserved_token_rate=_mean([r.original_reserved for r in held_out]),
        reserved_token_rate=_mean([r.reserved for r in held_out]),
        mean_kl=_mean(kl),
        max_kl=max(kl, default=math.nan),
        probe_kl=_mean([value for tokens in plain for value in tokens.kl]),
        top_1=_mean([same for reply in held_out for same in reply.tokens.top_1]),
        perplexity=_perplexity([value for tokens in gold for value in tokens.file_nll]),
        original_perplexity=_perplexity([value for tokens in gold for value in tokens.original_nll]),
        mean_tokens=_mean([len(reply.token_ids) for reply in held_out]),
    )


def _task_score(original: Original, replies: Sequence[_Reply]) -> TaskScore | None:
    """Judge the file's answers and the original's own to the CAD rows, None where there are none.

    Where the original gives the file's answer it has the file's score; only elsewhere it must generate.
    """
    rows = sorted(original.scorer.rows)
    if not rows:
        return None
    own = dict(zip(rows, original.own_answers([original.asked[place] for place in rows]), strict=True))
    made = original.scorer.passed({place: original.code(replies[place].token_ids) for place in rows})
    wanted = original.scorer.passed({place: original.code(own[place]) for place in rows})
    return TaskScore(
        rows=len(rows),
        all_pass=sum(made.values()),
        original_all_pass=sum(wanted.values()),
        gained=sum(made[place] and not wanted[place] for place in rows),
        lost=sum(wanted[place] and not made[place] for place in rows),
    )


def _perplexity(nll: Sequence[float]) -> float:
    mean = _mean(nll)
    return math.exp(mean) if mean < 700 else math.inf if mean >= 700 else math.nan


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else math.nan
