"""Draw docs/images/reconstructions.png: a recording and a synthesised clip beside their reconstructions by the bundled models.

python docs/images/make_reconstructions.py      # about 2 minutes on 2 cores
"""

import pathlib

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.image import imread
from PIL import Image

import tf_wavegan_inv as twi
from tf_wavegan_inv.audio.picture import spectrogram_picture

RECORDING = "test/Seven_george_40.flac"
SEED = 5  # of the synthesised clip
METHODS = ("inverter", "gradient", "hybrid")
RATE, HIGHEST = 16000, 4000  # Hz; the bundled WaveGAN makes nothing above 4 kHz
OUT = pathlib.Path(__file__).parent / "reconstructions.png"
DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def main():
    generator = twi.load_wavegan(twi.defaults.WAVEGAN)
    inverter = twi.load_inverter(twi.defaults.INVERTER)
    classifier = twi.load_classifier(twi.defaults.CLASSIFIER)
    recording = twi.load_audio(twi.defaults.DATA / RECORDING, generator)
    z = np.random.default_rng(SEED).uniform(-1, 1, (1, generator.input_shape[1])).astype(np.float32)
    clips = np.concatenate([recording, generator(z)])
    columns = {"clip": clips}
    for method in METHODS:
        columns[method] = twi.invert(clips, generator, method=method, inverter=inverter, classifier=classifier).audio
    draw({title: audio / np.abs(audio).max(axis=(1, 2), keepdims=True) for title, audio in columns.items()}, classifier)


def draw(columns, classifier):
    """One column per title, one row per clip, each a waveform above a spectrogram with the predicted label."""
    figure = plt.figure(figsize=(9.6, 4.0))
    rows = figure.subfigures(2, 1, hspace=0.02)
    for row, name in enumerate(("a recording", "a synthesised clip")):
        axes = rows[row].subplots(2, len(columns), height_ratios=[1, 3])
        for column, (title, audio) in enumerate(columns.items()):
            samples, seconds = audio[row], len(audio[row]) / RATE
            label = DIGITS[int(np.argmax(classifier(audio[row : row + 1])))]
            wave, picture = axes[:, column]
            wave.plot(np.arange(len(samples)) / RATE, samples[:, 0], linewidth=0.3, color="#30305a")
            wave.set(xlim=(0, seconds), ylim=(-1.05, 1.05), xticks=[], yticks=[])
            wave.set_title(f"{name if title == 'clip' else title}: “{label}”", fontsize=9, pad=3)
            drawn = spectrogram_picture(samples)
            drawn = drawn[-int(len(drawn) * 2 * HIGHEST / RATE) :]
            picture.imshow(drawn, aspect="auto", extent=(0, seconds, 0, HIGHEST / 1000))
            picture.set(xticks=[0.25, 0.5, 0.75], yticks=[0, 2, 4] if column == 0 else [])
            picture.set_xticklabels(["0.25", "0.5", "0.75 s"] if row else [])
            picture.tick_params(labelsize=7)
            if column == 0:
                picture.set_ylabel("kHz", fontsize=8)
        rows[row].subplots_adjust(left=0.045, right=0.99, top=0.89, bottom=0.1, wspace=0.04, hspace=0.05)
    figure.savefig(OUT, dpi=100)
    pixels = (255 * imread(OUT)[..., :3]).round().astype(np.uint8)
    Image.fromarray(pixels).quantize(96, dither=Image.Dither.NONE).save(OUT, optimize=True)


if __name__ == "__main__":
    main()
