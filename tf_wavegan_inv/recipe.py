"""Recipes: every choice behind a figure, in one small file."""

import dataclasses
import pathlib
import tomllib

from tf_wavegan_inv.config import (
    AudioConfig,
    ClassifierConfig,
    InversionConfig,
    InverterConfig,
    SpectrogramConfig,
    WaveGANTrainingConfig,
    check_known,
    without_retired,
)
from tf_wavegan_inv.errors import UserError

FOLDER = pathlib.Path(__file__).parent / "recipes"


@dataclasses.dataclass(frozen=True)
class Recipe:
    """All options of training and inversion, by section."""

    name: str
    audio: AudioConfig = AudioConfig()
    spectrogram: SpectrogramConfig = SpectrogramConfig()
    classifier: ClassifierConfig = ClassifierConfig()
    inverter: InverterConfig = InverterConfig()
    inversion: InversionConfig = InversionConfig()
    wavegan: WaveGANTrainingConfig = WaveGANTrainingConfig()

    @property
    def inverter_spectrogram(self):
        """The `SpectrogramConfig` that the inverter sees."""
        return dataclasses.replace(self.spectrogram, kind=self.inverter.spectrogram or self.spectrogram.kind)

    def replace(self, section, **values):
        """A copy with other values in one section; None keeps a value."""
        given = {k: v for k, v in values.items() if v is not None}
        return dataclasses.replace(self, **{section: dataclasses.replace(getattr(self, section), **given)})

    def to_dict(self):
        return dataclasses.asdict(self)


def recipe_from_dict(values, source="recipe"):
    """Build a `Recipe` from nested dicts, as TOML or JSON gives them.

    Raises:
        UserError: if a section or an option is unknown.
    """
    sections = {f.name: f.type for f in dataclasses.fields(Recipe) if f.name != "name"}
    check_known(values, {"name", *sections}, f"{source}: section")
    built = {}
    for name, kind in sections.items():
        options = values.get(name, {})
        if not isinstance(options, dict):
            raise UserError(f"{source}: {name} must be a section [{name}], received {options!r}.")
        if kind is InversionConfig:
            options = without_retired(options, f"{source}: [inversion]")
        built[name] = _section(options, kind(), f"{source}: [{name}]")
    return Recipe(values.get("name", source), **built)


def _section(options, default, what):
    """A section by its options: a dataclass like `default`, with its values for options that are not stated."""
    check_known(options, {f.name for f in dataclasses.fields(default)}, f"{what} option")
    return dataclasses.replace(default, **{k: _typed(v, getattr(default, k), f"{what} {k}") for k, v in options.items()})


def _typed(value, default, what):
    """The value as its default's type. Raises UserError if it has another type or is negative."""
    if dataclasses.is_dataclass(default) and isinstance(value, dict):
        return _section(value, default, what)
    if isinstance(default, tuple) and isinstance(value, (list, tuple)):
        return tuple(value)
    if isinstance(value, (int, float)) and isinstance(default, (int, float)) and type(default) is not bool:
        if value < 0 or value != value or (type(default) is int and value != int(value)):
            raise UserError(f"{what} must be a {type(default).__name__} of 0 or more, received {value!r}.")
        return type(default)(value)
    if type(value) is not type(default):
        raise UserError(f"{what} must be a {type(default).__name__}, received {value!r}.")
    return value


def load_recipe(name: str | pathlib.Path) -> Recipe:
    """Read a recipe.

    A recipe with `extends = "best"` at its top takes over all options of that recipe that it does not state itself.

    Args:
        name: str or path. One of `recipe_names()`, or the path of a TOML file.

    Raises:
        UserError: if there is no such recipe, it is not valid TOML, it extends itself, or a section or an option is unknown.
    """
    path = _find(name, FOLDER)
    return recipe_from_dict({"name": path.stem} | _read(path), str(path))


def _find(name, folder):
    """The file of a recipe: one of the package's, or a path, relative to a folder or to the working directory."""
    for path in (FOLDER / f"{name}.toml", pathlib.Path(folder) / name, pathlib.Path(name)):
        if path.is_file():
            return path
    raise UserError(f"No recipe {str(name)!r}: give one of {recipe_names()} or the path of a .toml file.")


def _read(path, extended_by=()):
    """The options of a recipe's file, with those of the recipes that it extends, as nested dicts."""
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{path} is not valid TOML: {error}") from None
    if "extends" not in values:
        return values
    base = _find(values.pop("extends"), path.parent).resolve()
    if base in (path.resolve(), *extended_by):
        raise UserError(f"{path} extends {base.stem}, which extends it: remove one of the two lines.")
    extended = _read(base, (*extended_by, path.resolve()))
    extended.pop("name", None)
    return _merged(extended, values)


def _merged(base, values):
    """Nested dicts: `base`, with `values` in place of its own."""
    merged = base | values
    for name in base.keys() & values.keys():
        if isinstance(base[name], dict) and isinstance(values[name], dict):
            merged[name] = _merged(base[name], values[name])
    return merged


def recipe_names():
    return sorted(p.stem for p in FOLDER.glob("*.toml"))
