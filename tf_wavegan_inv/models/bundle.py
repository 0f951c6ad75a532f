"""Trained classifiers and inverters on disk: a Keras file and the options it was trained with."""

import json
import pathlib

import keras

from tf_wavegan_inv.audio.spectrogram import Spectrogram  # noqa: F401 - registers the layer that the files name
from tf_wavegan_inv.errors import UserError
from tf_wavegan_inv.precision import set_precision
from tf_wavegan_inv.recipe import recipe_from_dict

FILES = ("model.keras", "best.keras")


def load_classifier(path):
    """Load a trained digit classifier: audio [batch, samples, channels] -> probabilities [batch, 10]. See `load_inverter`."""
    return _load(path, "classifier")


def load_inverter(path):
    """Load a trained inverter.

    Args:
        path: a bundle folder (model.keras, config.json), a run folder of `train_keras.py`, or a .keras file with a config.json beside it.

    Returns:
        keras.Model: audio [batch, samples, channels] in [-1, 1] -> z [batch, latent_dim]. Its attribute `options` is the dict of
        config.json, `recipe` the `Recipe` in it, `file` the path of the .keras file. Whatever it was trained in, it
        computes in float32, or by `keras.config.dtype_policy()` where that is a mixed one.

    Raises:
        UserError: if there is no such model, or its files are damaged.
    """
    return _load(path, "inverter")


def find_model(path, stage):
    """The .keras file that `path` means for a stage, "classifier" or "inverter". Raises UserError if there is none."""
    path = pathlib.Path(path)
    if path.is_file():
        return path
    for folder in (path / stage, path):
        for name in FILES:
            if (folder / name).is_file():
                return folder / name
    found = sorted(p.name for p in path.iterdir())[:10] if path.is_dir() else "no such folder"
    raise UserError(f"No {stage} at {path}: expected a .keras file, or a folder with {' or '.join(FILES)}; found: {found}.")


def _load(path, stage):
    file = find_model(path, stage)
    options_file = file.with_name("config.json")
    if not options_file.exists():
        raise UserError(f"{file} lacks the config.json that training wrote beside it: copy both.")
    try:
        options = json.loads(options_file.read_text())
        recipe = recipe_from_dict(options["recipe"], str(options_file))
    except UserError:
        raise
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{options_file} is damaged ({error}): copy it from the run folder again.") from None
    if options.get("stage") != stage:
        raise UserError(f"{file} is a model of stage {options.get('stage')!r}, one of {stage!r} is needed here.")
    try:
        model = keras.saving.load_model(file, compile=False)
    except Exception as error:  # zip, HDF5 and Keras each raise their own
        raise UserError(f"{file} cannot be loaded as a Keras model, it may be cut short: {str(error).splitlines()[0]}") from None
    set_precision(model)
    model.trainable = False
    model.options, model.recipe, model.file = options, recipe, file
    return model
