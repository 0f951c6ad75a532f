"""Pivotal tuning: a copy of the generator is tuned until it makes one clip from its z.

Roich, Mokady, Bermano & Cohen-Or, "Pivotal Tuning for Latent-based Editing of Real Images" (2021),
section 3. The multi-resolution STFT distance replaces their perceptual distance of images. Their
regularisation around the pivot is left out.
"""

import dataclasses

import keras
import numpy as np
import tensorflow as tf

from tf_wavegan_inv.errors import UserError
from tf_wavegan_inv.inversion.lbfgs import Progress
from tf_wavegan_inv.losses import difference, log_stft_distance, stft_magnitudes
from tf_wavegan_inv.wavegan.generator import Generator

LEARNING_RATE = 1e-3
WAVEFORM = 1.0  # weight of the relative squared error beside the STFT distance


@dataclasses.dataclass(frozen=True)
class Pivot:
    """A generator tuned to one clip.

    Attributes:
        generator: `Generator`. The tuned copy.
        audio: float32 [samples, channels]. The tuned generator's audio of z.
        objective: float [steps + 1]. Objective before and after each step.
    """

    generator: Generator
    audio: np.ndarray
    objective: np.ndarray


def pivotal_tuning(
    generator: Generator,
    audio: np.ndarray,
    *,
    z: np.ndarray,
    steps: int = 200,
    learning_rate: float = LEARNING_RATE,
    progress: Progress | None = None,
) -> Pivot:
    """Tune a copy of the generator to one clip; z stays.

    Args:
        generator: `Generator`. It is not changed.
        audio: float [samples, channels]. The clip.
        z: float [latent_dim]. The z that inversion found for the clip.
        steps: int. Steps of Adam. Default 200.
        learning_rate: float. Learning rate of Adam. Default 0.001.
        progress: function of (steps done, steps) or None. Default None.

    Returns:
        Pivot, at its best step.

    Raises:
        UserError: if the generator is not a WaveGAN, whose weights can be tuned.
    """
    if not isinstance(generator, Generator):
        raise UserError(f"Pivotal tuning needs a WaveGAN, whose weights can be tuned; received a {type(generator).__name__}.")
    z, audio = (tf.constant(np.asarray(each, np.float32)[None]) for each in (z, audio))
    tuned = generator.trainable_copy()
    optimizer = keras.optimizers.Adam(learning_rate)
    optimizer.build(tuned.trainable_variables)
    step = _step(tuned, z, audio)

    history, best, weights = [], float("inf"), tuned.get_weights()
    for number in range(steps + 1):
        objective, gradients = step()
        history.append(float(objective))
        if history[-1] < best:
            best, weights = history[-1], tuned.get_weights()
        if number < steps:
            optimizer.apply(gradients, tuned.trainable_variables)
        if progress:
            progress(min(number + 1, steps), steps)
    tuned.set_weights(weights)
    return Pivot(tuned, tuned(z, training=False).numpy()[0], np.array(history))


def _step(tuned, z, audio):
    """A compiled function without arguments -> objective, and its gradients by the weights."""
    target = stft_magnitudes(audio)

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            made = tuned(z, training=False)
            distance = log_stft_distance(target, stft_magnitudes(made))
            waveform = difference(audio, made, power=2, relative=True)
            objective = (distance + WAVEFORM * waveform)[0]
        return objective, tape.gradient(objective, [v.value for v in tuned.trainable_variables])

    return step
