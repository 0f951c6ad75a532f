"""The versions that figures depend on."""

import importlib.metadata
import os

import keras


def versions():
    """Versions of the packages that figures depend on."""
    names = ("tensorflow", "tensorflow-io", "keras", "tensorflow-probability", "numpy", "soundfile")
    found = {}
    for name in names:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = None
    return found | {"backend": keras.backend.backend(), "cpus": os.cpu_count()}
