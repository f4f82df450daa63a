"""The first stage of a run: its folder, its rows and the record of every choice."""

from typing import Literal

from cadmonkey.terminal import check_writable
from cadmonkey.training.engines import prepare_process
from cadmonkey.training.examples import write_rows
from cadmonkey.training.folder import open_run, record_run
from cadmonkey.training.options import Options
from cadmonkey.training.processes import first_alone, join_processes
from cadmonkey.training.watch import check_reporters


def start_run(options: Options, references: Literal["parts", "held-out"] = "parts") -> None:
    """Read, mix and split the rows into the run's folder and write its recipe.json, or find both done.

    Of several processes (torchrun, accelerate launch) the first does it, and the others wait.

    Args:
        options: the run.
        references: what the trained model will be asked, see `write_rows`.

    Raises:
        InputError: the folder holds another run or cannot be written to, or the data cannot be read.
    """
    check_writable(options.out)
    check_reporters(options.recipe)
    prepare_process(options.recipe)
    join_processes()
    first_alone(lambda: _make_data(options, references))


def _make_data(options: Options, references: Literal["parts", "held-out"]) -> None:
    out, recipe = options.out, options.recipe
    open_run(out, options.preset, recipe, fresh=options.fresh)
    record_run(out, options.preset, recipe, write_rows(out, recipe, references))
