"""Does inversion work for this generator? Clips of known z, inverted."""

import time

import numpy as np

from tf_wavegan_inv.inversion.invert import InversionResult, batch_progress, concatenate
from tf_wavegan_inv.inversion.jacobian import singular_values
from tf_wavegan_inv.metrics.latent import RECOVERED, max_error, rmse

JACOBIANS = 4
UNHEARD = 1e-4  # of the largest singular value: a direction of z below it is lost in 16-bit audio


def self_check(generator, inversion, count=16, seed=0, batch_size=32, max_iterations=None, progress=None):
    """Invert clips that the generator makes of known z.

    Args:
        generator: keras.Model, z -> audio.
        inversion: `Inversion` of that generator.
        count: clips.
        seed: of the latents.
        batch_size: clips inverted together.
        max_iterations, progress: see `invert`.

    Returns:
        dict of name (`names.NAMES`) to value; `singular_values` [latent_dim], the medians over some z; `result`, the `InversionResult`.
    """
    latent_dim = generator.input_shape[1]
    z = np.random.default_rng([seed, latent_dim]).uniform(-1, 1, (count, latent_dim)).astype(np.float32)
    began, results = time.monotonic(), []
    firsts = range(0, count, batch_size)
    for i, first in enumerate(firsts):
        audio = np.asarray(generator(z[first : first + batch_size]))
        numbers = np.arange(first, first + len(audio))
        bar = batch_progress(progress, i, len(firsts))
        results.append(inversion(audio, max_iterations=max_iterations, seed=seed, numbers=numbers, progress=bar))
    seconds = time.monotonic() - began
    result: InversionResult = concatenate(results)
    largest = max_error(z, result.z)
    spectrum = np.median([singular_values(generator, z[i : i + 1])[0] for i in range(min(JACOBIANS, count))], axis=0)
    return {
        "latent/recovered": float(np.mean(largest < RECOVERED)),
        "latent/max_error": float(np.median(largest)),
        "latent/rmse": float(np.median(rmse(z, result.z))),
        "seconds": seconds / count,
        "singular_values": spectrum,
        "result": result,
    }


def report(found, count):
    """What `self_check` found, in words."""
    values = found["singular_values"]
    unheard = int(np.sum(values < UNHEARD * values[0]))
    lines = [
        f"{count} clips of known z:",
        f"  z recovered (largest error below {RECOVERED}): {100 * found['latent/recovered']:.1f} %",
        f"  largest error of a clip's z, median over clips: {found['latent/max_error']:.2g}",
        f"  root mean squared error of z, median: {found['latent/rmse']:.2g}",
        f"  seconds a clip: {found['seconds']:.2f}",
        f"  singular values of the Jacobian: {values[0]:.3g} to {values[-1]:.3g}; "
        + (f"{unheard} of {len(values)} directions of z are hardly heard" if unheard else "every direction of z is heard"),
    ]
    if found["latent/recovered"] < 0.9:
        lines.append("  Inversion is not reliable for this generator: do not take a recovered z of real audio at its word.")
    return "\n".join(lines)
