"""`tf-wavegan-inv generate`: z -> audio."""

import argparse
import json
import pathlib
import re

import numpy as np

from tf_wavegan_inv.commands.common import add_model_arguments, clips_in_words, make_folder, positive, seed
from tf_wavegan_inv.errors import UserError
from tf_wavegan_inv.progress import Progress

BATCH = 32


def add_arguments(p: argparse.ArgumentParser) -> None:
    add_model_arguments(p, "wavegan")
    source = p.add_mutually_exclusive_group()
    source.add_argument("--z", metavar="FILE.npy", type=pathlib.Path, help="z of the clips, [count, latent_dim] or [latent_dim]")
    source.add_argument("--count", type=positive, default=8, help="number of random z, uniform in [-1, 1]")
    p.add_argument("--seed", type=seed, default=0, help="seed of the random z")
    p.add_argument("--sample-rate", type=positive, default=16000, help="sample rate of the wav files in Hz")
    p.add_argument(
        "--out", metavar="DIR", type=pathlib.Path, default=pathlib.Path("generated"), help="folder for 0000.wav, 0000.z.npy, ..., run.json"
    )


def run(options: argparse.Namespace) -> None:
    from tf_wavegan_inv.audio.write import write_wav
    from tf_wavegan_inv.commands.record import write_record
    from tf_wavegan_inv.files import write_npy
    from tf_wavegan_inv.wavegan.checkpoint import load_wavegan

    if options.z and options.z.resolve().parent == options.out.resolve():
        raise UserError(f"--z {options.z} lies in --out {options.out}, whose clips are replaced: give another --out.")
    make_folder(options.out)
    generator = load_wavegan(options.wavegan, options.slice_len)
    latent_dim = generator.config.latent_dim
    z = read_latents(options.z, latent_dim) if options.z else _random(options.count, latent_dim, options.seed)
    _clear(options.out)
    progress, width = Progress("generating"), max(4, len(str(len(z) - 1)))
    for first in range(0, len(z), BATCH):
        batch = z[first : first + BATCH]
        for i, audio in enumerate(np.asarray(generator(batch)), first):
            write_wav(options.out / f"{i:0{width}}.wav", audio, options.sample_rate)
            write_npy(options.out / f"{i:0{width}}.z.npy", z[i])
        progress(first + len(batch), len(z))
    write_record(options.out, options, wavegan=options.wavegan)
    print(f"{clips_in_words(len(z))} in {options.out}")


def _clear(folder):
    """Remove the clips of an earlier call of this command, if run.json is its record."""
    try:
        arguments = json.loads((folder / "run.json").read_text())["arguments"]
    except (OSError, ValueError, KeyError, TypeError):
        return
    if {"z", "count", "sample_rate"} <= set(arguments):
        for file in folder.iterdir():
            if re.fullmatch(r"\d{4,}\.(wav|z\.npy)", file.name):
                file.unlink()


def read_latents(path: pathlib.Path, latent_dim: int) -> np.ndarray:
    """The z in a .npy file: float32 [count, latent_dim]. Raises UserError if it holds anything else."""
    try:
        with open(path, "rb") as file:
            z = np.lib.format.read_array(file, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise UserError(f"--z {path} is not a readable .npy file: {error}") from None
    if z.ndim == 1:
        z = z[np.newaxis]
    if z.ndim != 2 or z.shape[1] != latent_dim or not np.issubdtype(z.dtype, np.floating) or not len(z):
        raise UserError(f"--z {path} holds {z.dtype} {list(z.shape)}; this WaveGAN takes floats of shape [count, {latent_dim}].")
    if not np.isfinite(z).all():
        raise UserError(f"--z {path} holds NaN or infinite values in rows {np.flatnonzero(~np.isfinite(z).all(axis=1))[:10].tolist()}.")
    return z.astype(np.float32)


def _random(count, latent_dim, seed):
    return np.random.default_rng(seed).uniform(-1, 1, (count, latent_dim)).astype(np.float32)
