"""The proof as tables: on a terminal, and in the model card."""

from cadmonkey.gguf.proof import FileProof, Proof

COLUMNS = ("file", "MB", "text", "tokens", "answers", "ends", "KL", "verdict")
"""Text, tokens and answers: share of prompts with the trained model's own; ends: with an end token; KL in nats."""


def table_rows(proof: Proof) -> list[tuple[str, ...]]:
    """Return one row of texts per file, in the order of `COLUMNS`."""
    return [_row(file) for file in proof.files]


def _row(file: FileProof) -> tuple[str, ...]:
    got = file.figures
    answers = f"{got.greedy_equal:.1%}"
    if got.near_ties:
        answers += f" +{got.near_ties:.1%} ties"
    return (
        file.published_name,
        f"{file.size_bytes / 1e6:,.1f}",
        f"{got.template_equal:.0%}",
        f"{got.tokens_equal:.0%}",
        answers,
        f"{got.stop_rate:.1%}",
        f"{got.mean_kl:.2g}",
        "proven" if file.proven else "UNPROVEN",
    )


def markdown_table(proof: Proof) -> str:
    """Return the proof as a Markdown table."""
    rows = [COLUMNS, ("---",) * len(COLUMNS), *table_rows(proof)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def print_proof(proof: Proof) -> None:
    """Print the proof as a table on standard output."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    table = Table(
        title=f"GGUF against the trained model, {proof.files[0].figures.prompts} prompts",
        title_justify="left",
        box=SIMPLE_HEAD,
    )
    for column in COLUMNS:
        table.add_column(column, overflow="fold", no_wrap=column == "file")
    for row, file in zip(table_rows(proof), proof.files, strict=True):
        table.add_row(*row, style=None if file.proven else "red")
    Console().print(table)
