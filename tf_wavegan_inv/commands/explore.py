"""`tf-wavegan-inv explore`: interpolations, directions and neighbours of the z of clips."""

import argparse
import pathlib

from tf_wavegan_inv.commands.common import add_model_arguments, clips_in_words, make_folder, positive
from tf_wavegan_inv.errors import UserError
from tf_wavegan_inv.progress import Progress


def add_arguments(p: argparse.ArgumentParser) -> None:
    p.add_argument(
        "latents",
        metavar="FOLDER",
        type=pathlib.Path,
        nargs="?",
        help="folder of z, as tf-wavegan-inv invert writes it (default: the bundled test clips, inverted by the bundled inverter)",
    )
    p.add_argument(
        "--between",
        metavar=("CLIP", "CLIP"),
        nargs=2,
        action="append",
        help="interpolate between the z of two clips; may be given several times (default: some clips of different labels)",
    )
    p.add_argument("--steps", type=steps, default=7, help="number of z in each interpolation or walk")
    p.add_argument("--components", type=positive, default=4, help="number of principal directions")
    p.add_argument("--neighbours", type=positive, default=4, help="number of nearest clips by z")
    p.add_argument("--queries", type=positive, default=8, help="number of clips whose neighbours the page shows; neighbours.csv has all")
    add_model_arguments(p, "wavegan")
    p.add_argument("--sample-rate", type=positive, default=16000, help="sample rate of the WaveGAN's audio in Hz")
    p.add_argument(
        "--out",
        metavar="DIR",
        type=pathlib.Path,
        default=pathlib.Path("exploration"),
        help="folder for index.html, grid.png, neighbours.csv, and a folder of wav files and z for each group",
    )
    p.set_defaults(seed=0)


def steps(text: str) -> int:
    value = int(text)
    if value < 2:
        raise argparse.ArgumentTypeError(f"must be at least 2, received {value}")
    return value


def run(options: argparse.Namespace) -> None:
    from tf_wavegan_inv.commands.record import write_record
    from tf_wavegan_inv.exploration.directions import nearest
    from tf_wavegan_inv.exploration.explore import explore, retrieval, sentences
    from tf_wavegan_inv.exploration.latents import check_made_by, read_latents
    from tf_wavegan_inv.exploration.publish import publish
    from tf_wavegan_inv.wavegan.checkpoint import load_wavegan

    make_folder(options.out)
    generator = load_wavegan(options.wavegan, options.slice_len)
    if options.latents:
        check_made_by(options.latents, options.wavegan)
        latents = read_latents(options.latents, generator.config.latent_dim, out=options.out)
    else:
        latents = _bundled(options, generator)
    pairs = [tuple(latents.find(name) for name in pair) for pair in options.between or []] or _pairs(latents)
    near = nearest(latents.z, options.neighbours)
    rows = explore(latents, pairs, near, steps=options.steps, components=options.components, queries=options.queries)
    text = sentences(retrieval(latents, near))
    publish(
        rows,
        options.out,
        latents=latents,
        near=near,
        text=text,
        generator=generator,
        sample_rate=options.sample_rate,
        progress=Progress("generating", "row"),
    )
    write_record(options.out, options, wavegan=options.wavegan)
    print(*text, sep="\n")
    print(f"{clips_in_words(len(latents.names))} explored: {options.out / 'index.html'}")


def _bundled(options, generator):
    """`Latents` of the bundled test clips, predicted by the bundled inverter."""
    import numpy as np

    from tf_wavegan_inv import defaults
    from tf_wavegan_inv.audio.load import read_corpus
    from tf_wavegan_inv.exploration.latents import Latents
    from tf_wavegan_inv.inversion.compatibility import check_trained_for
    from tf_wavegan_inv.inversion.invert import invert
    from tf_wavegan_inv.models.bundle import load_inverter

    if options.wavegan != defaults.WAVEGAN:
        raise UserError(f"No folder of z for {options.wavegan} was given: make one with tf-wavegan-inv invert --wavegan.")
    inverter = load_inverter(defaults.INVERTER)
    check_trained_for(inverter, generator, bundled=True)
    clips = read_corpus([defaults.DATA]).arrays("test", inverter.recipe.audio, *generator.output_shape[1:])
    progress = Progress("inverting the bundled clips", "batch")
    z = invert(clips.float_audio(), generator, method="inverter", inverter=inverter, progress=progress).z
    recordings = [r.clip for r in clips.recordings]
    names, speakers = [c.name for c in recordings], [c.speaker for c in recordings]
    return Latents(names=names, z=np.asarray(z), labels=clips.labels, speakers=speakers)


def _pairs(latents, count=3):
    """`count` pairs of clips, of different labels if labels are known."""
    first = {}
    for i, label in enumerate(latents.labels.tolist()):
        first.setdefault(label, i)
    chosen = list(first.values()) if len(first) > 1 else list(range(len(latents.names)))
    return list(zip(chosen[::2], chosen[1::2], strict=False))[:count]
