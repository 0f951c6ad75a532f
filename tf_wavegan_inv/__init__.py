"""WaveGAN inversion: from audio to the latent vector that regenerates it.

import tf_wavegan_inv as twi

generator = twi.load_wavegan("model.ckpt")
inverter = twi.load_inverter("runs/best")
audio = twi.load_audio(["seven.wav"], generator)
result = twi.invert(audio, generator, method="hybrid", inverter=inverter)
"""

import importlib

__version__ = "0.2.0.dev0"

# Loaded when first used, so that importing the package, or asking a command for --help, does not start TensorFlow.
_HOMES = {
    "Discriminator": "wavegan.discriminator",
    "Generator": "wavegan.generator",
    "Inversion": "inversion.invert",
    "InversionResult": "inversion.result",
    "Recipe": "recipe",
    "UserError": "errors",
    "WaveGANConfig": "wavegan.config",
    "invert": "inversion.invert",
    "load_audio": "audio.load",
    "load_classifier": "models.bundle",
    "load_discriminator": "wavegan.checkpoint",
    "load_generator": "models.generator",
    "load_inverter": "models.bundle",
    "load_recipe": "recipe",
    "load_wavegan": "wavegan.checkpoint",
    "pivotal_tuning": "inversion.pivot",
    "save_wavegan_checkpoint": "wavegan.checkpoint",
}
__all__ = [*_HOMES, "__version__", "defaults"]


def __getattr__(name):
    if name == "defaults":
        return importlib.import_module(f"{__name__}.defaults")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it has {', '.join(__all__)}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__():
    return __all__
