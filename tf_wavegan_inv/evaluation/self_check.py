"""Checks inversion for a generator: inverts clips of known z."""

import time
import typing

import numpy as np

from tf_wavegan_inv.inversion.invert import Inversion, batch_progress
from tf_wavegan_inv.inversion.jacobian import singular_values
from tf_wavegan_inv.inversion.result import InversionResult, concatenate
from tf_wavegan_inv.metrics.latent import RECOVERED, max_error, rmse

JACOBIANS = 4
INAUDIBLE = 1e-4  # of the largest singular value: 16-bit audio does not resolve such a direction of z


def self_check(
    inversion: Inversion,
    *,
    count: int = 16,
    seed: int = 0,
    batch_size: int = 32,
    max_iterations: int | None = None,
    progress: typing.Callable[[int, int], None] | None = None,
) -> dict:
    """Invert clips that the generator makes of known z.

    Args:
        inversion: Inversion. Its generator makes the clips.
        count: int. Number of clips. Default 16.
        seed: int. Seed of z and of the random starts. Default 0.
        batch_size: int. Number of clips inverted together. Default 32.
        max_iterations: int or None. Limit of the L-BFGS iterations. Default None: the recipe's.
        progress: function of (done, total) or None. Default None: no progress.

    Returns:
        dict of name (`names.NAMES`) to value; "singular_values": float [latent_dim], medians over some z of the
        singular values of the Jacobian; "result": `InversionResult`.
    """
    generator = inversion.generator
    latent_dim = generator.input_shape[1]
    z = np.random.default_rng([seed, latent_dim]).uniform(-1, 1, (count, latent_dim)).astype(np.float32)
    began, results = time.monotonic(), []
    firsts = range(0, count, batch_size)
    for i, first in enumerate(firsts):
        audio = np.asarray(generator(z[first : first + batch_size]))
        numbers = np.arange(first, first + len(audio))
        advance = batch_progress(progress, i, len(firsts))
        results.append(inversion(audio, max_iterations=max_iterations, seed=seed, numbers=numbers, progress=advance))
    seconds = time.monotonic() - began
    result: InversionResult = concatenate(results)
    largest = max_error(z, result.z)
    spectra = [singular_values(generator, z[i : i + 1])[0] for i in range(min(JACOBIANS, count))]
    return {
        "latent/recovered": float(np.mean(largest < RECOVERED)),
        "latent/max_error": float(np.median(largest)),
        "latent/rmse": float(np.median(rmse(z, result.z))),
        "seconds": seconds / count,
        "singular_values": np.median(spectra, axis=0),
        "result": result,
    }


def report(found: dict, count: int) -> str:
    """The result of `self_check` on `count` clips, as text."""
    values = found["singular_values"]
    inaudible = int(np.sum(values < INAUDIBLE * values[0]))
    directions = f"{inaudible} of {len(values)} directions of z are inaudible" if inaudible else "every direction of z is audible"
    lines = [
        f"{count} clips of known z:",
        f"  z recovered (largest error below {RECOVERED}): {100 * found['latent/recovered']:.1f} %",
        f"  largest error of a clip's z, median over clips: {found['latent/max_error']:.2g}",
        f"  root mean squared error of z, median over clips: {found['latent/rmse']:.2g}",
        f"  seconds a clip: {found['seconds']:.2f}",
        f"  singular values of the Jacobian: {values[0]:.3g} to {values[-1]:.3g}; {directions}",
    ]
    if found["latent/recovered"] < 0.9:
        lines.append("  Inversion is not reliable for this generator: do not rely on the z of real recordings.")
    return "\n".join(lines)
