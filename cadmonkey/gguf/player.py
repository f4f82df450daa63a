"""A GGUF file as llama.cpp plays it: its template, its tokens, its greedy answers."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from cadmonkey.data.chat import Prompt, bare_text, conversation, render_chat
from cadmonkey.errors import RunError
from cadmonkey.gguf.quantise import silence_llama_cpp

if TYPE_CHECKING:
    import numpy as np

ONE_THREAD_BYTES = 30 * 2**20
"""Files smaller than this are played in one thread: llama.cpp's threads would spend their time waiting for each other
(on two cores ten times as much as it takes to compute the shipped model's answers)."""


@dataclass(frozen=True)
class Answer:
    """A greedy answer; row i of `logits` (tokens, vocab) is what `token_ids[i]` was chosen from."""

    prompt_ids: list[int]
    token_ids: list[int]
    logits: "np.ndarray[Any, Any]"
    stopped: bool
    has_reserved_token: bool
    draft_ids: tuple[int, ...] = ()
    """The guess that was tried, cut to the room that there was."""
    draft_logits: "np.ndarray[Any, Any] | None" = None
    """(draft, vocab): from which each of its tokens would be chosen, were those before it the answer."""

    def without_logits(self) -> "Answer":
        """Return the ids alone: logits take as much memory as the vocabulary has tokens, for each of them."""
        return replace(self, logits=self.logits[:0].copy(), draft_ids=(), draft_logits=None)


class Player:
    """An open GGUF file; use it in a `with` block.

    Raises:
        RunError: llama.cpp cannot load the file.
    """

    def __init__(self, path: Path, n_ctx: int) -> None:
        """Load `path` with room for `n_ctx` tokens of prompt and answer."""
        import llama_cpp

        silence_llama_cpp()
        threads = 1 if path.is_file() and path.stat().st_size < ONE_THREAD_BYTES else None
        try:
            self._llama: Any = llama_cpp.Llama(
                str(path), n_ctx=n_ctx, n_batch=n_ctx, n_threads=threads, n_threads_batch=threads, verbose=False
            )
        except (ValueError, OSError, RuntimeError) as error:
            raise RunError(f"{path}: llama.cpp cannot load the file ({error})") from error
        self._vocab = llama_cpp.llama_model_get_vocab(self._llama.model)
        self._path, self._n_ctx = path, n_ctx
        self.metadata: dict[str, str] = self._llama.metadata

    def __enter__(self) -> Self:
        """Return the player itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Free the memory that llama.cpp holds."""
        self._llama.close()

    @property
    def eos_id(self) -> int:
        """The end token that the file names, -1 if it names none."""
        return int(self.metadata.get("tokenizer.ggml.eos_token_id", -1))

    @property
    def bos_id(self) -> int:
        """The token that begins every text, -1 if there is none."""
        return int(self.metadata.get("tokenizer.ggml.bos_token_id", -1))

    def render(self, prompt: Prompt) -> str:
        """Render the prompt with the file's own chat template; without one, a BOS and the bare text."""
        template = self.metadata.get("tokenizer.chat_template")
        bos_token, eos_token = self._text(self.bos_id), self._text(self.eos_id)
        if template is None:
            return bos_token + bare_text(prompt)
        return render_chat(
            template, conversation(prompt), bos_token=bos_token, eos_token=eos_token, add_generation_prompt=True
        )

    def tokenize(self, text: str) -> list[int]:
        """Return the ids of `text`, control tokens recognised, nothing added."""
        return list(self._llama.tokenize(text.encode(), add_bos=False, special=True))

    def tokenize_as_server(self, text: str) -> list[int]:
        """Return the ids of a rendered prompt with what the file has added to a text.

        Where that is a BOS, llama.cpp's server first takes the template's own away.
        """
        import llama_cpp

        if llama_cpp.llama_vocab_get_add_bos(self._vocab):
            text = text.removeprefix(self._text(self.bos_id))
        return list(self._llama.tokenize(text.encode(), add_bos=True, special=True))

    def is_end(self, token_id: int) -> bool:
        """Whether llama.cpp stops at this token."""
        import llama_cpp

        return bool(llama_cpp.llama_vocab_is_eog(self._vocab, token_id))

    def has_reserved(self, token_ids: Sequence[int]) -> bool:
        """Whether a control token or an unused one is among them that is no end."""
        return any(self._is_reserved(token) for token in token_ids)

    def answer(self, prompt_ids: list[int], max_tokens: int, draft_ids: Sequence[int] = ()) -> Answer:
        """Answer greedily from the raw logits, nothing masked, so that models are compared and not samplers.

        `draft_ids` is a guess at the answer: as far as it is right one pass does for all of it, so a good guess makes
        this many times faster and no guess changes the answer (speculative decoding).
        """
        import numpy as np

        room = min(max_tokens, self._n_ctx - len(prompt_ids))
        if room <= 0:
            return Answer(prompt_ids, [], np.empty((0, self._llama.n_vocab()), np.float32), False, False)
        draft = list(draft_ids)[: room - 1]
        self._forget_from(0)
        tried = self._decode([*prompt_ids, *draft], 0, len(draft) + 1)
        rows, token_ids = [], []
        for row, guess in zip(tried, [*draft, -1], strict=True):
            rows.append(row)
            token_ids.append(int(row.argmax()))
            if token_ids[-1] != guess or self.is_end(token_ids[-1]):
                break
        self._forget_from(len(prompt_ids) + len(token_ids) - 1)
        while len(token_ids) < room and not self.is_end(token_ids[-1]):
            rows += self._decode(token_ids[-1:], len(prompt_ids) + len(token_ids) - 1, 1)
            token_ids.append(int(rows[-1].argmax()))
        return Answer(
            *(prompt_ids, token_ids, np.array(rows), self.is_end(token_ids[-1]), self.has_reserved(token_ids)),
            draft_ids=tuple(draft),
            draft_logits=np.array(tried[:-1]) if draft else None,
        )

    def along(self, answer: Answer, token_ids: Sequence[int]) -> "np.ndarray[Any, Any]":
        """Return the logits (tokens, vocab) along another text behind the prompt of `answer`, as far as there is room.

        What was computed for the answer is not computed again.
        """
        import numpy as np

        wanted = tuple(token_ids)[: max(0, self._n_ctx - len(answer.prompt_ids))]
        if answer.draft_logits is not None and answer.draft_ids == wanted:
            return answer.draft_logits
        if tuple(answer.token_ids) == wanted and len(answer.logits) == len(wanted):
            return answer.logits
        if not wanted:
            return answer.logits[:0]
        self._forget_from(0)
        return np.array(self._decode([*answer.prompt_ids, *wanted[:-1]], 0, len(wanted)))

    def _decode(self, token_ids: list[int], start: int, wanted: int) -> "list[np.ndarray[Any, Any]]":
        """Run the tokens at positions from `start` on, and return the logits after each of the last `wanted`."""
        import llama_cpp
        import numpy as np

        count = len(token_ids)
        batch = llama_cpp.llama_batch_init(count, 0, 1)
        batch.n_tokens = count
        for place, token in enumerate(token_ids):
            batch.token[place], batch.pos[place] = token, start + place
            batch.n_seq_id[place], batch.seq_id[place][0] = 1, 0
            batch.logits[place] = place >= count - wanted
        status = llama_cpp.llama_decode(self._llama.ctx, batch)
        llama_cpp.llama_batch_free(batch)
        if status != 0:
            raise RunError(f"{self._path}: llama.cpp could not run {count} tokens from position {start} ({status})")
        shape = (self._llama.n_vocab(),)
        return [
            np.ctypeslib.as_array(llama_cpp.llama_get_logits_ith(self._llama.ctx, place), shape=shape).copy()
            for place in range(count - wanted, count)
        ]

    def _forget_from(self, position: int) -> None:
        import llama_cpp

        llama_cpp.llama_memory_seq_rm(llama_cpp.llama_get_memory(self._llama.ctx), 0, position, -1)

    def _is_reserved(self, token_id: int) -> bool:
        import llama_cpp

        kinds = llama_cpp.LLAMA_TOKEN_ATTR_CONTROL | llama_cpp.LLAMA_TOKEN_ATTR_UNUSED
        return bool(llama_cpp.llama_vocab_get_attr(self._vocab, token_id) & kinds) and not self.is_end(token_id)

    def _text(self, token_id: int) -> str:
        import llama_cpp

        return llama_cpp.llama_vocab_get_text(self._vocab, token_id).decode() if token_id >= 0 else ""
