"""The end token that nobody trained: what makes a model stop, and what does not.

    python benchmarks/end_token.py            # 20 minutes of CPU time; run again, it goes on where it was

The nano base is fine-tuned on the same rows in seven ways, and answers the same 200 unseen prompts with nothing masked
and no grammar. Writes benchmarks/results/end_token.json and the tables of docs/end-token.md and README.md.
"""

import os
import sys
import time
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import tyro

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.record import RESULTS, ROOT, circumstances, write_record
from cadmonkey.data.rows import make_rows
from cadmonkey.errors import InputError
from cadmonkey.files import read_json, write_json, write_text
from cadmonkey.parts import PLAIN
from cadmonkey.terminal import run
from cadmonkey.training.end_token import measure_end_token
from cadmonkey.training.engines import add_adapter, import_engine, load_base, load_tokenizer, prepare_process
from cadmonkey.training.examples import encode_rows
from cadmonkey.training.plan import make_plan
from cadmonkey.training.recipe import Recipe
from cadmonkey.training.repair import check_rows, rows_to_train, start_rows
from cadmonkey.training.samples import Answer, answer
from cadmonkey.training.trainer import build_trainer, run_training

Row = dict[str, Any]
TEMPERATURES = (0.0, 0.7)


@dataclass(frozen=True, kw_only=True)
class Benchmark:
    """Every choice of this run."""

    base_model: str = "cadmonkey/assets/nano"
    """A base checkpoint whose end token is untrained."""
    rows: int = 800
    """Rows to train on, once."""
    prompts: int = 200
    """Unseen parts to ask for; loss and P(end token) are measured on the same."""
    max_new_tokens: int = 256
    """Where an answer that does not stop is cut off; the longest right one has about 150 tokens."""
    seed: int = 3407
    """Seed of rows, adapter, order and sampling."""
    out: Path = Path("outputs/end-token")
    """Where checkpoints and finished variants are kept, to go on from."""
    result: Path = RESULTS / "end_token.json"
    """Where the figures go."""
    documents: Path = ROOT
    """The folder of README.md and docs/, whose tables are written again."""


@dataclass(frozen=True, kw_only=True)
class Variant:
    """One way to fine-tune."""

    name: str
    words: str
    train_rows: bool = False
    """The rows of the end token and the headers are trainable."""
    mean_start: bool = False
    """They start at the mean of the rows of text."""
    num_train_epochs: int = 1
    learning_rate: float = 2e-3
    """Four times that of the nano preset, for a run of 50 steps instead of its 375."""


VARIANTS = (
    Variant(name="lora", words="LoRA on every linear layer, nothing else"),
    Variant(name="epochs", words="the same, three times as many epochs", num_train_epochs=3),
    Variant(name="lower-rate", words="the same, a quarter of the learning rate (5e-4)", learning_rate=5e-4),
    Variant(name="higher-rate", words="the same, four times the learning rate (8e-3)", learning_rate=8e-3),
    Variant(name="mean-start", words="end token and header rows start at the mean, frozen", mean_start=True),
    Variant(name="trained-rows", words="those rows trainable, from where they were", train_rows=True),
    Variant(name="repair", words="**the repair: both**", train_rows=True, mean_start=True),
)


def main(choices: Benchmark) -> None:
    """Run what has not been run yet; record and tables are written again after each variant."""
    for variant in VARIANTS:
        if kept(choices, variant) is None:
            run_variant(choices, variant)
            record(choices)
    print(whole_table(record(choices)))


def record(choices: Benchmark) -> Row:
    """Write what has been measured so far, and return it."""
    variants = [figures for variant in VARIANTS if (figures := kept(choices, variant)) is not None]
    made = circumstances() | {
        "command": "python benchmarks/end_token.py",
        "choices": {name: value for name, value in asdict(choices).items() if not isinstance(value, Path)},
        "wall_s": round(sum(variant["wall_s"] for variant in variants)),
        "cpu_s": round(sum(variant["cpu_s"] for variant in variants)),
        "threads": int(os.environ.get("OMP_NUM_THREADS", os.cpu_count() or 1)),
        "variants": variants,
    }
    write_record(choices.result, made)
    for document, table in ((Path("docs/end-token.md"), whole_table), (Path("README.md"), short_table)):
        write_between_marks(choices.documents / document, table(made))
    return made


def kept(choices: Benchmark, variant: Variant) -> Row | None:
    """The figures of a variant from an earlier start with the same choices."""
    path = choices.out / variant.name / "result.json"
    earlier = read_json(path) if path.is_file() else {}
    return earlier["figures"] if earlier.get("of") == what(choices, variant) else None


def what(choices: Benchmark, variant: Variant) -> Row:
    """What figures depend on."""
    return {"choices": {**asdict(choices), "out": "", "result": "", "documents": ""}, "variant": asdict(variant)}


def run_variant(choices: Benchmark, variant: Variant) -> None:
    """Train and measure a variant, and keep its figures."""
    wall, cpu = time.perf_counter(), time.process_time()
    figures = train_and_measure(choices, variant)
    figures |= {"wall_s": round(time.perf_counter() - wall), "cpu_s": round(time.process_time() - cpu)}
    print(f"{variant.name}: {figures}", flush=True)
    write_json(choices.out / variant.name / "result.json", {"of": what(choices, variant), "figures": figures})


def train_and_measure(choices: Benchmark, variant: Variant) -> Row:
    """Fine-tune the base in the variant's way, then ask it."""
    recipe = recipe_of(choices, variant)
    prepare_process(recipe)
    import_engine(recipe.engine)
    tokenizer = load_tokenizer(recipe.base_model)
    rows = list(make_rows(choices.rows, choices.seed, "train", mix=PLAIN))
    unseen = list(make_rows(choices.prompts, choices.seed, "test", mix=PLAIN))
    train, held_out = (encode_rows(tokenizer, part, recipe.max_seq_length) for part in (rows, unseen))
    model = adapted(recipe, variant, tokenizer)
    plan = make_plan(recipe, rows, train, held_out)
    out = choices.out / variant.name
    out.mkdir(parents=True, exist_ok=True)
    trainer = build_trainer(model, tokenizer, recipe, plan, train.kept, held_out.kept, out)
    run_training(trainer, out)
    end = measure_end_token(model, tokenizer, held_out.kept)
    return {
        **asdict(variant),
        "steps": plan.steps,
        "eval_loss": round(float(trainer.evaluate()["eval_loss"]), 4),
        "p_end": round(end["mean"], 4),
        "p_other_control_tokens": round(end["other_control_tokens_mean"], 4),
        "answers": {f"{t:g}": asked(choices, model, tokenizer, unseen, t) for t in TEMPERATURES},
    }


def recipe_of(choices: Benchmark, variant: Variant) -> Recipe:
    """The nano preset's settings, one epoch, with what the variant changes."""
    return Recipe(
        base_model=choices.base_model,
        own_parts=choices.rows,
        own_mix="plain",
        engine="transformers",
        group_by_length=False,
        learning_rate=variant.learning_rate,
        warmup_steps=20,
        num_train_epochs=variant.num_train_epochs,
        max_seq_length=512,
        validation_rows=choices.prompts,
        seed=choices.seed,
    )


def adapted(recipe: Recipe, variant: Variant, tokenizer: Any) -> Any:
    """The base with LoRA, and with the variant's part of the repair."""
    base = load_base(recipe)
    token_rows = rows_to_train(check_rows(base, tokenizer))
    if not token_rows:
        raise InputError(f"{recipe.base_model}: expected untrained end token rows, got trained ones; nothing to show")
    repairs = variant.train_rows or variant.mean_start
    model = add_adapter(base, recipe, token_rows if repairs else {})
    if variant.mean_start:
        start_rows(model, tokenizer, token_rows, recipe.seed)
    for name, weight in model.named_parameters():
        if "trainable_tokens_delta" in name:
            weight.requires_grad_(variant.train_rows)
    return model


def asked(choices: Benchmark, model: Any, tokenizer: Any, unseen: list[Row], temperature: float) -> Row:
    """How the answers to the unseen prompts end."""
    answers: list[Answer] = []
    prompts = iter(row["prompt"] for row in unseen)
    while batch := list(islice(prompts, 50)):
        settings = {"max_new_tokens": choices.max_new_tokens, "temperature": temperature}
        answers += answer(model, tokenizer, batch, seed=choices.seed + len(answers), **settings)
    reserved = [any("reserved" in token for token in made.control_tokens) for made in answers]
    clean = [made.stopped and not made.control_tokens for made in answers]
    return {
        "answers": len(answers),
        "stopped": sum(made.stopped for made in answers),
        "reserved": sum(reserved),
        "clean": sum(clean),
        "median_tokens": sorted(made.tokens for made in answers)[len(answers) // 2],
    }


def whole_table(record: Row) -> str:
    """Every variant, for docs/end-token.md."""
    head = ["fine-tuning", "steps", "P(end) at gold ends", "held-out loss", *_RATES]
    rows = [[v["words"], str(v["steps"]), *_figures(v), *_rates(v)] for v in record["variants"]]
    choices = record["choices"]
    measured_on = (
        f"`{record['command']}`: {choices['rows']} rows, {choices['prompts']} unseen prompts; {record['hardware']}, "
        f"{record['threads']} thread(s); "
        f"{record['wall_s'] / 60:.0f} minutes, {record['cpu_s'] / 60:.0f} of CPU time; {record['date']}."
    )
    return f"{_markdown(head, rows)}\n\n{measured_on}"


def short_table(record: Row) -> str:
    """No cure, the cures that users try, and the repair, for README.md."""
    names = {"lora": "LoRA alone", "epochs": "three times the epochs", "lower-rate": "a quarter of the learning rate"}
    names |= {"higher-rate": "four times the learning rate", "repair": "**with the repair**"}
    head = [f"{record['choices']['prompts']} unseen prompts", "P(end token)", "loss", *_RATES]
    by_name = {variant["name"]: variant for variant in record["variants"]}
    rows = [[words, *_figures(by_name[n]), *_rates(by_name[n])] for n, words in names.items() if n in by_name]
    return _markdown(head, rows)


_RATES = [f"{what}, T={t:g}" for t in TEMPERATURES for what in ("stops", "reserved tokens")]


def _figures(variant: Row) -> list[str]:
    return [f"{variant['p_end']:.3f}", f"{variant['eval_loss']:.3f}"]


def _rates(variant: Row) -> list[str]:
    made = [variant["answers"][f"{t:g}"] for t in TEMPERATURES]
    return [f"{100 * part[what] / part['answers']:.1f} %" for part in made for what in ("stopped", "reserved")]


def _markdown(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


BEGIN, END = "<!-- written by benchmarks/end_token.py -->", "<!-- end -->"


def between_marks(document: Path) -> str:
    """What stands between the marks of a document.

    Raises:
        InputError: they are not there.
    """
    _, begin, rest = document.read_text(encoding="utf-8").partition(BEGIN)
    table, end, _ = rest.partition(END)
    if not begin or not end:
        raise InputError(f"{document}: expected the marks {BEGIN} and {END}; put them where the table is to stand")
    return table.strip()


def write_between_marks(document: Path, table: str) -> None:
    """Put `table` between the marks of a document."""
    between_marks(document)
    before, _, rest = document.read_text(encoding="utf-8").partition(BEGIN)
    write_text(document, f"{before}{BEGIN}\n{table}\n{END}{rest.partition(END)[2]}")


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "2")
    run(lambda: main(tyro.cli(Benchmark, description=__doc__)))
