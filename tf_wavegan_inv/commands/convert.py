"""`tf-wavegan-inv convert`: WaveGAN files from one format to another."""

import argparse
import pathlib

import numpy as np

from tf_wavegan_inv.commands.common import seed
from tf_wavegan_inv.errors import UserError

COMPARED = 16  # random z


def add_arguments(p: argparse.ArgumentParser) -> None:
    p.add_argument(
        "source", metavar="SRC", type=pathlib.Path, help="checkpoint prefix, folder, infer.meta, frozen graph (.pb), or Keras file (.keras)"
    )
    p.add_argument(
        "target",
        metavar="DST",
        type=pathlib.Path,
        help="with the ending .keras a Keras file of the generator, otherwise the prefix of an official checkpoint",
    )
    p.add_argument("--slice-len", type=int, help="samples in a clip of the WaveGAN, if its checkpoint does not say (32768 or 65536)")
    p.add_argument("--average", action="store_true", help="convert the moving average of the generator's weights, if training kept one")
    p.add_argument("--overwrite", action="store_true", help="replace an existing DST")
    p.add_argument("--seed", type=seed, default=0, help="seed of the z for the comparison of source and target")


def run(options: argparse.Namespace) -> None:
    from tf_wavegan_inv.wavegan.checkpoint import load_discriminator, load_wavegan, save_wavegan_checkpoint
    from tf_wavegan_inv.wavegan.sources import open_source

    if options.target.is_dir():
        raise UserError(f"{options.target} is a folder: give a prefix in it, as in {options.target / 'model.ckpt'}.")
    to_keras = options.target.suffix == ".keras"
    file = options.target if to_keras else options.target.with_name(options.target.name + ".index")
    if file.exists() and not options.overwrite:
        raise UserError(f"{file} exists: give another DST, or --overwrite.")
    generator = load_wavegan(options.source, options.slice_len, average=options.average)
    discriminator = None
    if not to_keras and options.source.suffix != ".keras" and open_source(options.source).has_discriminator:
        discriminator = load_discriminator(options.source, options.slice_len)
    if to_keras:
        from tf_wavegan_inv.files import replacing

        with replacing(options.target) as partial:
            generator.save(partial)
    else:
        save_wavegan_checkpoint(generator, options.target, discriminator)
    again = load_wavegan(options.target)
    z = np.random.default_rng(options.seed).uniform(-1, 1, (COMPARED, generator.config.latent_dim)).astype(np.float32)
    difference = np.abs(np.asarray(again(z)) - np.asarray(generator(z))).max()
    print(f"{options.target}: {generator.config}" + (", with its discriminator" if discriminator else ""))
    print(f"Largest difference over {COMPARED} clips before and after: {difference:g}")
    if difference > 1e-6:
        raise UserError(f"The converted generator differs from its source by {difference:g}: do not use it.")
