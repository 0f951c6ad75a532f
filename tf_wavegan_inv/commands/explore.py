"""`tf-wavegan-inv explore`: what lies between, around and near the latents of clips."""

import argparse
import pathlib

from tf_wavegan_inv.commands.common import add_model_arguments, clips_in_words, make_folder, positive
from tf_wavegan_inv.errors import UserError
from tf_wavegan_inv.progress import Progress


def add_arguments(p):
    p.add_argument(
        "latents",
        metavar="FOLDER",
        type=pathlib.Path,
        nargs="?",
        help="with z of clips, as tf-wavegan-inv invert writes it (default: the bundled test clips, by the bundled inverter)",
    )
    p.add_argument(
        "--between",
        metavar=("CLIP", "CLIP"),
        nargs=2,
        action="append",
        help="go from one clip's z to another's; may be given several times (default: between some clips of different digits)",
    )
    p.add_argument("--steps", type=steps, default=7, help="latents on each way")
    p.add_argument("--components", type=positive, default=4, help="principal directions")
    p.add_argument("--neighbours", type=positive, default=4, help="nearest clips by z")
    p.add_argument("--queries", type=positive, default=8, help="clips whose neighbours are shown; neighbours.csv has those of all")
    add_model_arguments(p, "wavegan")
    p.add_argument("--sample-rate", type=positive, default=16000, help="Hz, of the WaveGAN's audio")
    p.add_argument(
        "--out",
        metavar="DIR",
        type=pathlib.Path,
        default=pathlib.Path("exploration"),
        help="folder for index.html, grid.png, neighbours.csv, and wav files with their z by kind",
    )
    p.set_defaults(seed=0)


def steps(text):
    value = int(text)
    if value < 2:
        raise argparse.ArgumentTypeError(f"must be at least 2, received {value}")
    return value


def run(options):
    from tf_wavegan_inv.commands.record import write_record
    from tf_wavegan_inv.exploration.directions import nearest
    from tf_wavegan_inv.exploration.explore import explore, in_words, retrieval
    from tf_wavegan_inv.exploration.latents import check_made_by, read_latents
    from tf_wavegan_inv.exploration.publish import publish
    from tf_wavegan_inv.wavegan.checkpoint import load_wavegan

    make_folder(options.out)
    generator = load_wavegan(options.wavegan, options.slice_len)
    if options.latents:
        check_made_by(options.latents, options.wavegan)
    latents = read_latents(options.latents, generator.config.latent_dim, options.out) if options.latents else _bundled(options, generator)
    pairs = [tuple(latents.find(name) for name in pair) for pair in options.between or []] or _pairs(latents)
    near = nearest(latents.z, options.neighbours)
    rows = explore(latents, pairs, near, options.steps, options.components, options.queries)
    alike = retrieval(latents, near)
    publish(rows, latents, near, alike, generator, options.out, options.sample_rate, Progress("generating", "row"))
    write_record(options.out, options, wavegan=options.wavegan)
    print(*in_words(alike), sep="\n")
    print(f"{clips_in_words(len(latents.names))} explored: {options.out / 'index.html'}")


def _bundled(options, generator):
    """The bundled test clips' z as the bundled inverter predicts it."""
    import numpy as np

    from tf_wavegan_inv import defaults
    from tf_wavegan_inv.audio.load import read_corpus
    from tf_wavegan_inv.exploration.latents import Latents
    from tf_wavegan_inv.inversion.compatibility import check_trained_for
    from tf_wavegan_inv.inversion.invert import invert
    from tf_wavegan_inv.models.bundle import load_inverter

    if options.wavegan != defaults.WAVEGAN:
        raise UserError(f"Give a folder of latents that were found for {options.wavegan}: tf-wavegan-inv invert --wavegan makes one.")
    inverter = load_inverter(defaults.INVERTER)
    check_trained_for(inverter, generator, bundled=True)
    clips = read_corpus([defaults.DATA]).arrays("test", inverter.recipe.audio, *generator.output_shape[1:])
    z = invert(
        clips.float_audio(), generator, method="inverter", inverter=inverter, progress=Progress("inverting the bundled clips", "batch")
    ).z
    recordings = [r.clip for r in clips.recordings]
    return Latents([c.name for c in recordings], np.asarray(z), clips.labels, [c.speaker for c in recordings])


def _pairs(latents, count=3):
    """Some pairs of clips, of different digits where that is known."""
    first = {}
    for i, label in enumerate(latents.labels.tolist()):
        first.setdefault(label, i)
    chosen = list(first.values()) if len(first) > 1 else list(range(len(latents.names)))
    return list(zip(chosen[::2], chosen[1::2], strict=False))[:count]
