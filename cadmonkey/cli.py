"""The `cadmonkey` command."""

import hashlib
import logging
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from cadmonkey.errors import CadmonkeyError, InputError, RunError
from cadmonkey.files import atomic_path, write_text
from cadmonkey.terminal import check_writable, run
from cadmonkey.training.recipe import Recipe

if TYPE_CHECKING:
    from collections.abc import Iterator

    import manifold3d

    from cadmonkey.data.chunks import Chunk, Settings
    from cadmonkey.data.make import Spans
    from cadmonkey.inference import Generation

_Folder = Annotated[Path | None, tyro.conf.arg(metavar="DIR", help_behavior_hint="")]
_File = Annotated[Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint="")]
_Count = Annotated[int | None, tyro.conf.arg(metavar="INT", help_behavior_hint="")]
_Sentence = Annotated[str | None, tyro.conf.arg(metavar="SENTENCE", help_behavior_hint="")]

STEM_LETTERS = 48
"""Longest file name made from a prompt, without its ending."""


@dataclass(frozen=True, kw_only=True)
class Generate:
    """Write the CAD program that a sentence asks for, or one for each line of a file.

    For one sentence the program goes to stdout; with --out its .scad, .stl and .png go into that folder. With
    --prompts, predictions.jsonl goes into --out; a killed batch continues where it stopped.
    """

    prompt: tyro.conf.Positional[_Sentence] = None
    """The sentence, such as "50 x 30 x 5 mm plate with four 4 mm holes 6 mm from the edges"."""
    prompts: _File = None
    """A .jsonl file with lines {"id", "prompt"}, instead of a sentence; without an id a line's number is its id."""
    out: _Folder = None
    """Folder for the files."""
    model: _File = None
    """A GGUF file; the shipped nano model if it is not given."""
    language: Literal["openscad", "ir"] = "openscad"
    """Language of the programs. A model that was trained on the other one answers in that, and the part is translated:
    exactly, where this language has words for it."""
    grammar: bool = True
    """Allow only tokens that lead to a program: then every answer is one, whatever the model."""
    max_tokens: int = 1024
    """Longest program in tokens."""
    temperature: float = 0.0
    """0 takes the likeliest token each time; above it programs vary with --seed."""
    top_p: float = 1.0
    """Sample only from the likeliest tokens that hold this much probability."""
    seed: int = 0
    """Seed of the sampling."""
    threads: _Count = None
    """CPU threads; what pays for the model's size if it is not given."""
    fresh: tyro.conf.FlagCreatePairsOff[bool] = False
    """With --prompts: start over instead of continuing."""

    def __call__(self) -> None:
        """Check what was given, then write one program or many."""
        self.check()
        if self.prompts is None:
            self.one()
        else:
            self.many(self.prompts)

    def check(self) -> None:
        """Refuse what cannot work before the model is loaded."""
        sentence = 'a sentence, as in `cadmonkey generate "20 mm cube"`'
        if (self.prompt is None) == (self.prompts is None):
            got = "neither" if self.prompt is None else "both"
            raise InputError(f"generate: expected either {sentence}, or --prompts, got {got}")
        if self.prompt is not None and not self.prompt.strip():
            raise InputError(f"generate: expected {sentence}, got an empty one")
        if self.prompts is not None and self.out is None:
            raise InputError("generate --prompts: expected a folder for predictions.jsonl; add --out DIR")
        if self.threads is not None and self.threads < 1:
            raise InputError(f"--threads: expected 1 or more, got {self.threads}")
        if self.out is not None:
            check_writable(self.out)

    def one(self) -> None:
        """Print the program for one sentence and, with --out, write its files."""
        from cadmonkey.inference import Generator

        assert self.prompt is not None
        with Generator(self.model_path(), n_threads=self.threads) as generator:
            made = generator.generate(
                self.prompt,
                self.max_tokens,
                self.temperature,
                top_p=self.top_p,
                seed=self.seed,
                grammar=self.grammar,
                language=self.language,
            )
        print(made.code, flush=True)
        _check_language(made, self.language)
        if self.out is None:
            print(_describe(_solid_of(made, "")), file=sys.stderr)
        else:
            _write_part(made, self.out, _stem(self.prompt))

    def many(self, prompts: Path) -> None:
        """Write predictions.jsonl."""
        from cadmonkey.inference import Sampling, predict, read_prompts

        assert self.out is not None
        sampling = Sampling(temperature=self.temperature, top_p=self.top_p, seed=self.seed)
        speed = predict(
            self.model_path(),
            read_prompts(prompts),
            self.out,
            max_tokens=self.max_tokens,
            sampling=sampling,
            n_threads=self.threads,
            grammar=self.grammar,
            language=self.language,
            fresh=self.fresh,
        )
        figures = f"{speed.prompts} programs, {speed.tokens:,} tokens, {speed.tokens_per_s:,.0f} tokens/s"
        print(f"{self.out / 'predictions.jsonl'}: {figures}", file=sys.stderr)

    def model_path(self) -> Path:
        """Return --model or the shipped model, checked to be a GGUF."""
        from cadmonkey.inference import check_gguf, shipped_model

        path = self.model or shipped_model()
        check_gguf(path)
        return path


def _check_language(made: "Generation", wanted: str) -> None:
    """Say so where the program could not be translated.

    Raises:
        RunError: it is in the other language.
    """
    if made.language != wanted:
        raise RunError(
            f"--language {wanted}: the model wrote {made.language}, printed above, and it cannot be said in {wanted}; "
            f"take --language {made.language}"
        )


def _write_part(made: "Generation", out: Path, stem: str) -> None:
    """Write `stem`.scad (.ir), .stl and .png; the program stays even where it is wrong, to be looked at."""
    from cadmonkey.cad.mesh import write_stl
    from cadmonkey.cad.picture import render

    path = out / (f"{stem}.scad" if made.language == "openscad" else f"{stem}.ir")
    write_text(path, made.code + "\n")
    part = _solid_of(made, f"{path}: ")
    write_stl(part, out / f"{stem}.stl")
    with atomic_path(out / f"{stem}.png") as temporary:
        render(part).save(temporary, format="PNG")
    print(f"{path}: {_describe(part)}", file=sys.stderr)


def _solid_of(made: "Generation", where: str) -> "manifold3d.Manifold":
    """Return the solid of a generated program.

    Raises:
        RunError: there is none; the message begins with `where`.
    """
    from cadmonkey.cad.ir import parse_ir
    from cadmonkey.cad.openscad import parse_openscad
    from cadmonkey.cad.solid import solid

    parse = parse_openscad if made.language == "openscad" else parse_ir
    cut_off = {"length": " (it was cut off; raise --max-tokens)", "reserved_token": " (a reserved token ended it)"}
    try:
        part = solid(parse(made.code))
    except CadmonkeyError as error:
        wrong = f"{where}the model's program is wrong{cut_off.get(made.stop_reason, '')}"
        raise RunError(f"{wrong}: {error}; put the sentence in other words") from error
    if part.is_empty():
        raise RunError(f"{where}the model's program leaves nothing of the part; put the sentence in other words")
    return part


def _describe(part: "manifold3d.Manifold") -> str:
    """Return size, volume and bodies, as "50 x 30 x 5 mm, 7,254 mm³, 1 body"."""
    x0, y0, z0, x1, y1, z1 = part.bounding_box()
    size = " x ".join(f"{round(length, 2):g}" for length in (x1 - x0, y1 - y0, z1 - z0))
    volume, bodies = part.volume(), len(part.decompose())
    digits = 0 if volume >= 100 else 2
    return f"{size} mm, {volume:,.{digits}f} mm³, {bodies} {'body' if bodies == 1 else 'bodies'}"


def _stem(prompt: str) -> str:
    """Return a file name for a prompt; one that had to be cut ends in a hash, so that two prompts do not meet."""
    name = re.sub(r"[^\w.]+|\.(?!\d)|(?<!\d)\.|_", "-", prompt.casefold()).strip("-.")
    name = re.sub(r"-{2,}", "-", name) or "part"
    if len(name) <= STEM_LETTERS:
        return name
    digest = hashlib.sha256(prompt.encode()).hexdigest()[:6]
    return f"{name[: STEM_LETTERS - 7].rstrip('-.')}-{digest}"


@dataclass(frozen=True, kw_only=True)
class Evaluate:
    """Judge predictions against reference programs in millimetres: scores.json, report.html and sheet.png."""

    predictions: tyro.conf.Positional[Path]
    """predictions.jsonl, as `cadmonkey generate --prompts` writes it; lines {"id", "prompt", "code"} will do."""
    references: Path
    """A .jsonl file with lines {"id", "prompt", "completion", "family", "stated"}; the last two may be absent."""
    out: Path
    """Folder for the report."""

    def __call__(self) -> None:
        """Judge, and print the table of scores."""
        from cadmonkey.evaluation import evaluate, print_scores

        check_writable(self.out)
        print_scores(evaluate(self.predictions, self.references, self.out))
        print(f"{self.out / 'report.html'}: open it in a browser", file=sys.stderr)


@dataclass(frozen=True, kw_only=True)
class DataMake:
    """Make synthetic parts, each checked by the judge, in a folder of Parquet shards with a manifest and a data card.

    The same choices give the same bytes. A killed command goes on where it stopped. The split goes by a hash of the
    part, so that the same part never lies on two sides.
    """

    rows: int
    """How many rows, all splits together."""
    out: Path
    """Folder for the shards; a name that ends in .jsonl makes one file of JSON lines instead."""
    seed: int = 0
    """The same seed makes the same rows."""
    mix: Literal["full", "plain"] = "full"
    """Everything that we can write, or ten families in plain sentences, as the nano model knows them."""
    workers: _Count = None
    """Processes, one a core if it is not given; the rows do not depend on it."""
    shard_rows: int = 10_000
    """Rows of a shard: some 2 MB; what a killed command may lose for each worker."""
    ray: Annotated[str | None, tyro.conf.arg(metavar="ADDRESS", help_behavior_hint="")] = None
    """Make the rows on the Ray cluster at this address, or on one started here ("local")."""
    fresh: bool = False
    """Start over instead of continuing."""

    def __call__(self) -> None:
        """Make the rows and write them."""
        from cadmonkey.data.chunks import Settings
        from cadmonkey.data.make import make_folder, make_jsonl

        for name in ("rows", "workers", "shard_rows"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise InputError(f"--{name.replace('_', '-')}: expected 1 or more, got {value}")
        if self.out.suffix in (".json", ".csv", ".parquet"):
            raise InputError(f"--out: expected a folder, or a name that ends in .jsonl, got {self.out}")
        settings = Settings(rows=self.rows, seed=self.seed, mix=self.mix)
        if self.out.suffix == ".jsonl":
            make_jsonl(self.out, settings, self.chunks)
            print(f"{self.out}: {self.rows:,} rows", file=sys.stderr)
            return
        manifest = make_folder(self.out, settings, self.chunks, fresh=self.fresh, shard_rows=self.shard_rows)
        splits = ", ".join(f"{count:,} {split}" for split, count in manifest["counts"]["split"].items())
        print(f"{self.out}: {self.rows:,} rows in {len(manifest['shards']):,} shards ({splits})", file=sys.stderr)
        if manifest["refused"]:
            print(f"the judge refused {manifest['refused']:,} parts, see dataset.json", file=sys.stderr)

    def chunks(self, settings: "Settings", spans: "Spans") -> "Iterator[Chunk]":
        """Make chunks of rows here or on Ray."""
        from cadmonkey.data.chunks import chunks_on_cores
        from cadmonkey.data.make import core_count
        from cadmonkey.data.ray_job import chunks_on_ray

        workers = self.workers or core_count()
        if self.ray is not None:
            return chunks_on_ray(settings, spans, address=self.ray, workers=workers)
        return chunks_on_cores(settings, spans, workers)


@dataclass(frozen=True, kw_only=True)
class DataAudit:
    """Look into training data: lengths, repetitions, leaks between splits, wrong labels, balance, numbers, pictures.

    Reads a folder of `cadmonkey data make`, or any .parquet, .jsonl, .json or .csv file in a format that training reads
    (prompt and completion, name and code, messages, ...). Prints tables and writes audit.json and audit.html.
    """

    source: tyro.conf.Positional[Path]
    """The folder or file."""
    out: _Folder = None
    """Folder for audit.json and audit.html; `audit` in the folder, or beside the file, if it is not given."""
    tokenizer: Annotated[Path | None, tyro.conf.arg(metavar="PATH", help_behavior_hint="")] = None
    """Folder of a tokenizer with its chat template, to count tokens with; the nano model's if it is not given."""
    max_seq_length: int = 1024
    """Longest row in tokens that training would take."""
    verify: bool = False
    """Also check every row as `data make` does, at the full fineness of its program."""

    def __call__(self) -> None:
        """Audit, and print the tables."""
        from cadmonkey.data.audit import FILES, FOLDER, audit
        from cadmonkey.data.audit_report import print_audit

        if self.max_seq_length < 1:
            raise InputError(f"--max-seq-length: expected 1 or more, got {self.max_seq_length}")
        out = self.out or (self.source if self.source.is_dir() else self.source.parent) / FOLDER
        check_writable(out)
        print_audit(audit(self.source, out, self.tokenizer, self.max_seq_length, verify=self.verify))
        print(f"{out / FILES[-1]}: open it in a browser", file=sys.stderr)


@dataclass(frozen=True, kw_only=True)
class Data:
    """Make synthetic parts, or look into the quality of training data."""

    action: Annotated[DataMake, tyro.conf.subcommand("make")] | Annotated[DataAudit, tyro.conf.subcommand("audit")]
    """What to do."""

    def __call__(self) -> None:
        """Do it."""
        self.action()


Command = (
    Annotated[Generate, tyro.conf.subcommand("generate")]
    | Annotated[Evaluate, tyro.conf.subcommand("evaluate")]
    | Annotated[Data, tyro.conf.subcommand("data")]
)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Work out what a run will do and cost, and say what is wrong with it: a table, and plan.json in --out.

    It needs no GPU and no weights. RECIPE comes first, then any field of the recipe.
    """

    source: tyro.conf.Positional[Annotated[str, tyro.conf.arg(metavar="RECIPE", help_behavior_hint="")]]
    """A recipe's name (cadmonkey), a path to its .py, or the folder (or recipe.json) of a run."""
    preset: str = ""
    """Where the defaults below come from; the recipe's first if it is not given."""
    out: _Folder = None
    """Folder for plan.json; the run's own if it is not given."""
    gpu_memory_gb: Annotated[float | None, tyro.conf.arg(metavar="GB", help_behavior_hint="")] = None
    """Plan for a GPU with so much memory, instead of what is here."""
    rows: _Count = None
    """Plan for so many rows to train on, without looking at any data."""
    tokens_per_row: int = 400
    """With --rows: how long they are."""
    recipe: Annotated[Recipe, tyro.conf.arg(name="")]
    """Every choice of the run; the defaults are the preset's."""

    def __call__(self) -> None:
        """Look at the data, plan, print and write."""
        from cadmonkey.files import write_json
        from cadmonkey.training.forecast import assume_data, find_tokenizer, look_at_data, sample_rows
        from cadmonkey.training.recipe_file import find_recipe

        _need_training()
        from cadmonkey.training.plan import plan_run
        from cadmonkey.training.plan_report import print_plan

        found = find_recipe(self.source)
        out = self.out or found.out(self.preset)
        check_writable(out)
        if self.rows is not None:
            data = assume_data(self.recipe, self.rows, self.tokens_per_row)
        else:
            sample = sample_rows(self.recipe, found.run)
            data, _ = look_at_data(self.recipe, sample, find_tokenizer(self.recipe.base_model))
        plan = plan_run(self.recipe, data, out, self.gpu_memory_gb)
        print_plan(plan)
        write_json(out / "plan.json", plan.as_dict())
        print(f"{out / 'plan.json'}: the same figures", file=sys.stderr)


@dataclass(frozen=True, kw_only=True)
class Check:
    """Look for what would make a run fail silently: one line a check, and preflight.json in --out. It needs no GPU.

    The exit status is 2 if a check says stop. RUN_OR_RECIPE comes first, then any field of the recipe.
    """

    source: tyro.conf.Positional[Annotated[str, tyro.conf.arg(metavar="RUN_OR_RECIPE", help_behavior_hint="")]]
    """The folder (or recipe.json) of a run, a recipe's name (cadmonkey), or a path to its .py."""
    preset: str = ""
    """Where the defaults below come from; the recipe's first if it is not given."""
    out: _Folder = None
    """Folder for preflight.json; the run's own if it is not given."""
    gpu_memory_gb: Annotated[float | None, tyro.conf.arg(metavar="GB", help_behavior_hint="")] = None
    """Check for a GPU with so much memory, instead of what is here."""
    recipe: Annotated[Recipe, tyro.conf.arg(name="")]
    """Every choice of the run; the defaults are the preset's."""

    def __call__(self) -> None:
        """Check, print and write.

        Raises:
            InputError: a check says stop; its line has said why.
        """
        from cadmonkey.training.recipe_file import find_recipe

        _need_training()
        from cadmonkey.training.inspection import inspect
        from cadmonkey.training.preflight import write_preflight

        found = find_recipe(self.source)
        out = self.out or found.out(self.preset)
        check_writable(out)
        checks, row_checks = inspect(self.recipe, found.run, out, self.gpu_memory_gb)
        for check in checks:
            print(check.line)
        path = out / "preflight.json"
        write_preflight(path, checks, row_checks)
        if stopped := [check.name for check in checks if check.status == "stop"]:
            raise InputError(
                f"{path}: expected no stop, got {', '.join(stopped)}; the lines that begin with stop say what to do"
            )


def _need_training() -> None:
    """Refuse to go on without the packages that train, whose schedules and configs a plan is made of.

    Raises:
        InputError: they are not installed.
    """
    from cadmonkey.training.forecast import go_offline_if_cut_off

    go_offline_if_cut_off()
    try:
        import torch  # noqa: F401
        import transformers
    except ImportError as error:
        raise InputError(f"expected torch and transformers ({error}); install cadmonkey[train]") from error
    transformers.logging.set_verbosity_error()
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)  # it warns of a 4-bit kernel that a CPU lacks


def _presets_of(source: str, arguments: list[str]) -> tuple[str, Recipe]:
    """Return the preset that the arguments name, or the first of the recipe."""
    from cadmonkey.training.options import named_preset
    from cadmonkey.training.recipe_file import find_recipe

    presets = find_recipe(source).presets
    preset = named_preset(arguments) or next(iter(presets))
    if preset not in presets:
        raise InputError(f"--preset: expected {' or '.join(presets)}, got {preset!r}")
    return preset, presets[preset]


def _commands(arguments: list[str]) -> Any:
    """Return the commands; a recipe's preset gives the defaults of those that take one."""
    known: dict[str, Any] = {"plan": Plan, "check": Check}
    commands: Any = Command
    for name, kind in known.items():
        settings = {}
        if arguments[:1] == [name] and len(arguments) > 1 and not arguments[1].startswith("-"):
            preset, recipe = _presets_of(arguments[1], arguments[2:])
            settings = {"default": kind(source=arguments[1], preset=preset, recipe=recipe)}
        commands = commands | Annotated[kind, tyro.conf.subcommand(name, **settings)]
    return commands


def _command() -> None:
    chosen = tyro.cli(
        _commands(sys.argv[1:]),
        prog="cadmonkey",
        description="Small language models that write CAD programs.",
        config=(tyro.conf.OmitSubcommandPrefixes, tyro.conf.OmitArgPrefixes),
    )
    chosen()


def main() -> None:
    """Run the command line."""
    run(_command)


if __name__ == "__main__":
    main()
