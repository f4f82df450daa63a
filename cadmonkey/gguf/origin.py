"""Where a model comes from: what its run recorded of name, base model, data and licence."""

from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Any, Literal

from cadmonkey.errors import InputError
from cadmonkey.files import read_json


@dataclass(frozen=True, kw_only=True)
class Origin:
    """What the GGUF's metadata and the model card say about a model's descent."""

    name: str
    base_model: str = ""
    """Hub id, or the name of a local folder; "" if the model was not fine-tuned here."""
    license: str = ""
    author: str = ""
    """Who made it, by recipe.json or by the model folder's own card."""
    datasets: tuple[str, ...] = ()
    language: Literal["", "openscad", "ir"] = ""
    """Of the programs that it writes, "" where that was not recorded."""
    choices: dict[str, Any] = field(default_factory=dict)
    """The run's settings, flat, as recipe.json has them."""

    @property
    def base_is_on_hub(self) -> bool:
        """Whether `base_model` is an id of the form owner/name."""
        return self.base_model.count("/") == 1


def read_origin(folder: Path, base_folder: Path | None = None) -> Origin:
    """Read recipe.json where there is one, and the licence from it or from the base model's card."""
    recipe = read_recipe(folder) if (folder / "recipe.json").is_file() else {}
    flat = _flatten(recipe)
    return Origin(
        name=str(flat.get("name") or folder.resolve().name),
        base_model=_public_name(str(recipe.get("base_model", ""))),
        license=str(flat.get("license") or _card_text(base_folder or folder, "license")),
        author=str(flat.get("author") or _card_text(folder, "author")),
        datasets=_datasets(recipe),
        language=_language(recipe),
        choices={key: value for key, value in flat.items() if key not in ("base_model", "name", "license", "author")},
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


def _datasets(recipe: dict[str, Any]) -> tuple[str, ...]:
    found = recipe.get("datasets") or recipe.get("data") or ()
    names = [found] if isinstance(found, str) else list(found)
    return tuple(_public_name(str(name)) for name in names)


def _language(recipe: dict[str, Any]) -> Literal["", "openscad", "ir"]:
    """Return what the recipe says; runs that name no language train on our own parts in OpenSCAD, or on other data."""
    match recipe.get("language"):
        case "openscad":
            return "openscad"
        case "ir":
            return "ir"
    return "openscad" if recipe.get("own_parts") else ""


def _card_text(folder: Path, key: str) -> str:
    """Return an entry of the front matter of README.md, "" if it has none."""
    from gguf import Metadata

    value = Metadata.load_model_card(folder).get(key, "")
    return value if isinstance(value, str) else ""
