"""From a sentence to a program: the model's own chat template around the prompt, tokens until its end token."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from cadmonkey.cad.grammar import LANGUAGES, Language
from cadmonkey.cad.translation import translate
from cadmonkey.data.chat import Prompt, conversation, render_chat
from cadmonkey.errors import InputError
from cadmonkey.inference.grammar import Guide
from cadmonkey.inference.llama import Model, Sampling

StopReason = Literal["end_token", "other_end_token", "length", "reserved_token"]
"""`end_token` is the one that ends a turn in training; `other_end_token` one at which llama.cpp stops, too."""


@dataclass(frozen=True)
class Generation:
    """One answer; `tokens` counts what was generated, the end token included."""

    code: str
    stop_reason: StopReason
    tokens: int
    seconds: float
    language: Language = "openscad"


class Generator:
    """A loaded model that writes programs; use it in a `with` block or `close` it."""

    def __init__(
        self, model_path: Path, *, n_ctx: int = 4096, n_threads: int | None = None, mask_reserved: bool = True
    ) -> None:
        """Load a GGUF and read its template, its end tokens and its reserved tokens.

        Args:
            model_path: the GGUF.
            n_ctx: tokens of prompt and answer together; capped by what the model was trained for.
            n_threads: CPU threads; None: what pays for a model of this size.
            mask_reserved: forbid reserved and control tokens; without it the first one ends the generation, which
                shows whether the model would stop by itself.

        Raises:
            InputError: the file is missing, broken, no GGUF, or has no chat template.
        """
        self.path = Path(model_path)
        self._model = Model(self.path, n_ctx=n_ctx, n_threads=n_threads)
        self._template = self._model.metadata("tokenizer.chat_template")
        if not self._template:
            self.close()
            raise InputError(f"{self.path}: has no tokenizer.chat_template; export it with `python export/to_gguf.py`")
        self.language = self._read_language()
        self.end_tokens = self._model.end_tokens
        self.reserved_tokens = self._model.reserved_tokens
        self._masked = self.reserved_tokens if mask_reserved else frozenset[int]()

    def __enter__(self) -> "Generator":
        """Return the generator itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Free the model."""
        self.close()

    def close(self) -> None:
        """Free the model's memory; calling it twice is fine."""
        self._model.close()

    def _read_language(self) -> Language:
        """Return the language that the model was trained on; files that do not say so are taken for OpenSCAD."""
        written = self._model.metadata("cadmonkey.language") or "openscad"
        for language in LANGUAGES:
            if language == written:
                return language
        self.close()
        raise InputError(
            f"{self.path}: expected cadmonkey.language to be one of {', '.join(LANGUAGES)}, got {written!r}; "
            "update cadmonkey, or export the model again"
        )

    def prompt_tokens(self, prompt: Prompt) -> list[int]:
        """Return the ids the model sees: the prompt's messages in its chat template, ready for the answer.

        Raises:
            InputError: the prompt is empty, spells out a control token, or leaves no room for an answer.
        """
        messages = conversation(prompt)
        if not messages or not messages[-1]["content"]:
            raise InputError('prompt: expected a sentence such as "20 x 20 x 5 mm plate", got an empty text')
        for message in messages:
            self._refuse_control_tokens(message["content"])
        text = render_chat(
            self._template,
            messages,
            bos_token=self._model.bos_token,
            eos_token=self._model.eos_token,
            add_generation_prompt=True,
        )
        tokens = self._model.tokenize(text)
        if len(tokens) >= self._model.n_ctx:
            raise InputError(
                f"prompt: {len(tokens)} tokens leave no room in the model's context of {self._model.n_ctx}; "
                f"shorten it (it starts {messages[0]['content'][:40]!r})"
            )
        return tokens

    def generate(
        self,
        prompt: Prompt,
        max_tokens: int = 1024,
        temperature: float = 0.0,
        *,
        top_p: float = 1.0,
        seed: int = 0,
        grammar: bool = False,
        language: Language | None = None,
    ) -> Generation:
        """Write the program for one sentence; the same arguments give the same program.

        Args:
            prompt: the sentence, or a conversation that ends with the user's turn.
            max_tokens: longest answer; the model's context may end it sooner.
            temperature: 0 takes the likeliest token each time.
            top_p: sample only from the likeliest tokens that hold this much probability.
            seed: of the sampling.
            grammar: refuse every token that leads to no program: whatever the model and the temperature, the answer is
                one, also where the tokens run short.
            language: of the program, None for the model's own. Another than its own is translated from that; an answer
                that is no program, or that the other language has no words for, stays as it is and says so in
                `Generation.language`.

        Raises:
            InputError: the prompt cannot be used (see `prompt_tokens`), or an option is out of range.
        """
        how = Sampling(temperature=temperature, top_p=top_p, seed=seed)
        if max_tokens < 1:
            raise InputError(f"max_tokens: expected 1 or more, got {max_tokens}")
        start = time.perf_counter()
        asked = self.prompt_tokens(prompt)
        room = min(max_tokens, self._model.n_ctx - len(asked))
        if grammar:
            tokens = self._model.sample_program(asked, Guide(self._model.vocabulary, self.language, room), how)
        else:
            tokens = self._model.sample(asked, room, self.end_tokens | self.reserved_tokens, self._masked, how)
        reason = self._stop_reason(tokens)
        text = self._model.decode(tokens if reason == "length" else tokens[:-1]).strip()
        code, spoken = translate(text, self.language, language or self.language)
        return Generation(code, reason, len(tokens), time.perf_counter() - start, spoken)

    def _refuse_control_tokens(self, text: str) -> None:
        markers = (self.end_tokens | self.reserved_tokens).intersection(self._model.tokenize(text))
        if markers:
            marker = self._model.token_text(min(markers))
            raise InputError(f"prompt: {marker} is a control token of {self.path.name}; leave it out of the sentence")

    def _stop_reason(self, tokens: list[int]) -> StopReason:
        if tokens[-1] in self.end_tokens:
            return "end_token" if tokens[-1] in self._model.turn_ends else "other_end_token"
        return "reserved_token" if tokens[-1] in self.reserved_tokens else "length"
