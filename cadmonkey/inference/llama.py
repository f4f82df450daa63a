"""The few calls of llama.cpp that generation needs, over llama-cpp-python's ctypes binding; quiet, errors explained."""

import ctypes
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from cadmonkey.errors import InputError, RunError
from cadmonkey.inference.grammar import Guide, Scores, Vocabulary

_log_lines: list[str] = []
_log_callback: Any = None


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """How the next token is chosen; temperature 0 takes the likeliest."""

    temperature: float = 0.0
    top_p: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse values that llama.cpp would take without a word."""
        if not 0 <= self.temperature < math.inf:
            raise InputError(f"temperature: expected 0 or more, got {self.temperature}")
        if not 0 < self.top_p <= 1:
            raise InputError(f"top_p: expected more than 0 and at most 1, got {self.top_p}")
        if not 0 <= self.seed < 2**32:
            raise InputError(f"seed: expected 0 to {2**32 - 1}, got {self.seed}")


def load_library() -> ModuleType:
    """Import llama-cpp-python and keep llama.cpp's log in memory instead of on stderr."""
    global _log_callback
    import llama_cpp

    if _log_callback is None:
        _log_callback = llama_cpp.llama_log_callback(_remember)
        llama_cpp.llama_backend_init()
    # Importing or using llama_cpp.Llama elsewhere sets another callback, so ours is set again each time.
    llama_cpp.llama_log_set(_log_callback, ctypes.c_void_p(0))
    return llama_cpp  # type: ignore[no-any-return]


def _remember(level: int, text: bytes, _: Any) -> None:
    if level >= 3:  # GGML_LOG_LEVEL_WARN = 3, ERROR = 4, CONT = 5
        _log_lines.append(text.decode("utf-8", errors="replace").strip())
        del _log_lines[:-8]


class Model:
    """A GGUF in memory with one context; `close` it, or use it in a `with` block."""

    def __init__(self, path: Path, *, n_ctx: int, n_threads: int | None) -> None:
        """Load the file.

        Args:
            path: the GGUF.
            n_ctx: tokens of prompt and answer together; no more than the model was trained for is used.
            n_threads: CPU threads; None: what pays for a model of this size (see `_threads_for`).

        Raises:
            InputError: the file is missing, is no GGUF, or llama.cpp cannot read it.
        """
        check_gguf(path)
        self.path = path
        self._c = load_library()
        self._model = self._load()
        self._vocab = self._c.llama_model_get_vocab(self._model)
        self.n_ctx = min(n_ctx, int(self._c.llama_model_n_ctx_train(self._model)))
        self._context = self._make_context(n_threads or _threads_for(path.stat().st_size))
        self._memory = self._c.llama_get_memory(self._context)
        self._piece = ctypes.create_string_buffer(512)

    def __enter__(self) -> "Model":
        """Return the model itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Free the model."""
        self.close()

    def close(self) -> None:
        """Free the memory; calling it twice is fine."""
        if self._context:
            self._c.llama_free(self._context)
            self._c.llama_model_free(self._model)
            self._context = self._model = None

    def _load(self) -> Any:
        _log_lines.clear()
        model = self._c.llama_model_load_from_file(os.fsencode(self.path), self._c.llama_model_default_params())
        if not model:
            raise InputError(f"{self.path}: llama.cpp cannot load it ({_complaint()}); export or download it again")
        return model

    def _make_context(self, threads: int) -> Any:
        parameters = self._c.llama_context_default_params()
        parameters.n_ctx = parameters.n_batch = self.n_ctx
        parameters.n_ubatch = min(self.n_ctx, 512)
        parameters.n_threads = parameters.n_threads_batch = threads
        context = self._c.llama_init_from_model(self._model, parameters)
        if not context:
            raise RunError(f"{self.path}: llama.cpp cannot make a context of {self.n_ctx} tokens ({_complaint()})")
        return context

    def metadata(self, key: str) -> str:
        """Return a text of the GGUF's metadata, "" where it lacks one."""
        size = self._c.llama_model_meta_val_str(self._model, key.encode(), None, 0)
        if size < 0:
            return ""
        buffer = ctypes.create_string_buffer(size + 1)
        self._c.llama_model_meta_val_str(self._model, key.encode(), buffer, size + 1)
        return buffer.value.decode("utf-8")

    def token_text(self, token: int) -> str:
        """Return a token as it is spelled in the vocabulary, "" for no token (-1)."""
        return "" if token < 0 else str(self._c.llama_vocab_get_text(self._vocab, token).decode("utf-8"))

    @property
    def bos_token(self) -> str:
        """The text of the GGUF's BOS, "" where it has none."""
        return self.token_text(self._c.llama_vocab_bos(self._vocab))

    @property
    def eos_token(self) -> str:
        """The text of the GGUF's EOS, "" where it has none."""
        return self.token_text(self._c.llama_vocab_eos(self._vocab))

    @cached_property
    def end_tokens(self) -> frozenset[int]:
        """The ids that end a generation, as the GGUF and llama.cpp define them."""
        is_end, vocab = self._c.llama_vocab_is_eog, self._vocab
        return frozenset(token for token in self._tokens() if is_end(vocab, token))

    @cached_property
    def turn_ends(self) -> frozenset[int]:
        """Those of them that the GGUF names as EOS and EOT; the others llama.cpp knows by their spelling."""
        return frozenset((self._c.llama_vocab_eos(self._vocab), self._c.llama_vocab_eot(self._vocab))) & self.end_tokens

    @cached_property
    def reserved_tokens(self) -> frozenset[int]:
        """The ids that are never text and never an end: reserved, header, unused and unknown tokens."""
        attributes, vocab = self._c.llama_vocab_get_attr, self._vocab
        never = self._c.LLAMA_TOKEN_ATTR_CONTROL | self._c.LLAMA_TOKEN_ATTR_UNUSED | self._c.LLAMA_TOKEN_ATTR_UNKNOWN
        return frozenset(token for token in self._tokens() if attributes(vocab, token) & never) - self.end_tokens

    def _tokens(self) -> range:
        return range(self._c.llama_vocab_n_tokens(self._vocab))

    def tokenize(self, text: str) -> list[int]:
        """Return the ids of `text`, special tokens parsed, nothing added."""
        data = text.encode("utf-8")
        room = len(data) + 8
        ids = (self._c.llama_token * room)()
        count = self._c.llama_tokenize(self._vocab, data, len(data), ids, room, False, True)
        return list(ids[:count])

    def decode(self, tokens: Sequence[int]) -> str:
        """Return the text of `tokens`; bytes that are no UTF-8 become U+FFFD."""
        return b"".join(self._bytes(token) for token in tokens).decode("utf-8", errors="replace")

    def _bytes(self, token: int) -> bytes:
        size = self._c.llama_token_to_piece(self._vocab, token, self._piece, len(self._piece), 0, False)
        return self._piece.raw[: max(size, 0)]

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """Every token by its bytes; read once, as it takes a moment for a large vocabulary."""
        return Vocabulary([self._bytes(token) for token in self._tokens()], self.end_tokens, self.reserved_tokens)

    def sample_program(self, prompt: Sequence[int], guide: Guide, how: Sampling) -> list[int]:
        """Return the tokens of a program that follows `prompt`, its end token last; `guide` sees that it is one."""
        self._c.llama_memory_clear(self._memory, True)
        draw = _Draw(how)
        tokens: list[int] = []
        batch = (self._c.llama_token * len(prompt))(*prompt)
        while not tokens or tokens[-1] not in self.end_tokens:
            self._evaluate(batch)
            tokens.append(guide.choose(draw.scores(self._logits())))
            batch = (self._c.llama_token * 1)(tokens[-1])
        return tokens

    def _logits(self) -> Scores:
        """Return a view of the last token's logits (vocab); numpy's own way from a pointer takes ten times as long."""
        address = ctypes.addressof(self._c.llama_get_logits_ith(self._context, -1).contents)
        table = (ctypes.c_float * len(self._tokens())).from_address(address)
        return np.frombuffer(memoryview(table), np.float32)

    def sample(
        self, prompt: Sequence[int], max_tokens: int, stops: frozenset[int], masked: frozenset[int], how: Sampling
    ) -> list[int]:
        """Return the tokens that follow `prompt`, up to and with the first of `stops`, at most `max_tokens`."""
        self._c.llama_memory_clear(self._memory, True)
        sampler = self._sampler(masked, how)
        tokens: list[int] = []
        batch = (self._c.llama_token * len(prompt))(*prompt)
        try:
            while len(tokens) < max_tokens:
                self._evaluate(batch)
                tokens.append(self._c.llama_sampler_sample(sampler, self._context, -1))
                if tokens[-1] in stops:
                    break
                batch = (self._c.llama_token * 1)(tokens[-1])
        finally:
            self._c.llama_sampler_free(sampler)
        return tokens

    def _evaluate(self, batch: Any) -> None:
        if self._c.llama_decode(self._context, self._c.llama_batch_get_one(batch, len(batch))):
            raise RunError(f"{self.path}: llama.cpp failed on {len(batch)} tokens ({_complaint()})")

    def _sampler(self, masked: frozenset[int], how: Sampling) -> Any:
        c = self._c
        chain = c.llama_sampler_chain_init(c.llama_sampler_chain_default_params())
        biases = (c.llama_logit_bias * len(masked))(*(c.llama_logit_bias(t, -math.inf) for t in sorted(masked)))
        links = [c.llama_sampler_init_logit_bias(len(self._tokens()), len(masked), biases)] if masked else []
        if how.temperature == 0:
            links.append(c.llama_sampler_init_greedy())
        else:
            links += [
                c.llama_sampler_init_top_p(how.top_p, 1),
                c.llama_sampler_init_temp(how.temperature),
                c.llama_sampler_init_dist(how.seed),
            ]
        for link in links:
            c.llama_sampler_chain_add(chain, link)
        return chain


class _Draw:
    """Scores whose largest is the drawn token, and whose next largest is the one drawn without the first.

    Gumbel noise on log probabilities draws like their softmax, and its order is that of drawing without putting back.
    """

    def __init__(self, how: Sampling) -> None:
        self._how = how
        self._random = np.random.default_rng(how.seed)

    def scores(self, logits: Scores) -> Scores:
        """Return new scores (vocab) for these logits."""
        if self._how.temperature == 0:
            return logits.copy()
        shifted = (logits - logits.max()).astype(np.float64)
        drawn = shifted / self._how.temperature + self._random.gumbel(size=len(shifted))
        if self._how.top_p < 1:
            outside = _outside_nucleus(shifted, self._how.top_p)
            # what is outside comes last, the likeliest first: it is taken only if all the rest is refused
            drawn[outside] = drawn[~outside].min() - 1 + shifted[outside]
        return np.asarray(drawn)


def _outside_nucleus(shifted: Scores, top_p: float) -> "np.ndarray[Any, np.dtype[np.bool_]]":
    """Which tokens are not among the likeliest that hold `top_p` of the probability."""
    order = np.argsort(-shifted)
    probabilities = np.exp(shifted[order])
    before = np.cumsum(probabilities) - probabilities
    outside = np.empty(len(shifted), dtype=np.bool_)
    outside[order] = before >= top_p * probabilities.sum()
    return outside


def check_gguf(path: Path) -> None:
    """Look at the first bytes, before anything heavy is imported.

    Raises:
        InputError: the file is missing, cannot be read, or is no GGUF.
    """
    remedy = "expected a GGUF model; make one with `python export/to_gguf.py RUN`"
    try:
        with path.open("rb") as file:
            magic = file.read(4)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error}); {remedy}") from error
    if magic != b"GGUF":
        raise InputError(f"{path}: no GGUF file (it starts with {magic!r}); {remedy}")


def _complaint() -> str:
    """Return llama.cpp's most telling line: the first that it logged as a warning or error."""
    told = [line.rpartition("error loading model: ")[2] for line in _log_lines if "error" in line or "fail" in line]
    return (told or [line for line in _log_lines if line] or ["it gives no reason"])[0]


def _threads_for(size_bytes: int) -> int:
    """Return a thread for every 32 MB of weights, at least 1, at most the cores that this process may use, or 8.

    A token of a small model takes a fraction of a millisecond, less than threads need to meet: on a busy machine
    two threads were a hundred times slower than one.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(cores, 8, size_bytes // (32 << 20)))
