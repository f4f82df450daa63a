"""The command line of a recipe: a preset, any of its fields, and where the run goes."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, TypeVar

import tyro

from cadmonkey.errors import InputError
from cadmonkey.training.recipe import Recipe


@dataclass(frozen=True, kw_only=True)
class Options:
    """What a recipe's command takes."""

    preset: str
    """Where the defaults below come from; chosen by the hardware if not given."""
    out: Path
    """The run's folder; a killed run resumes in it."""
    fresh: tyro.conf.FlagCreatePairsOff[bool] = False
    """Start over: remove what an earlier run left in the folder."""
    recipe: Annotated[Recipe, tyro.conf.arg(name="")]
    """Every choice of the run; the defaults are the preset's."""


@dataclass(frozen=True, kw_only=True)
class _ComparableOptions(Options):
    """What the command of a recipe takes that can set presets against each other."""

    compare: tuple[str, ...] = ()
    """Run these presets instead, one after the other on the same rows, and print what each reached and took."""


_Kind = TypeVar("_Kind", bound=Options)


def read_options(name: str, presets: Mapping[str, Recipe], automatic: str, description: str) -> Options:
    """Parse the command line of recipe `name`, with the preset it names (or `automatic`) as the defaults.

    Raises:
        InputError: there is no such preset.
    """
    return _read(Options, name, presets, named_preset(sys.argv[1:]) or automatic, description)


def read_runs(name: str, presets: Mapping[str, Recipe], automatic: str, description: str) -> list[Options]:
    """Parse the command line as `read_options` does; with --compare there is a run for each preset, in a sub-folder.

    Raises:
        InputError: there is no such preset, or only one to compare.
    """
    first = _read(_ComparableOptions, name, presets, named_preset(sys.argv[1:]) or automatic, description)
    if not first.compare:
        return [first]
    if len(set(first.compare)) < 2 or len(set(first.compare)) < len(first.compare):
        raise InputError(f"--compare: expected two or more different presets, got {' '.join(first.compare)}")
    if named_preset(sys.argv[1:]):
        raise InputError("--compare: expected no --preset beside it, for it names the presets itself")
    given = any(argument.partition("=")[0] == "--out" for argument in sys.argv[1:])
    out = first.out if given else first.out.with_name("-".join((name, *first.compare)))
    runs = [_read(_ComparableOptions, name, presets, preset, description) for preset in first.compare]
    return [replace(options, out=out / options.preset) for options in runs]


def _read(kind: type[_Kind], name: str, presets: Mapping[str, Recipe], preset: str, description: str) -> _Kind:
    if preset not in presets:
        raise InputError(f"--preset: expected {' or '.join(presets)}, got {preset!r}")
    defaults = kind(preset=preset, out=Path("outputs") / f"{name}-{preset}", recipe=presets[preset])
    return tyro.cli(
        kind,
        default=defaults,
        description=description,
        # A remedy or a habit may turn off what a preset has off already: --no-load-in-4bit is no error.
        config=(tyro.conf.OmitArgPrefixes,),
    )


def named_preset(arguments: list[str]) -> str:
    """Return what follows --preset, which must be known before the defaults are."""
    for position, argument in enumerate(arguments):
        if argument == "--preset" and position + 1 < len(arguments):
            return arguments[position + 1]
        if argument.startswith("--preset="):
            return argument.partition("=")[2]
    return ""


def has_cuda() -> bool:
    """True where PyTorch can use an NVIDIA GPU."""
    import torch

    return torch.cuda.is_available()
