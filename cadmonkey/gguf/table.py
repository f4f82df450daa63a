"""The proof as a table on the terminal."""

from cadmonkey.gguf.proof import SURE_KINDS, Drift, FileProof, Proof, percent
from cadmonkey.gguf.recommendation import recommend

COLUMNS = ("file", "MB", "text", "greedy", "ends", "top-1", "KL", "perplexity", "right parts", "verdict")
"""Text: share of all prompts with the trained model's template and token ids; greedy: with its greedy answer, near ties
included; ends: with an end token, in brackets the trained model's own where it differs; top-1: share of tokens with its
first choice; KL: mean divergence in nats per token; perplexity: change against the trained model's; right parts: by the
judge, and in brackets the trained model's own. Shares are rounded down."""

_LARGE_KINDS = ("q8_0", "f16")
"""What to try where smaller files failed."""

_HOW_PARTS_ARE_MADE = "Right parts: of bare greedy answers; generation masks reserved tokens and keeps to a grammar."


def table_rows(proof: Proof) -> list[tuple[str, ...]]:
    """Return one row of texts per file, in the order of `COLUMNS`."""
    return [_row(file) for file in proof.files]


def _row(file: FileProof) -> tuple[str, ...]:
    got, score = file.figures, file.score
    return (
        file.published_name,
        f"{file.size_bytes / 1e6:,.{1 if file.size_bytes < 1e9 else 0}f}",
        percent(min(got.template_equal, got.tokens_equal, got.one_bos)).partition(".")[0] + "%",
        percent(got.greedy_equal + got.near_ties),
        _beside(got.stop_rate, got.original_stop_rate),
        percent(got.top_1),
        f"{got.mean_kl:.1e}",
        _change(got.perplexity / got.original_perplexity - 1),
        "-" if score is None else f"{score.all_pass} ({score.original_all_pass})",
        "proven" if file.proven else "UNPROVEN",
    )


def _beside(own: float, original: float) -> str:
    """Put the trained model's share in brackets where the file's is another one, as short as 80 columns need it."""
    if percent(own) == percent(original):
        return percent(own)
    short = (percent(value).removesuffix("%").removesuffix(".0") for value in (own, original))
    return "{} ({})%".format(*short)


def _change(value: float) -> str:
    return f"{value:+.2%}" if abs(value) < 10 else f"x{value + 1:.0f}" if value < 1e6 else "> x1e6"


def remarks(proof: Proof) -> list[str]:
    """Return what stands under the table: which file to take, the drift of the merge, what limits the proof."""
    best = recommend(proof.files)
    if best.file.proven:
        take = f"Take {best.file.published_name}: {best.reason}."
    else:
        is_sure = any(file.quant in SURE_KINDS for file in proof.files)
        remedy = "mend what the reasons in proof.json name" if is_sure else f"try --quants {' '.join(_LARGE_KINDS)}"
        take = f"Take none: no file passed, {best.file.published_name} is nearest to the original. Next: {remedy}."
    scored = [_HOW_PARTS_ARE_MADE] if any(file.score for file in proof.files) else []
    return [take, *scored, *([drift_words(proof.drift)] if proof.drift else []), *proof.notes]


def drift_words(drift: Drift) -> str:
    """Say how far merging moved the model that was trained on a quantised base."""
    head = f"Trained on the base in {drift.bits} bits, merged into 16 bits: "
    if drift.not_measured:
        return head + f"the drift was not measured ({drift.not_measured})."
    change = drift.perplexity / drift.trained_perplexity - 1
    return (
        f"{head}KL {drift.mean_kl:.1e} (max {drift.max_kl:.1e}), top-1 {percent(drift.top_1)}, same greedy answer for "
        f"{percent(drift.greedy_equal)} of {drift.prompts} prompts, perplexity {_change(change)}."
    )


def print_proof(proof: Proof) -> None:
    """Print the proof as a table on standard output, one line a file."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    got = proof.files[0].figures
    noun = "prompt" if got.prompts == 1 else "prompts"
    of = f"{got.held_out_prompts or 'none'} of them held out" if got.held_out_prompts < got.prompts else "held out"
    table = Table(
        box=SIMPLE_HEAD,
        padding=0,
        pad_edge=False,
        show_edge=False,
    )
    # the kind says which file it is, and the verdict what it is named: 80 columns hold no more
    short = {"perplexity": "perpl.", "right parts": "parts"}
    for column in ("quant", *COLUMNS[1:]):
        in_words = column in ("quant", "verdict")
        table.add_column(short.get(column, column), no_wrap=True, justify="left" if in_words else "right")
    for row, file in zip(table_rows(proof), proof.files, strict=True):
        table.add_row(file.quant, *row[1:], style=None if file.proven else "red")
    console = Console(highlight=False)
    console.print(f"GGUF against the trained model on {got.prompts} {noun}, {of}")  # a title would be cut to the table
    console.print(table)
    for remark in remarks(proof):
        console.print(remark, markup=False, soft_wrap=True)
