"""Scalars, audio and spectrograms for TensorBoard."""

import tensorflow as tf

from tf_wavegan_inv.audio.picture import spectrogram_picture


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
        self.writer, self.sample_rate = tf.summary.create_file_writer(str(folder)), sample_rate

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
