"""Hostile programs without end: do the parsers, the evaluator and the judge ever do worse than refuse?

    python benchmarks/fuzz.py --minutes 30                 # records itself in benchmarks/results/fuzz.json
    python benchmarks/fuzz.py --minutes 1 --out /tmp/f.json

Each program is a mutation (tests/cad/mutations.py) of a real one, by a seed of its own; what must hold stands in
tests/cad/executions.py. They run in a child process: one that crashes, hangs or eats memory is recorded, and the run
goes on behind it. A defect is anything but a result or one of our own errors, more than SLOW_S seconds, or more than
LARGE_BYTES.
"""

import argparse
import json
import os
import platform
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
SLOW_S = 5.0
LARGE_BYTES = 1 << 30
HANGS_S = 60
"""A program that uses so much CPU time is ended, with its process."""
BATCH = 500
"""Programs of one child."""
LARGE_STATUS = 3
LANGUAGES = ("openscad", "openscad", "ir")


def main() -> None:
    """Fuzz for a while, then append what was done to a file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30, help="of CPU time")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results" / "fuzz.json")
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        run_batch(options.seed, int(options.child[0]), Path(options.child[1]))
        return
    runs = json.loads(options.out.read_text(encoding="utf-8")) if options.out.exists() else []
    for record in fuzz(options.seed, 60 * options.minutes):
        options.out.write_text(json.dumps([*runs, record], indent=1) + "\n", encoding="utf-8")
        shown = {key: record[key] for key in ("programs", "cpu_s", "outcomes", "slowest_s", "peak_mb")}
        print(json.dumps(shown | {"defects": len(record["defects"])}), flush=True)


def fuzz(seed: int, cpu_limit_s: float) -> Iterator[dict]:
    """Run children until they have used so much CPU time; yield the record of them all after each."""
    outcomes: Counter[str] = Counter()
    defects: list[dict] = []
    slowest_s, peak_bytes, cpu_s, first, started = 0.0, 0, 0.0, 0, time.monotonic()
    while cpu_s < cpu_limit_s:
        with tempfile.TemporaryDirectory() as folder:
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            done = _child(seed, first, Path(folder))
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu_s += after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        outcomes.update(entry["outcome"] for entry in done)
        defects += [entry for entry in done if "text" in entry]
        slowest_s = max([slowest_s, *(entry["seconds"] for entry in done)])
        peak_bytes = max([peak_bytes, *(entry["peak"] for entry in done)])
        first += max(len(done), 1)
        for entry in done:
            if "text" in entry:
                print(f"  program {entry['number']}: {entry['outcome']} {entry.get('note', '').strip()[-200:]}")
        yield {
            "date": time.strftime("%Y-%m-%d"),
            "commit": _output("git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"),
            "seed": seed,
            "programs": first,
            "outcomes": dict(outcomes),
            "cpu_s": round(cpu_s),
            "wall_s": round(time.monotonic() - started),
            "slowest_s": round(slowest_s, 2),
            "peak_mb": peak_bytes >> 20,
            "versions": {"python": platform.python_version()}
            | {name: version(name) for name in ("manifold3d", "numpy", "hypothesis")},
            "hardware": f"{_processor()}, {os.cpu_count()} cores, shared",
            "defects": defects,
        }


def _child(seed: int, first: int, folder: Path) -> list[dict]:
    """Run one batch; a child that dies or hangs adds its last program."""
    command = [sys.executable, __file__, "--seed", str(seed), "--child", str(first), str(folder)]
    log, current = folder / "log", folder / "current"
    status = subprocess.run(command, check=False).returncode
    done = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()] if log.exists() else []
    # SIGTERM comes from people: that program is left out, and the run goes on behind it.
    if status not in (0, LARGE_STATUS, -signal.SIGTERM) and current.exists():
        hangs = status == -signal.SIGXCPU
        language, text = json.loads(current.read_text(encoding="utf-8"))
        entry = {"outcome": "hang" if hangs else "crash", "seconds": HANGS_S if hangs else 0, "peak": 0}
        done.append({**entry, "language": language, "text": text, "number": first + len(done), "status": status})
    return done


def run_batch(seed: int, first: int, folder: Path) -> None:
    """Execute BATCH programs from number `first` on; log each, with its text where it shows a defect."""
    from tests.cad.mutations import mutated, real_programs

    resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 6 << 30))
    warnings.simplefilter("error", RuntimeWarning)  # numpy computes with what is no number
    programs = real_programs(120, 400)
    with (folder / "log").open("w", encoding="utf-8", buffering=1) as log:
        for number in range(first, first + BATCH):
            draw = random.Random(f"{seed}/{number}")
            language = draw.choice(LANGUAGES)
            text = mutated(draw, programs[language], language)
            (folder / "current").write_text(json.dumps([language, text]), encoding="utf-8")
            resource.setrlimit(resource.RLIMIT_CPU, (int(time.process_time()) + HANGS_S, resource.RLIM_INFINITY))
            entry = _executed(text, language)
            if entry["outcome"] not in ("refused", "no solid", "not judged", "judged"):
                entry |= {"language": language, "text": text, "number": number}
            log.write(json.dumps(entry) + "\n")
            if entry["outcome"] == "large":
                sys.exit(LARGE_STATUS)  # the peak of a process only grows: go on in a new one


def _executed(text: str, language: str) -> dict:
    from tests.cad.executions import execute

    started, note = time.process_time(), ""
    try:
        outcome = execute(text, language)
    except (Exception, RecursionError) as error:
        outcome, note = "raised", "".join(traceback.format_exception(error)[-4:])
    seconds = time.process_time() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    if outcome != "raised" and seconds > SLOW_S:
        outcome = "slow"
    if outcome != "raised" and peak > LARGE_BYTES:
        outcome = "large"
    return {"outcome": outcome, "seconds": round(seconds, 3), "peak": peak} | ({"note": note} if note else {})


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    names = [line.split(":")[1].strip() for line in info.read_text().splitlines() if line.startswith("model name")]
    return names[0] if names else platform.processor()


def _output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


if __name__ == "__main__":
    main()
