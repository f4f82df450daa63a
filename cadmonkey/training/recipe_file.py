"""Finding a recipe: by its name, by its file, or in the folder of a run."""

import importlib.util
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from cadmonkey.errors import InputError
from cadmonkey.files import read_json
from cadmonkey.training.recipe import Recipe

_CHECKOUT = Path(__file__).parents[2]


@dataclass(frozen=True)
class FoundRecipe:
    """A recipe's name and presets, and the folder of its run."""

    name: str
    presets: dict[str, Recipe]
    run: Path | None
    """The folder of a run that has begun; None for a recipe."""

    def out(self, preset: str) -> Path:
        """Return the folder that a run with this preset has, or would have."""
        return self.run or Path("outputs") / f"{self.name}-{preset}"


def find_recipe(source: str) -> FoundRecipe:
    """Return the recipe called `source`, in the file or in the run's folder (or recipe.json) of that name.

    Raises:
        InputError: there is none, or it is not one that fine-tunes.
    """
    path = Path(source)
    if path.is_dir() and (path / "recipe.json").is_file():
        path = path / "recipe.json"
    if path.name == "recipe.json" and path.is_file():
        preset, recipe = _read_run(path)
        return FoundRecipe(path.parent.name, {preset: recipe}, path.parent)
    for file in (path, Path("recipes") / f"{source}.py", _CHECKOUT / "recipes" / f"{source}.py"):
        if file.suffix == ".py" and file.is_file():
            return FoundRecipe(file.stem, _presets(file), None)
    names = ", ".join(sorted(file.stem for file in (_CHECKOUT / "recipes").glob("*.py")))
    raise InputError(f"{source}: expected a recipe ({names}), a path to its .py, or the folder of a run")


def _read_run(path: Path) -> tuple[str, Recipe]:
    """Return the preset and the choices of a run; whatever else stands beside them is passed over."""
    written = read_json(path)
    if not isinstance(written, dict) or not {"base_model", "learning_rate"} <= written.keys():
        raise InputError(f"{path}: expected the choices of a fine-tuning run, got others")
    names = {field.name for field in fields(Recipe)}
    choices: dict[str, Any] = {
        name: tuple(v) if isinstance(v, list) else v for name, v in written.items() if name in names
    }
    return str(written.get("preset", "run")), Recipe(**choices)


def _presets(file: Path) -> dict[str, Recipe]:
    """Run the file as a module of a name of its own, as it may have the package's, and take its PRESETS."""
    spec = importlib.util.spec_from_file_location(f"recipe_{file.stem}", file)
    assert spec is not None
    assert spec.loader is not None
    module: Any = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except (ImportError, SyntaxError) as error:
        raise InputError(f"{file}: cannot be read as a recipe: {error}") from error
    presets = getattr(module, "PRESETS", None)
    if not isinstance(presets, dict) or not all(isinstance(preset, Recipe) for preset in presets.values()):
        raise InputError(f"{file}: expected PRESETS, a dict of Recipe by name, got none; it does not fine-tune")
    return presets
