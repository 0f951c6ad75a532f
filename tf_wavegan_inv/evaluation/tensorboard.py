"""What TensorBoard shows: scalars, audio and spectrograms, options of runs, latents, profiles."""

import csv
import functools
import io

import keras
import numpy as np
import tensorflow as tf

from tf_wavegan_inv.audio.picture import spectrogram_picture
from tf_wavegan_inv.files import replacing, write_text

PROFILE_AFTER = 10  # steps, so that compilation is not in the profile
SPRITE = 48  # pixels, either way
LATENT_FILES = ("z.tsv", "clips.tsv", "clips.png", "projector_config.pbtxt")
SPRITES_SIZE = 8192  # pixels of a side that browsers take


class ScalarWriter:
    """Writes scalars by name, one TensorBoard run ("train", "validation") a subfolder."""

    def __init__(self, folder):
        self.folder, self.writers = folder, {}

    def write(self, step, **groups):
        """groups: subfolder = dict of name -> value."""
        for group, values in groups.items():
            if group not in self.writers:
                self.writers[group] = tf.summary.create_file_writer(str(self.folder / group))
            with self.writers[group].as_default(step):
                for name, value in values.items():
                    tf.summary.scalar(name, value)
            self.writers[group].flush()


class AudioWriter:
    """Writes clips, float32 [samples, channels], by name as audio and as spectrogram pictures."""

    def __init__(self, folder, sample_rate):
        self.folder, self.sample_rate = folder, sample_rate

    @functools.cached_property
    def writer(self):
        return tf.summary.create_file_writer(str(self.folder))

    def write(self, step, clips):
        with self.writer.as_default(step):
            for name, audio in clips.items():
                tf.summary.audio(f"audio/{name}", audio[None].clip(-1, 1), self.sample_rate)
                tf.summary.image(f"spectrogram/{name}", spectrogram_picture(audio)[None])
        self.writer.flush()


class Previews:
    """The same fixed clips, original and reconstruction, as audio and as spectrogram pictures, epoch after epoch.

    Args:
        folder: of the TensorBoard logs.
        titles: name of each clip.
        originals: float32 [clips, samples, channels].
        reconstruct: function of the originals -> reconstructions of the same shape.
        sample_rate: Hz.
    """

    def __init__(self, folder, titles, originals, reconstruct, sample_rate):
        self.writer = AudioWriter(folder / "previews", sample_rate)
        self.titles, self.originals, self.reconstruct = titles, originals, reconstruct

    def __call__(self, epoch):
        reconstructions = self.reconstruct(self.originals)
        clips = {}
        for title, original, reconstruction in zip(self.titles, self.originals, reconstructions, strict=True):
            clips |= {f"{title}/original": original, f"{title}/reconstruction": reconstruction}
        self.writer.write(epoch, clips)


def write_options(folder, options):
    """Options of a run for the tab HPARAMS, which compares runs by them and by all scalars in this folder and below.

    Args:
        folder: of the run's logs.
        options: dict of name to number, str or bool; other values are written as text.
    """
    from tensorboard.plugins.hparams import api

    plain = {name: value if isinstance(value, (bool, int, float, str)) else str(value) for name, value in options.items()}
    writer = tf.summary.create_file_writer(str(folder))
    with writer.as_default(0):
        api.hparams(plain)
    writer.close()


def write_latents(folder, z, columns, audio=None):
    """Latents for the tab PROJECTOR, each a point, with a spectrogram as its picture.

    Args:
        folder: of logs that hold something else too: TensorBoard looks nowhere else.
        z: float [clips, latent_dim].
        columns: dict of name to one value a clip: what points can be coloured and searched by.
        audio: iterable of float [samples, channels], for the pictures; None for none.
    """
    buffer = io.StringIO()
    np.savetxt(buffer, z, fmt="%.6g", delimiter="\t")
    write_text(folder / "z.tsv", buffer.getvalue())
    buffer = io.StringIO()
    table = csv.writer(buffer, delimiter="\t", lineterminator="\n")
    table.writerow(columns)
    table.writerows(zip(*columns.values(), strict=True))
    write_text(folder / "clips.tsv", buffer.getvalue())
    lines = ["embeddings {", '  tensor_name: "z"', '  tensor_path: "z.tsv"', '  metadata_path: "clips.tsv"']
    side = int(np.ceil(np.sqrt(len(z))))  # sprites either way
    if audio is not None and side * SPRITE <= SPRITES_SIZE:
        with replacing(folder / "clips.png") as partial:
            partial.write_bytes(tf.io.encode_png(_sprites(audio, side)).numpy())
        lines += ["  sprite {", '    image_path: "clips.png"', f"    single_image_dim: {SPRITE}", f"    single_image_dim: {SPRITE}", "  }"]
    write_text(folder / "projector_config.pbtxt", "\n".join([*lines, "}", ""]))


def _sprites(audio, side):
    """Small spectrograms, row by row in a square: uint8 [side * SPRITE, side * SPRITE, 3]."""
    sheet = np.zeros((side * SPRITE, side * SPRITE, 3), np.uint8)
    for i, clip in enumerate(audio):
        picture = spectrogram_picture(clip, 256, -(-len(clip) // SPRITE))
        rows = np.linspace(0, len(picture) - 1, SPRITE).astype(int)
        picture = picture[rows, :SPRITE]
        top, left = SPRITE * (i // side), SPRITE * (i % side)
        sheet[top : top + SPRITE, left : left + picture.shape[1]] = picture
    return sheet


class Profile(keras.callbacks.Callback):
    """Profiles some training steps, after the first few of a call, for the tab PROFILE.

    Args:
        folder: of the run's logs.
        steps: how many.
    """

    def __init__(self, folder, steps):
        super().__init__()
        self.folder, self.steps, self.done, self.running = folder, steps, 0, False

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
