"""What must hold of made data, checked on fresh rows at the full fineness of their programs.

    python benchmarks/must_hold.py --rows 100000          # records itself in benchmarks/results/must_hold.json
    python benchmarks/must_hold.py --rows 500 --out /tmp/must_hold.json

Rows are made as `cadmonkey data make` makes them; how many parts its own check refused is recorded. Every row: both
notations parse, to equal solids; the grammars accept both; the judge passes the program against itself with every
stated dimension; its hash is that of its program; the sentence has the words for every parameter that does not take its
default. Over all rows: no part in two splits. A check whose module is not there is recorded
as not done, and fails the run as a fault does.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.record import RESULTS, circumstances, write_record
from cadmonkey.terminal import progress

Row = dict[str, Any]
SKIN_MM = 1e-8
"""Compact IR states numbers with some digits, so that a metre's corner may lie a hundredth of a nanometre elsewhere."""
CHUNK = 100
MOST_EXAMPLES = 20
FRESH_SEED = 20_261_121
"""No recipe and no test makes rows of this seed."""


def main() -> None:
    """Check, print a line for each check, record them all; exit with 1 where one does not hold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=FRESH_SEED)
    parser.add_argument("--mix", default="full")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--out", type=Path, default=RESULTS / "must_hold.json")
    options = parser.parse_args()
    record = check_all(options.rows, options.seed, options.mix, options.workers)
    write_record(options.out, record)
    print(f"{record['rows']:,} rows; {record['refused']['parts']:,} parts refused before")
    for name, check in record["checks"].items():
        done = f"{check['passed']:,} of {check['of']:,}" if check["done"] else "not done: " + check["why"]
        print(f"{'ok  ' if check['holds'] else 'FAIL'} {name}: {done}")
        for example in check["faults"][:3]:
            print(f"     {example}")
    sys.exit(not all(check["holds"] for check in record["checks"].values()))


def check_all(rows: int, seed: int, mix: str, workers: int) -> dict[str, Any]:
    """The record of all checks."""
    started = time.perf_counter()
    checks = {name: _Check() for name in (*OF_ROWS, "no part in two splits")}
    splits: dict[str, set[str]] = {}
    starts = range(0, rows, CHUNK)
    work = partial(_chunk, rows=rows, seed=seed, mix=mix)
    refused: list[dict[str, str]] = []
    with ProcessPoolExecutor(workers) as pool, progress("chunks of 100 rows", len(starts)) as advance:
        for faults_of_rows, places, others in pool.map(work, starts) if workers > 1 else map(work, starts):
            advance("")
            refused += others
            for part, split in places:
                splits.setdefault(part, set()).add(split)
            for name, faults in faults_of_rows.items():
                checks[name].add(faults)
    for part, found in splits.items():
        fault = f"part {part} is in {', '.join(sorted(found))}" if len(found) > 1 else ""
        checks["no part in two splits"].add([fault])
    return {
        **circumstances(),
        "rows": rows,
        "seed": seed,
        "mix": mix,
        "parts": len(splits),
        "refused": {"parts": len(refused), "examples": refused[:MOST_EXAMPLES]},
        "wall_s": round(time.perf_counter() - started, 1),
        "checks": {name: check.as_dict() for name, check in checks.items()},
    }


class _Check:
    """How many passed, the first faults, and whether it could be done at all."""

    def __init__(self) -> None:
        self.passed = self.of = 0
        self.faults: list[str] = []
        self.missing = ""

    def add(self, faults: Iterable[str | None]) -> None:
        """Count the answers: "" for what passed, a fault, or None for what could not be checked."""
        for fault in faults:
            if fault is None:
                self.missing = "the module for it is not merged"
                continue
            self.of += 1
            self.passed += not fault
            if fault and len(self.faults) < MOST_EXAMPLES:
                self.faults.append(fault)

    def as_dict(self) -> dict[str, Any]:
        """As the record holds it."""
        done = self.of > 0 and not self.missing
        holds = done and self.passed == self.of
        return {
            "holds": holds,
            "done": done,
            "why": self.missing,
            "passed": self.passed,
            "of": self.of,
            "faults": self.faults,
        }


Answers = dict[str, list[str | None]]


def _chunk(start: int, rows: int, seed: int, mix: str) -> tuple[Answers, list[tuple[str, str]], list[dict[str, str]]]:
    """Faults of rows by check, part and split of each row, and the parts that were refused before."""
    from cadmonkey.data.chunks import Settings, make_chunk

    faults: Answers = {name: [] for name in OF_ROWS}
    chunk = make_chunk(Settings(rows=rows, seed=seed, mix=mix), (start, min(start + CHUNK, rows)))
    for row in chunk.rows:
        for name, check in OF_ROWS.items():
            faults[name].append(_named(row, _caught(check, row)))
    return faults, [(row["part"], row["split"]) for row in chunk.rows], chunk.refused


def _caught(check: Callable[[Row], str | None], row: Row) -> str | None:
    """The answer of a check; an exception is a fault of the row."""
    try:
        return check(row)
    except ImportError:
        return None
    except Exception as error:  # whatever it is, the row does not hold, and the others are still to be checked
        return f"{type(error).__name__}: {error}"


def _named(row: Row, fault: str | None) -> str | None:
    return f"{row['id']}: {fault} ({row['prompt'][:120]})" if fault else fault


@lru_cache(maxsize=2)
def _program(language: str, text: str) -> Any:
    """What a text reads as; several checks want to know."""
    from cadmonkey.cad.ir import parse_ir
    from cadmonkey.cad.openscad import parse_openscad

    return parse_openscad(text) if language == "openscad" else parse_ir(text)


def parses_as_openscad(row: Row) -> str:
    """The completion reads back, and prints as it was."""
    from cadmonkey.cad.openscad import print_openscad

    return "" if print_openscad(_program("openscad", row["completion"])) == row["completion"] else "prints differently"


def parses_as_ir(row: Row) -> str:
    """The Compact IR reads back."""
    _program("ir", row["completion_ir"])
    return ""


def has_equal_solids(row: Row) -> str:
    """Both notations have the same solid: one mesh, or nothing that is in one alone but a skin of SKIN_MM."""
    from cadmonkey.cad.judge import SPECK_MM3
    from cadmonkey.cad.mesh import unshared_mm3
    from cadmonkey.cad.solid import solid

    one, other = solid(_program("openscad", row["completion"])), solid(_program("ir", row["completion_ir"]))
    if one.is_empty():
        return "the solid is empty"
    rest = unshared_mm3(one, other)
    return "" if rest <= max(SPECK_MM3, SKIN_MM * one.surface_area()) else f"the solids differ by {rest:g} mm³"


def is_all_pass(row: Row) -> str:
    """The judge passes the program, with itself for the reference and every stated dimension measured."""
    from cadmonkey.cad.judge import judge

    verdict = judge(row["completion"], row["completion"], row["stated"])
    return "" if verdict.all_pass else verdict.reason


def is_accepted_by_grammar(row: Row) -> str:
    """The automaton reads both notations to their ends."""
    from cadmonkey.cad.grammar import start

    texts = {"openscad": row["completion"], "ir": row["completion_ir"]}
    for language, text in texts.items():
        state = start(language)
        for at, letter in enumerate(text):
            state = state.advance(letter.encode())
            if state is None:
                return f"the {language} grammar refuses {text[at : at + 20]!r} after {text[max(at - 20, 0) : at]!r}"
        if not state.is_complete:
            return f"the {language} grammar wants more after {text[-20:]!r}"
    return ""


def has_its_hash(row: Row) -> str:
    """The part's hash is that of the program."""
    from cadmonkey.parts import part_hash

    found = part_hash(_program("openscad", row["completion"]))
    return "" if found == row["part"] else f"hash {row['part']}, its program has {found}"


def has_words_for_all(row: Row) -> str:
    """The sentence states every parameter, but for those that take their default."""
    from cadmonkey.parts import DEFAULTS_MM
    from cadmonkey.parts.ledger import ledger_faults

    return "; ".join(ledger_faults(row["prompt"], row["ledger"], DEFAULTS_MM.get(row["family"], {})))


OF_ROWS: dict[str, Callable[[Row], str | None]] = {
    "parses as OpenSCAD": parses_as_openscad,
    "parses as Compact IR": parses_as_ir,
    "both notations have equal solids": has_equal_solids,
    "accepted by the grammars": is_accepted_by_grammar,
    "all-pass against itself": is_all_pass,
    "the hash is that of the program": has_its_hash,
    "the sentence has words for every parameter": has_words_for_all,
}
"""Every check of single rows."""

if __name__ == "__main__":
    main()
