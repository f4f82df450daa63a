"""The command line of a recipe: a preset, any of its fields, and where the run goes."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

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
    fresh: bool = False
    """Start over: remove what an earlier run left in the folder."""
    recipe: Annotated[Recipe, tyro.conf.arg(name="")]
    """Every choice of the run; the defaults are the preset's."""


def read_options(name: str, presets: Mapping[str, Recipe], automatic: str, description: str) -> Options:
    """Parse the command line of recipe `name`, with the preset it names (or `automatic`) as the defaults.

    Raises:
        InputError: there is no such preset.
    """
    preset = named_preset(sys.argv[1:]) or automatic
    if preset not in presets:
        raise InputError(f"--preset: expected {' or '.join(presets)}, got {preset!r}")
    defaults = Options(preset=preset, out=Path("outputs") / f"{name}-{preset}", recipe=presets[preset])
    return tyro.cli(
        Options,
        default=defaults,
        description=description,
        config=(tyro.conf.FlagCreatePairsOff, tyro.conf.OmitArgPrefixes),
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
