"""Samples -> audio files."""

import pathlib

import numpy as np
import soundfile

from tf_wavegan_inv.files import replacing


def write_wav(path, audio, rate):
    """Write 32-bit float WAV, whole or not at all.

    Args:
        path: file to write; its folders are made.
        audio: float [samples, channels].
        rate: Hz.
    """
    with replacing(pathlib.Path(path)) as partial:
        soundfile.write(partial, np.asarray(audio, np.float32), rate, format="WAV", subtype="FLOAT")
