"""How long rows are, in tokens as training counts them."""

from array import array
from typing import Any

from cadmonkey.data.audit_rows import Item, figures
from cadmonkey.data.chat import NO_LOSS, encode
from cadmonkey.data.tokens import FileTokenizer
from cadmonkey.errors import InputError


class Lengths:
    """Tokens of prompts, completions and rows, the chat template included; characters where there is no tokenizer."""

    def __init__(self, tokenizer: FileTokenizer | None, max_seq_length: int) -> None:
        self.tokenizer = tokenizer
        self.max_seq_length = max_seq_length
        self.lengths = {"prompt": array("q"), "completion": array("q"), "row": array("q")}
        self.last = 0
        """Tokens of the row looked at last; 0 where they cannot be counted."""

    def add(self, item: Item) -> None:
        """Count one row."""
        prompt, completion = self.count(item)
        self.last = prompt + completion if self.tokenizer is not None else 0
        for name, length in (("prompt", prompt), ("completion", completion), ("row", prompt + completion)):
            if prompt + completion:
                self.lengths[name].append(length)

    def count(self, item: Item) -> tuple[int, int]:
        """The lengths of prompt and completion; (0, 0) for a row that training would refuse to encode."""
        if self.tokenizer is None:
            return len(item.prompt), len(item.completion)
        try:
            labels = encode(self.tokenizer, item.prompt, item.completion).labels
        except InputError:
            return 0, 0
        prompt = labels.count(NO_LOSS)
        return prompt, len(labels) - prompt

    def result(self) -> dict[str, Any]:
        """Percentiles and histograms."""
        tokens = self.tokenizer is not None
        return {
            "unit": "tokens" if tokens else "characters",
            "tokenizer": self.tokenizer.name if self.tokenizer is not None else "",
            "max_seq_length": self.max_seq_length if tokens else None,
            **{name: figures(lengths) for name, lengths in self.lengths.items()},
        }
