"""What would make a run fail silently, looked at before the first step: preflight.json."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from cadmonkey.data.chat import NO_LOSS, Example, control_tokens, end_token
from cadmonkey.errors import InputError
from cadmonkey.files import write_json
from cadmonkey.training.examples import Examples, Row
from cadmonkey.training.plan import Plan
from cadmonkey.training.recipe import Recipe
from cadmonkey.training.repair import RowCheck
from cadmonkey.training.served import check_served
from cadmonkey.training.twins import Twinned
from cadmonkey.training.verdict import Finding, mostly_left_out

MOST_REPEATED = 0.9
MOST_LEAKED = 0.5
"""From this share of repeated, or of held-out but trained rows on a run is not what it was meant to be."""

MANY_REPEATED = 0.1
MANY_NEAR = 0.5
FEW_LEAKED = 0.01
"""Over these shares of rows, or of held-out prompts, alike ones bend the run or its held-out figures."""


@dataclass(frozen=True)
class Check:
    """One look at the run: what was looked at, how it stands, and in words."""

    name: str
    status: Literal["pass", "fixed", "warn", "stop", "skipped"]
    detail: str

    @property
    def line(self) -> str:
        """The check on one line."""
        return f"{self.status:8}{self.name}: {self.detail}"


@dataclass(frozen=True)
class Subject:
    """What is checked."""

    recipe: Recipe
    plan: Plan
    tokenizer: Any
    """None where it is not at hand."""
    rows: list[Row]
    """The rows to train on, those that are left out too."""
    train: Examples
    twinned: Twinned
    overlap: int
    """Rows to train on that were left out when the data were read, because they stood among held-out ones."""


def check_run(subject: Subject) -> list[Check]:
    """Return every check that needs no weights."""
    checks = [
        _check_rows(subject.plan),
        _check_twins(subject.twinned, subject.recipe),
        _check_leaks(subject.twinned, subject.overlap),
    ]
    if subject.tokenizer is None:
        checks += list(_skipped("the tokenizer is not at hand; fetch the model first", _TOKENIZER_CHECKS))
    else:
        checks += _check_tokens(subject)
    if subject.plan.rows["train"]:
        checks += [_check_length(subject.recipe, subject.plan), _check_warmup(subject.recipe, subject.plan)]
    else:
        checks += list(_skipped(_NO_ROW, ("length", "warm-up")))
    return [
        *checks,
        _check_memory(subject.plan),
        _check_disk(subject.plan),
    ]


_TOKENIZER_CHECKS = (
    "control tokens",
    "labels",
    "begin token",
    "pad token",
    "vocabulary",
    "served prompt",
    "whole rows",
)


_NO_ROW = "no row is left to look at"


def _check_tokens(subject: Subject) -> list[Check]:
    tokenizer, kept = subject.tokenizer, subject.train.kept
    checks = [
        _check_control_tokens(subject.plan),
        _check_pad(tokenizer, kept),
        _check_vocabulary(tokenizer, subject.plan),
    ]
    if not kept:
        return [*checks, *_skipped(_NO_ROW, ("labels", "begin token", "served prompt", "whole rows"))]
    return [*checks, _check_labels(tokenizer, kept), _check_begin(tokenizer, kept), *_check_text(subject)]


def _skipped(why: str, names: tuple[str, ...]) -> Iterator[Check]:
    for name in names:
        yield Check(name, "skipped", why)


def pass_preflight(path: Path, checks: list[Check], row_checks: list[RowCheck]) -> None:
    """Write preflight.json, then refuse the run if a check says stop.

    Raises:
        InputError: a check says stop.
    """
    write_preflight(path, checks, row_checks)
    for check in checks:
        if check.status == "stop":
            raise InputError(f"preflight: {check.name}: {check.detail}")


def write_preflight(path: Path, checks: list[Check], row_checks: list[RowCheck]) -> None:
    """Write preflight.json."""
    write_json(
        path,
        {
            "checks": [asdict(check) for check in checks],
            "special_token_rows": [check.as_dict() for check in row_checks],
        },
    )


def _check_rows(plan: Plan) -> Check:
    left_out = sum(plan.left_out.values())
    detail = f"{plan.rows['train']} rows to train on, {left_out} left out"
    if not plan.rows["train"] or not plan.rows["validation"]:
        return Check(
            "rows", "stop", f"{detail}, {plan.rows['validation']} held out; raise --max-seq-length or give more data"
        )
    if mostly_left_out(plan):
        return Check("rows", "stop", f"{detail} ({plan.left_out}); raise --max-seq-length")
    if plan.too_long:
        return Check("rows", "fixed", f"{detail}, {plan.too_long} for their length: none is cut")
    return Check("rows", "pass", detail)


def _check_twins(twinned: Twinned, recipe: Recipe) -> Check:
    words = f"{twinned.repeated} of {twinned.rows} rows repeat another, {twinned.near} of {twinned.looked_at} nearly"
    if twinned.repeated > MOST_REPEATED * twinned.rows:
        return Check("repetitions", "stop", f"{words}; remove the copies and train more epochs")
    if max(recipe.dataset_weights, default=0) > 1:
        return Check("repetitions", "pass", f"{words}, as --dataset-weights asks for")
    if twinned.repeated > MANY_REPEATED * twinned.rows or twinned.near > MANY_NEAR * twinned.looked_at:
        remedy = "they count that many times in the loss; remove the copies that `cadmonkey data audit` lists"
        return Check("repetitions", "warn", f"{words}: {remedy}")
    return Check("repetitions", "pass", words)


def _check_leaks(twinned: Twinned, overlap: int) -> Check:
    check = _check_splits(twinned)
    if not overlap:
        return check
    words = (
        f"the splits of the data overlap: {overlap} rows to train on stood among the held-out ones and were left out"
    )
    return Check(check.name, "stop" if check.status == "stop" else "warn", f"{words}; {check.detail}")


def _check_splits(twinned: Twinned) -> Check:
    rows = f"{twinned.left_out} of {twinned.held_out} held-out rows are also trained on"
    also = (
        f"{twinned.leaked_prompts} held-out prompts are trained with another answer, {twinned.leaked_near} nearly alike"
    )
    remedy = (
        "the held-out figures would flatter the model; `cadmonkey data audit` lists the rows: remove them, or give "
        'rows that belong together the same "part" and "split", with --fresh'
    )
    if twinned.left_out > MOST_LEAKED * twinned.held_out:
        return Check("leakage", "stop", f"{rows}; {also}: {remedy}")
    if twinned.leaked_prompts + twinned.leaked_near > FEW_LEAKED * twinned.held_out:
        left_out = f"{rows} and were left out" if twinned.left_out else "no held-out row is trained on"
        return Check("leakage", "warn", f"{left_out}; {also}: {remedy}")
    if twinned.left_out:
        return Check("leakage", "fixed", f"{rows} and were left out; {also}")
    return Check("leakage", "pass", f"no held-out row is trained on; {also}")


def _check_control_tokens(plan: Plan) -> Check:
    count = plan.left_out.get("holds a control token", 0)
    if count:
        return Check("control tokens", "fixed", f"{count} rows spell a control or reserved token and are left out")
    return Check("control tokens", "pass", "no row spells a control or reserved token")


def _check_labels(tokenizer: Any, examples: list[Example]) -> Check:
    """Every row must learn something, and its last token must be the end of the turn, in the loss."""
    end = end_token(tokenizer)
    end_id = tokenizer.convert_tokens_to_ids(end)
    faults = Counter(_label_fault(example, end_id) for example in examples)
    del faults[""]
    if faults:
        words = ", ".join(f"{count} rows {fault}" for fault, count in faults.items())
        return Check(
            "labels", "stop", f"{words}; expected prompts masked and {end} inside the loss at the end of each row"
        )
    return Check("labels", "pass", f"every row ends in {end} (id {end_id}) inside the loss; prompts are masked")


def _label_fault(example: Example, end_id: int) -> str:
    if len(example.labels) != len(example.input_ids):
        return "have more tokens than labels, or fewer"
    if all(label == NO_LOSS for label in example.labels):
        return "are masked from end to end"
    if example.input_ids[-1] != end_id:
        return "lack the end token"
    if example.labels[-1] != end_id:
        return "mask the end token"
    if example.labels[0] != NO_LOSS:
        return "learn their prompt"
    return ""


def _check_begin(tokenizer: Any, examples: list[Example]) -> Check:
    begin = tokenizer.bos_token_id
    if begin is None:
        return Check("begin token", "pass", "this model has none")
    counts = {example.input_ids.count(begin) for example in examples}
    if counts - {0, 1}:
        why = f"expected one {tokenizer.bos_token} a row, got up to {max(counts)}; correct the chat template"
        return Check("begin token", "stop", why)
    return Check(
        "begin token", "pass", f"{tokenizer.bos_token} stands once in every row" if counts == {1} else "unused"
    )


def _check_pad(tokenizer: Any, examples: list[Example]) -> Check:
    pad, end = tokenizer.pad_token, tokenizer.eos_token
    if pad == end or tokenizer.pad_token_id not in control_tokens(tokenizer):
        return Check("pad token", "stop", f"expected a special token other than {end}, got {pad}")
    if any(tokenizer.pad_token_id in example.input_ids for example in examples):
        return Check("pad token", "stop", f"{pad} stands inside rows, where it would be learnt; take another")
    return Check("pad token", "pass", f"{pad}, not {end}{', and in no row' if examples else ''}")


def _check_vocabulary(tokenizer: Any, plan: Plan) -> Check:
    tokens = max(len(tokenizer), max(control_tokens(tokenizer)) + 1)
    words = f"{tokens} tokens, {plan.vocab_size} embedding rows"
    if tokens > plan.vocab_size:
        return Check(
            "vocabulary", "stop", f"{words}: the tokenizer is not this model's; take the one beside the weights"
        )
    return Check("vocabulary", "pass", words)


def _check_text(subject: Subject) -> Iterator[Check]:
    served = check_served(subject.tokenizer, subject.rows, subject.train.kept)
    if served.renderer == "":
        yield from _skipped("llama-cpp-python, whose templates serve, is not installed", ("served prompt",))
    elif served.other_prompt:
        yield Check("served prompt", "stop", f"{served.other_prompt}; training and {served.renderer} must agree")
    else:
        yield Check(
            "served prompt", "pass", f"{served.looked_at} prompts are, byte for byte, what {served.renderer} sends"
        )
    if served.cut:
        yield Check("whole rows", "stop", f"{served.cut}; expected the whole completion before the end token")
    else:
        yield Check("whole rows", "pass", f"{served.looked_at} completions are trained on whole")


def _check_length(recipe: Recipe, plan: Plan) -> Check:
    room, longest = plan.max_position_embeddings, plan.longest_kept
    if longest > room:
        return Check("length", "stop", f"rows reach {longest} tokens, the model {room}; lower --max-seq-length")
    return Check(
        "length", "pass", f"longest row {longest} tokens, model {room}, --max-seq-length {recipe.max_seq_length}"
    )


def _check_warmup(recipe: Recipe, plan: Plan) -> Check:
    if not recipe.warmup_ratio and plan.warmup_steps < recipe.warmup_steps:
        detail = f"shortened from {recipe.warmup_steps} to {plan.warmup_steps} steps, a tenth of {plan.steps}"
        return Check("warm-up", "fixed", detail)
    return Check("warm-up", "pass", f"{plan.warmup_steps} of {plan.steps} steps")


def _check_memory(plan: Plan) -> Check:
    words = f"about {plan.memory['total'] / 1e9:.2f} GB of {plan.device['memory_bytes'] / 1e9:.2f} GB"
    finding = next(finding for finding in plan.findings if finding.what == "memory")
    if finding.level == "stop":
        return Check("memory", "stop", _words(finding))
    return Check("memory", "pass" if plan.fits else "warn", words if plan.fits else _words(finding))


def _words(finding: Finding) -> str:
    return f"{finding.why}; {finding.remedy}" if finding.remedy else finding.why


def _check_disk(plan: Plan) -> Check:
    words = f"about {plan.disk['total'] / 1e9:.2f} GB of {plan.disk_free_bytes / 1e9:.2f} GB free"
    finding = next((finding for finding in plan.findings if finding.what == "disk"), None)
    if finding is not None:
        return Check("disk", "stop", _words(finding))
    return Check("disk", "pass", words)


def check_special_rows(tokenizer: Any, row_checks: list[RowCheck]) -> Check:
    """Say how the special tokens' rows stand; untrained ones are started anew and trained."""
    bad = [check for check in row_checks if check.untrained]
    if not bad:
        return Check("end token rows", "pass", f"{tokenizer.eos_token} and the template's other tokens are trained")
    names = ", ".join(
        f"{check.token} in {check.matrix} (cosine {check.cosine:.2f} to {check.nearest})" for check in bad
    )
    return Check("end token rows", "fixed", f"untrained: {names}; started at the mean and made trainable")
