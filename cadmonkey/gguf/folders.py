"""Where a trained model lies on disk: in a run folder, in the folder of an adapter as PEFT saves it, or on its own."""

import re
from dataclasses import dataclass
from pathlib import Path

from cadmonkey.errors import InputError
from cadmonkey.gguf.origin import is_adapter, is_quantised, is_run, read_training, run_of, sixteen_bit_name


@dataclass(frozen=True)
class Parts:
    """Where a trained model lies on disk; without an adapter the weights are the trained ones."""

    weights: Path
    adapter: Path | None
    tokenizer: Path


def trained_parts(folder: Path, base: Path | None = None) -> Parts:
    """Return where the weights, the adapter and the tokenizer of a run, adapter or model folder lie.

    An adapter that was saved without a tokenizer has its base's. See `base_folder` for `base`.

    Raises:
        InputError: it is none of the three, it has not been trained yet, or its base is not on this machine.
    """
    if is_adapter(folder):
        weights = base_folder(folder, base)
        return Parts(weights, _whole_adapter(folder), folder if (folder / "tokenizer.json").is_file() else weights)
    if not is_run(folder) or read_training(folder).get("full_finetuning"):
        whole = _whole_folder(folder) if is_run(folder) else _model_folder(folder)
        if base is not None:
            raise InputError(
                f"--base: expected an adapter, which needs one, got a whole model in {whole}; leave it out"
            )
        return Parts(whole, None, whole)
    adapter = folder / "adapter"
    if not (adapter / "adapter_config.json").is_file():
        raise InputError(f"{adapter}: expected the trained adapter in it, got none; run the recipe first")
    return Parts(base_folder(folder, base), adapter, adapter)


def _whole_adapter(folder: Path) -> Path:
    if not (folder / "adapter_model.safetensors").is_file():
        raise InputError(
            f"{folder}: expected adapter_model.safetensors beside adapter_config.json, got none; an adapter in another "
            "format becomes one with PEFT's `save_pretrained`"
        )
    return folder


def base_folder(folder: Path, base: Path | None = None) -> Path:
    """Return where the base of a run or an adapter lies on this machine; a model folder is its own base.

    `base` stands for the recorded one: that has moved, or holds quantised weights, into which nothing can be merged.
    A recorded relative path is looked for from here, from the folder and from the checkout; anything else is taken for
    a Hugging Face id, which must have been downloaded already. A model trained whole can do without its base.

    Raises:
        InputError: it is not here, is no model, or is quantised.
    """
    if not (is_run(folder) or is_adapter(folder)):
        return _model_folder(folder)
    training = read_training(folder)
    try:
        if base is not None:
            return _given_base(base)
        found = local_base(folder) or _cached_folder(training["base_model"], folder)
        return _check_sixteen_bits(_model_folder(found), training["base_model"])
    except InputError:
        if training.get("full_finetuning"):
            return _whole_folder(folder)
        raise


def _given_base(base: Path) -> Path:
    if not (base / "config.json").is_file():
        got = "a folder without it" if base.is_dir() else "a file" if base.exists() else _nothing(base)
        raise InputError(f"--base {base}: expected the folder of a whole model, with config.json, got {got}")
    return _check_sixteen_bits(base, str(base))


def _nothing(folder: Path) -> str:
    is_word = folder.name == str(folder)
    return "nothing of that name" + "; a Hub id is OWNER/NAME" * is_word


def local_base(folder: Path) -> Path | None:
    """Return the recorded base of a run or an adapter, if it is a folder that is here."""
    recorded = read_training(folder)["base_model"]
    places = (start / recorded for start in (Path(), run_of(folder), Path(__file__).parents[2]))
    return next((place for place in places if place.is_dir()), None)


def check_base_name(folder: Path) -> None:
    """Find out by its name, before it is fetched, that the recorded base of an adapter is quantised.

    Raises:
        InputError: it is, and the line names the 16-bit model.
    """
    name = read_training(folder)["base_model"]
    if sixteen_bit_name(name) != name:
        raise _quantised(name)


def _check_sixteen_bits(found: Path, name: str) -> Path:
    if is_quantised(found):
        raise _quantised(name)
    return found


def _quantised(name: str) -> InputError:
    known = sixteen_bit_name(name)
    remedy = known if known != name else "FOLDER_OR_ID, the 16-bit model it was made of"
    return InputError(
        f"{name}: expected a base with 16-bit weights, into which an adapter can be merged, got quantised ones; add "
        f"--base {remedy}"
    )


def _whole_folder(folder: Path) -> Path:
    whole = folder / "model"
    if not (whole / "config.json").is_file():
        raise InputError(f"{whole}: expected the trained model in it, got none; run the recipe first")
    return whole


def _cached_folder(base: str, folder: Path) -> Path:
    from huggingface_hub import snapshot_download

    place = run_of(folder) / (
        "recipe.json: base_model" if is_run(run_of(folder)) else "adapter_config.json: base_model_name_or_path"
    )
    remedy = f"{place} {base}: expected a folder or a downloaded Hugging Face model"
    if not re.fullmatch(r"[\w.-]+(/[\w.-]+)?", base):
        raise InputError(f"{remedy}, got a folder that is not there; if it has moved, name it with --base")
    try:
        return Path(snapshot_download(base, local_files_only=True))
    except (OSError, ValueError) as error:
        raise InputError(f"{remedy}; fetch it with `hf download {base}`, or name another with --base") from error


def _model_folder(folder: Path) -> Path:
    if not folder.is_dir():
        got = "a file" if folder.exists() else _nothing(folder)
        raise InputError(f"{folder}: expected a run folder, an adapter folder or a model folder, got {got}")
    if not (folder / "config.json").is_file():
        raise InputError(
            f"{folder}: expected recipe.json (a run), adapter_config.json (an adapter) or "
            "config.json (a model), got none of them"
        )
    return folder
