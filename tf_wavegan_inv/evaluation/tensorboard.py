"""What TensorBoard shows: scalars, audio and spectrograms, options of runs, latent vectors, profiles."""

import csv
import functools
import io
import pathlib
import typing

import keras
import numpy as np
import tensorflow as tf

from tf_wavegan_inv.audio.picture import spectrogram_picture
from tf_wavegan_inv.files import replacing, write_text

PROFILE_AFTER = 10  # steps; excludes compilation from the profile
SPRITE = 48  # pixels, width and height
LATENT_FILES = ("z.tsv", "clips.tsv", "clips.png", "projector_config.pbtxt")
SPRITES_SIZE = 8192  # pixels, the largest side that browsers display


class ScalarWriter:
    """Writes scalars by name, one TensorBoard run ("train", "validation") a subfolder.

    Args:
        folder: pathlib.Path. Folder of the logs.
    """

    def __init__(self, folder: pathlib.Path):
        self.folder = folder
        self.writers = {}

    def write(self, step: int, **groups: dict) -> None:
        """Write one step; each keyword is a subfolder, its value a dict of name to scalar."""
        for group, values in groups.items():
            if group not in self.writers:
                self.writers[group] = tf.summary.create_file_writer(str(self.folder / group))
            with self.writers[group].as_default(step):
                for name, value in values.items():
                    tf.summary.scalar(name, value)
            self.writers[group].flush()


class AudioWriter:
    """Writes clips by name, as audio and as spectrogram pictures.

    Args:
        folder: pathlib.Path. Folder of the logs.
        sample_rate: int. Sample rate in Hz.
    """

    def __init__(self, folder: pathlib.Path, sample_rate: int):
        self.folder = folder
        self.sample_rate = sample_rate

    @functools.cached_property
    def writer(self):
        return tf.summary.create_file_writer(str(self.folder))

    def write(self, step: int, clips: dict[str, np.ndarray]) -> None:
        """Write one step; clips: dict of name to audio float32 [samples, channels]."""
        with self.writer.as_default(step):
            for name, audio in clips.items():
                tf.summary.audio(f"audio/{name}", audio[None].clip(-1, 1), self.sample_rate)
                tf.summary.image(f"spectrogram/{name}", spectrogram_picture(audio)[None])
        self.writer.flush()


class Previews:
    """Writes the same fixed clips after each epoch: original and reconstruction, as audio and as spectrograms.

    Args:
        folder: pathlib.Path. Folder of the TensorBoard logs.
        titles: list of str. Name of each clip.
        originals: float32 [clips, samples, channels].
        reconstruct: function of the originals -> reconstructions of the same shape.
        sample_rate: int. Sample rate in Hz.
    """

    def __init__(
        self,
        folder: pathlib.Path,
        *,
        titles: list[str],
        originals: np.ndarray,
        reconstruct: typing.Callable[[np.ndarray], np.ndarray],
        sample_rate: int,
    ):
        self.writer = AudioWriter(folder / "previews", sample_rate)
        self.titles = titles
        self.originals = originals
        self.reconstruct = reconstruct

    def __call__(self, epoch: int) -> None:
        reconstructions = self.reconstruct(self.originals)
        clips = {}
        for title, original, reconstruction in zip(self.titles, self.originals, reconstructions, strict=True):
            clips |= {f"{title}/original": original, f"{title}/reconstruction": reconstruction}
        self.writer.write(epoch, clips)


def write_options(folder: pathlib.Path, options: dict) -> None:
    """Write the options of a run for the tab HPARAMS, which compares runs by options and scalars.

    Args:
        folder: pathlib.Path. Folder of the run's logs; its subfolders belong to the same run.
        options: dict of name to number, str or bool. Other values are written as text.
    """
    from tensorboard.plugins.hparams import api

    plain = {name: v if isinstance(v, (bool, int, float, str)) else str(v) for name, v in options.items()}
    writer = tf.summary.create_file_writer(str(folder))
    with writer.as_default(0):
        api.hparams(plain)
    writer.close()


def write_latents(folder: pathlib.Path, z: np.ndarray, *, columns: dict, audio: typing.Iterable[np.ndarray] | None = None) -> None:
    """Write latent vectors for the tab PROJECTOR, each a point with a spectrogram as its picture.

    Args:
        folder: pathlib.Path. Folder of the logs. TensorBoard requires other events in it.
        z: float [clips, latent_dim].
        columns: dict of name to one value a clip. Points can be coloured and searched by them.
        audio: iterable of float [samples, channels] or None. Audio for the pictures. Default None: no pictures.
    """
    points = io.StringIO()
    np.savetxt(points, z, fmt="%.6g", delimiter="\t")
    write_text(folder / "z.tsv", points.getvalue())
    metadata = io.StringIO()
    table = csv.writer(metadata, delimiter="\t", lineterminator="\n")
    table.writerow(columns)
    table.writerows(zip(*columns.values(), strict=True))
    write_text(folder / "clips.tsv", metadata.getvalue())
    lines = ["embeddings {", '  tensor_name: "z"', '  tensor_path: "z.tsv"', '  metadata_path: "clips.tsv"']
    side = int(np.ceil(np.sqrt(len(z))))  # pictures in a row and in a column
    if audio is not None and side * SPRITE <= SPRITES_SIZE:
        with replacing(folder / "clips.png") as partial:
            partial.write_bytes(tf.io.encode_png(_sprites(audio, side)).numpy())
        size = f"    single_image_dim: {SPRITE}"
        lines += ["  sprite {", '    image_path: "clips.png"', size, size, "  }"]
    write_text(folder / "projector_config.pbtxt", "\n".join([*lines, "}", ""]))


def _sprites(audio, side):
    """Small spectrograms in the rows of a square: uint8 [side * SPRITE, side * SPRITE, 3]."""
    sheet = np.zeros((side * SPRITE, side * SPRITE, 3), np.uint8)
    for i, clip in enumerate(audio):
        picture = spectrogram_picture(clip, 256, -(-len(clip) // SPRITE))
        rows = np.linspace(0, len(picture) - 1, SPRITE).astype(int)
        picture = picture[rows, :SPRITE]
        top, left = SPRITE * (i // side), SPRITE * (i % side)
        sheet[top : top + SPRITE, left : left + picture.shape[1]] = picture
    return sheet


class Profile(keras.callbacks.Callback):
    """Profiles training steps for the tab PROFILE, after the first `PROFILE_AFTER` steps of a call.

    Args:
        folder: pathlib.Path. Folder of the run's logs.
        steps: int. Number of steps to profile.
    """

    def __init__(self, folder: pathlib.Path, steps: int):
        super().__init__()
        self.folder = folder
        self.steps = steps
        self.done = 0
        self.running = False

    def on_train_batch_begin(self, batch, logs=None):
        if self.done == PROFILE_AFTER:
            tf.profiler.experimental.start(str(self.folder))
            self.running = True

    def on_train_batch_end(self, batch, logs=None):
        self.done += 1
        if self.running and self.done == PROFILE_AFTER + self.steps:
            self._stop()

    def on_train_end(self, logs=None):
        if self.running:
            self._stop()

    def _stop(self):
        tf.profiler.experimental.stop()
        self.running = False
