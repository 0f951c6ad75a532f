"""Writing what was explored: audio, a grid, a page."""

import contextlib
import csv
import html
import re

import tensorflow as tf

from tf_wavegan_inv.audio.write import write_wav
from tf_wavegan_inv.evaluation.figures import grid_figure
from tf_wavegan_inv.evaluation.page import player, write_page
from tf_wavegan_inv.exploration.explore import in_words
from tf_wavegan_inv.files import ENCODING, replacing, write_npy

HEADINGS = {
    "interpolation": "From one clip to another",
    "classes": "The mean of each digit",
    "class_directions": "Towards a digit: from the mean of all clips, in distances between the digit's mean and that of the others",
    "principal_directions": "Where the clips vary most: from the mean, in standard deviations",
    "neighbours": "Nearest clips by z (the distance in brackets)",
}


def publish(rows, latents, near, alike, generator, out, sample_rate, progress=None):
    """Write `out`/<group>/<row>/<column>.wav and .z.npy, grid.png, neighbours.csv, index.html.

    Args:
        rows: list of `Row`.
        latents: `Latents`.
        near: what `nearest` returned.
        alike: what `explore.retrieval` returned.
        generator: keras.Model, z -> audio.
        out: folder.
        sample_rate: Hz.
        progress: called with (done, total), rows.
    """
    generate = tf.function(lambda z: generator(z, training=False), input_signature=[tf.TensorSpec(generator.input_shape)])
    body, grid, group = [f"<p>{sentence}</p>" for sentence in in_words(alike)], [], None
    _clear(out)
    for number, row in enumerate(rows):
        audio = generate(row.z).numpy()
        folder = out / row.group / f"{number:02}_{_file_name(row.title)}"
        width = len(str(len(audio) - 1))
        for i, (samples, z) in enumerate(zip(audio, row.z, strict=True)):
            write_wav(folder / f"{i:0{width}}.wav", samples, sample_rate)
            write_npy(folder / f"{i:0{width}}.z.npy", z)
        if row.group != group:
            group = row.group
            body.append(f"<h2>{HEADINGS[group]}</h2>")
        cells = "".join(
            f"<td>{player(f'{row.title}: {caption}', samples, sample_rate)}<div class=note>{html.escape(caption)}</div></td>"
            for caption, samples in zip(row.captions, audio, strict=True)
        )
        body.append(f"<p>{html.escape(row.title)}</p><div class=wide><table><tbody><tr>{cells}</tr></tbody></table></div>")
        if group != "neighbours":
            grid.append((row.title, row.captions, audio))
        if progress:
            progress(number + 1, len(rows))
    _write_neighbours(out / "neighbours.csv", latents, near)
    grid_figure(out / "grid.png", grid, sample_rate)
    write_page(out / "index.html", f"{len(latents.names)} latents", body)


def _clear(out):
    """Remove the clips of an earlier call, if there was one."""
    if not (out / "index.html").exists():
        return
    for folder in (folder for group in HEADINGS for folder in (out / group).glob("[0-9][0-9]_*")):
        for old in (*folder.glob("*.wav"), *folder.glob("*.z.npy")):
            old.unlink()
        with contextlib.suppress(OSError):  # there is something else in it
            folder.rmdir()


def _file_name(title):
    return re.sub(r"[^\w.+-]+", "_", title).strip("_")[:80]


def _write_neighbours(path, latents, near):
    indices, distances = near
    with replacing(path) as partial, open(partial, "w", newline="", **ENCODING) as file:
        writer = csv.writer(file)
        writer.writerow(["clip", "rank", "neighbour", "distance"])
        for clip, near in enumerate(zip(indices, distances, strict=True)):
            for rank, (i, distance) in enumerate(zip(*near, strict=True), 1):
                writer.writerow([latents.names[clip], rank, latents.names[i], f"{distance:.6g}"])
