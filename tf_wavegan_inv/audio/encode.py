"""Clips and pictures as files in memory."""

import base64
import io

import numpy as np
import soundfile
import tensorflow as tf


def audio_uri(audio, sample_rate):
    """A clip, float [samples, channels] in [-1, 1], as a data URI of 16-bit FLAC, which browsers play."""
    buffer = io.BytesIO()
    soundfile.write(buffer, np.clip(audio, -1, 1), sample_rate, format="FLAC", subtype="PCM_16")
    return _uri("audio/flac", buffer.getvalue())


def picture_uri(picture):
    """A picture, uint8 [rows, columns, 3], as a data URI of JPEG."""
    return _uri("image/jpeg", tf.io.encode_jpeg(picture, quality=85).numpy())


def _uri(kind, data):
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"
