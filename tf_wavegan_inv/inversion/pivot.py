"""Pivotal tuning: the generator itself is tuned, in a copy, until it makes one clip out of the z that was found for it.

Roich, Mokady, Bermano & Cohen-Or, "Pivotal Tuning for Latent-based Editing of Real Images" (2021), section 3; their perceptual distance
of images is the multi-resolution STFT's here, and their regularisation around the pivot is left out.
"""

import dataclasses

import keras
import numpy as np
import tensorflow as tf

from tf_wavegan_inv.errors import UserError
from tf_wavegan_inv.losses import difference, log_stft_distance, stft_magnitudes
from tf_wavegan_inv.wavegan.checkpoint import copy_generator
from tf_wavegan_inv.wavegan.generator import Generator

LEARNING_RATE = 1e-3
WAVEFORM = 1.0  # weight of the relative squared error beside the STFT distance


@dataclasses.dataclass(frozen=True)
class Pivot:
    """A generator tuned to one clip.

    Attributes:
        generator: `Generator`, the tuned copy.
        audio: float32 [samples, channels], what it makes of the z.
        objective: float [steps + 1], before and after each step.
    """

    generator: Generator
    audio: np.ndarray
    objective: np.ndarray


def pivotal_tuning(generator, z, audio, steps=200, learning_rate=LEARNING_RATE, progress=None):
    """Tune a copy of the generator to one clip; z stays.

    Args:
        generator: `Generator`; it is not changed.
        z: float [latent_dim], from inversion.
        audio: float [samples, channels].
        steps: of Adam.
        learning_rate: of Adam.
        progress: called with (steps done, steps).

    Returns:
        Pivot, at its best step.

    Raises:
        UserError: if the generator is no WaveGAN: of another the weights are not at hand.
    """
    if not isinstance(generator, Generator):
        raise UserError(f"Pivotal tuning needs a WaveGAN, whose weights can be tuned; received a {type(generator).__name__}.")
    z, audio = tf.constant(np.asarray(z, np.float32)[None]), tf.constant(np.asarray(audio, np.float32)[None])
    tuned = copy_generator(generator)
    optimizer = keras.optimizers.Adam(learning_rate)
    optimizer.build(tuned.trainable_variables)
    target = stft_magnitudes(audio)

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            made = tuned(z, training=False)
            distance = log_stft_distance(target, stft_magnitudes(made))
            objective = (distance + WAVEFORM * difference(audio, made, power=2, relative=True))[0]
        gradients = tape.gradient(objective, [v.value for v in tuned.trainable_variables])
        return objective, gradients

    history, best = [], None
    for number in range(steps + 1):
        objective, gradients = step()
        history.append(float(objective))
        if best is None or history[-1] < best[0]:
            best = history[-1], tuned.get_weights()
        if number < steps:
            optimizer.apply(gradients, tuned.trainable_variables)
        if progress:
            progress(min(number + 1, steps), steps)
    tuned.set_weights(best[1])
    return Pivot(tuned, tuned(z, training=False).numpy()[0], np.array(history))
