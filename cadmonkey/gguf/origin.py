"""Where a model comes from: what its run, or its adapter, recorded of name, base model, data and licence."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Any, Literal

from cadmonkey.errors import InputError
from cadmonkey.files import read_json

HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")
"""owner/name, as the Hugging Face Hub calls models and data sets."""

OWN_PARTS = "CadMonkey synthetic parts"

_QUANTISED_ENDING = re.compile(r"(-unsloth)?-bnb-4bit$", re.IGNORECASE)
"""How repositories of quantised weights are called whose 16-bit model has the same name without it."""

_CHECKPOINT = re.compile(r"checkpoint-\d+")
_PASSING_NAMES = re.compile(rf"adapter|{_CHECKPOINT.pattern}|final|output")
"""Folders that say nothing of what lies in them."""

_DATA_FILES = (".jsonl", ".json", ".csv", ".parquet")
_ABOUT_THE_MODEL = ("base_model", "name", "license", "author", "language")
_RECORDS = ("data_sha256", "versions", "datasets", "data")
"""Entries of recipe.json that are no choices of the training, or stand elsewhere in the card."""


@dataclass(frozen=True, kw_only=True)
class Origin:
    """What the GGUF's metadata and the model card say about a model's descent."""

    name: str
    base_model: str = ""
    """Hub id, or the name of a local folder; "" if the model was not fine-tuned here."""
    source: str = ""
    """Hub id of the model itself, "" if it does not come from the Hub."""
    license: str = ""
    license_name: str = ""
    license_link: str = ""
    """Name and address of a licence that the Hub has no id for."""
    author: str = ""
    """Who made it, by recipe.json or by the model folder's own card."""
    datasets: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    """Codes of the languages that people may ask in, such as en."""
    language: Literal["", "openscad", "ir"] = ""
    """Of the programs that it writes, "" where that was not recorded."""
    choices: dict[str, Any] = field(default_factory=dict)
    """The run's settings, flat, as recipe.json has them."""

    @property
    def base_is_on_hub(self) -> bool:
        """Whether `base_model` is an id of the form owner/name."""
        return bool(HUB_ID.fullmatch(self.base_model))

    @property
    def hub_datasets(self) -> tuple[str, ...]:
        """The data sets that the Hub knows."""
        return tuple(name for name in self.datasets if HUB_ID.fullmatch(name))

    @property
    def tags(self) -> tuple[str, ...]:
        """What the model is for, as the Hub's search has it."""
        programs = {"openscad": ("cad", "openscad"), "ir": ("cad",), "": ()}
        return ("text-generation", *programs[self.language])

    @property
    def base_entries(self) -> list[dict[str, str]]:
        """The base model as `general.base_model.N.*` holds it."""
        return [_entry(self.base_model, "")] if self.base_model else []

    @property
    def dataset_entries(self) -> list[dict[str, str]]:
        """The data sets as `general.dataset.N.*` holds them."""
        return [_entry(name, "datasets/") for name in self.datasets]


def hub_url(hub_id: str, kind: str = "") -> str:
    """Return where the Hub shows a model, or what `kind` ("datasets/") names."""
    return f"https://huggingface.co/{kind}{hub_id}"


def _entry(name: str, kind: str) -> dict[str, str]:
    owner, _, last = name.rpartition("/")
    known = {"organization": owner, "repo_url": hub_url(name, kind)} if HUB_ID.fullmatch(name) else {}
    return {"name": last} | known


def read_origin(folder: Path, base_folder: Path | None = None) -> Origin:
    """Read what was recorded of the training, and the licence from there or from the base model's card."""
    recipe = read_training(folder)
    flat = _flatten({key: value for key, value in recipe.items() if key not in _RECORDS})
    own, base = _front_matter(folder), _front_matter(base_folder or folder)
    source, run = _snapshot_id(folder), run_of(folder)
    named = f"{flat['name']}-{folder.name}" if "name" in flat and run != folder else flat.get("name")
    return Origin(
        name=str(named or source.rpartition("/")[2] or _folder_name(folder)),
        base_model=_base_name(recipe, run, base_folder),
        source=source,
        license=str(flat.get("license") or _text(base, "license")),
        license_name="" if flat.get("license") else _text(base, "license_name"),
        license_link="" if flat.get("license") else _text(base, "license_link"),
        author=str(flat.get("author") or _text(own, "author")),
        datasets=_datasets(recipe, run),
        languages=("en",) if recipe.get("own_parts") else _texts(own, "language"),
        language=_language(recipe),
        choices={key: value for key, value in flat.items() if key not in _ABOUT_THE_MODEL},
    )


def read_recipe(folder: Path) -> dict[str, Any]:
    """Return recipe.json of a run folder.

    Raises:
        InputError: it is missing, broken, or does not name a base model.
    """
    recipe = read_json(folder / "recipe.json")
    if not isinstance(recipe, dict) or not isinstance(recipe.get("base_model"), str) or not recipe["base_model"]:
        raise InputError(f'{folder / "recipe.json"}: expected "base_model", a Hugging Face id or a folder, got none')
    return recipe


def is_run(folder: Path) -> bool:
    """Whether it is the folder of a run of a recipe."""
    return (folder / "recipe.json").is_file()


def is_adapter(folder: Path) -> bool:
    """Whether an adapter lies in it as PEFT saves it, and neither a run nor the weights of a whole model."""
    whole = is_run(folder) or any(folder.glob("model*.safetensors"))
    return (folder / "adapter_config.json").is_file() and not whole


def run_of(folder: Path) -> Path:
    """Return the run whose checkpoint the folder is, and any other folder as it is."""
    parent = folder.absolute().parent
    return parent if _CHECKPOINT.fullmatch(folder.name) and is_run(parent) else folder


def read_training(folder: Path) -> dict[str, Any]:
    """Return what is recorded of the training, in the terms of recipe.json: nothing for the folder of a whole model.

    A checkpoint has the record of its run.

    Raises:
        InputError: it is broken, or does not name a base model.
    """
    if is_run(run_of(folder)):
        return read_recipe(run_of(folder))
    return _read_adapter_training(folder) if is_adapter(folder) else {}


def _read_adapter_training(folder: Path) -> dict[str, Any]:
    """Return what adapter_config.json and the adapter's own card say; the card that PEFT makes is mostly empty."""
    path = folder / "adapter_config.json"
    config, card = read_json(path), _front_matter(folder)
    base = config.get("base_model_name_or_path") if isinstance(config, dict) else None
    if not isinstance(base, str) or not base:
        raise InputError(f'{path}: expected "base_model_name_or_path", a Hugging Face id or a folder, got none')
    training = {
        "base_model": base,
        "lora_rank": config.get("r"),
        "lora_alpha": config.get("lora_alpha"),
        "lora_dropout": config.get("lora_dropout"),
        "use_rslora": config.get("use_rslora"),
        "use_dora": config.get("use_dora"),
        "load_in_4bit": sixteen_bit_name(base) != base,
        "license": _text(card, "license"),
        "datasets": list(_texts(card, "datasets")),
    }
    return {key: value for key, value in training.items() if value}


def sixteen_bit_name(name: str) -> str:
    """Return what the 16-bit model is called by whose name the repository of a quantised one is."""
    return _QUANTISED_ENDING.sub("", name)


def is_quantised(folder: Path) -> bool:
    """Whether config.json says that the weights of a model are quantised."""
    config = read_json(folder / "config.json")
    return isinstance(config, dict) and bool(config.get("quantization_config"))


def _flatten(recipe: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return the scalar values with dotted names; local paths lose their folders, which are nobody's business."""
    flat: dict[str, Any] = {}
    for key, value in recipe.items():
        if isinstance(value, dict):
            flat |= _flatten(value, f"{prefix}{key}.")
        elif isinstance(value, str):
            flat[prefix + key] = _public_name(value)
        elif value is None or isinstance(value, int | float):
            flat[prefix + key] = value
    return flat


def _public_name(value: str) -> str:
    """Return an absolute path's last part, and anything else as it is."""
    local = PurePath(value).is_absolute() or value.startswith(("~", "."))
    return PurePath(value).name if local else value


def _folder_name(folder: Path) -> str:
    """Return the name of a folder, with its parent's where it says nothing by itself."""
    path = folder.resolve()
    return f"{path.parent.name}-{path.name}" if _PASSING_NAMES.fullmatch(path.name) else path.name


def _base_name(recipe: Mapping[str, Any], folder: Path, base_folder: Path | None) -> str:
    """Return a Hub id as it is and a folder by its last name, so that no folder is taken for a Hub id.

    An adapter that was trained on quantised weights is merged into the 16-bit model, which is the one to name.
    """
    if recipe and base_folder is not None and (hub_id := _snapshot_id(base_folder)):
        return hub_id
    value = sixteen_bit_name(str(recipe.get("base_model", "")))
    places = (Path(), folder, Path(__file__).parents[2])
    local = any((start / value).is_dir() for start in places) or not HUB_ID.fullmatch(_public_name(value))
    return PurePath(value).name if local else value


def _datasets(recipe: Mapping[str, Any], folder: Path) -> tuple[str, ...]:
    found = recipe.get("datasets") or recipe.get("data") or ()
    values = [found] if isinstance(found, str) else [str(name) for name in found]
    names = [PurePath(value).name if _is_local(value, folder) else _public_name(value) for value in values]
    return tuple(names + [OWN_PARTS] * bool(recipe.get("own_parts")))


def _is_local(value: str, folder: Path) -> bool:
    return value.endswith(_DATA_FILES) or any((start / value).exists() for start in (Path(), folder))


def _snapshot_id(folder: Path) -> str:
    """Return the Hub id of a folder in the Hub's own cache (models--owner--name/snapshots/revision)."""
    repository = folder.absolute().parent.parent.name
    in_cache = folder.absolute().parent.name == "snapshots" and repository.startswith("models--")
    return "/".join(repository.split("--")[1:]) if in_cache else ""


def _language(recipe: Mapping[str, Any]) -> Literal["", "openscad", "ir"]:
    """Return what the recipe says; runs that name no language train on our own parts in OpenSCAD, or on other data."""
    match recipe.get("language"):
        case "openscad":
            return "openscad"
        case "ir":
            return "ir"
    return "openscad" if recipe.get("own_parts") else ""


def _front_matter(folder: Path) -> dict[str, Any]:
    """Return the head of README.md, empty if it has none that can be read."""
    from gguf import Metadata

    try:
        return dict(Metadata.load_model_card(folder))
    except Exception:  # of the YAML reader that gguf chose; a broken card is no reason not to export
        return {}


def _texts(card: Mapping[str, Any], key: str) -> tuple[str, ...]:
    value = card.get(key)
    values = value if isinstance(value, list) else [value]
    return tuple(text for text in values if isinstance(text, str) and text)


def _text(card: Mapping[str, Any], key: str) -> str:
    return ", ".join(_texts(card, key))
