"""The signatures of a served model: functions of tensors, of stock TensorFlow ops alone."""

import keras
import tensorflow as tf

from tf_wavegan_inv.audio.condition import condition
from tf_wavegan_inv.config import AudioConfig, InversionConfig
from tf_wavegan_inv.inversion.line_search import advance_apart, begin
from tf_wavegan_inv.inversion.objective import Objective
from tf_wavegan_inv.serving.checks import checked_audio, checked_batch, checked_latents, checked_rate, checked_steps, checked_wav

MAX_STEPS = 1000
EVALUATIONS, FIRST_EVALUATIONS = 2, 10  # limits of the objective's evaluations: for each step, and more for the first steps
PCM_LIMIT = 32767 / 32768


class Signatures:
    """The signatures of a served model.

    Inputs and outputs:
        audio: float32 [batch, samples, channels] in [-1, 1], at the WaveGAN's rate and length, as `load_audio` makes
            it (peak-normalised if the recipe says so).
        wav_bytes: string [batch]. Complete 16-bit WAV files of any length, rate and number of channels. REST requires
            the suffix for binary values.
        z: float32 [batch, latent_dim].
        digit: int32 [batch]. Predicted labels.
        probabilities: float32 [batch, labels].

    Args:
        generator: keras.Model, z -> audio.
        inverter: keras.Model, audio -> z.
        classifier: keras.Model, audio -> probabilities.
        audio_config: AudioConfig. How their training audio was conditioned.
        inversion: InversionConfig. Objective of `refine`.
    """

    def __init__(
        self,
        generator: keras.Model,
        *,
        inverter: keras.Model,
        classifier: keras.Model,
        audio_config: AudioConfig,
        inversion: InversionConfig,
    ):
        self.generator = generator
        self.inverter = inverter
        self.classifier = classifier
        self.audio_config = audio_config
        self.objective = Objective(generator, inversion, classifier=classifier)
        _, self.length, self.channels = generator.output_shape
        self.latent_dim = generator.input_shape[1]

    def functions(self):
        """All signatures: dict of name to (function, dict of argument to its `tf.TensorSpec`)."""
        audio = {"audio": tf.TensorSpec([None, self.length, self.channels], tf.float32, name="audio")}
        wav = {"wav_bytes": tf.TensorSpec([None], tf.string, name="wav_bytes")}
        z = {"z": tf.TensorSpec([None, self.latent_dim], tf.float32, name="z")}
        steps = {"steps": tf.TensorSpec([None], tf.int32, name="steps")}
        return {
            "serving_default": (self.invert, audio),
            "invert": (self.invert, audio),
            "reconstruct": (self.reconstruct, audio),
            "refine": (self.refine, audio | steps),
            "classify": (self.classify, audio),
            "generate": (self.generate, z),
            "invert_wav": (lambda wav_bytes: self.invert(self.decode(wav_bytes)), wav),
            "reconstruct_wav": (self.reconstruct_wav, wav),
            "refine_wav": (self.refine_wav, wav | steps),
            "classify_wav": (lambda wav_bytes: self.classify(self.decode(wav_bytes)), wav),
            "generate_wav": (lambda z: {"wav_bytes": self.encode(self.generate(z)["audio"])}, z),
        }

    def invert(self, audio):
        """The inverter's prediction of z."""
        return {"z": self.inverter(checked_audio(audio), training=False)}

    def reconstruct(self, audio):
        """The inverter's prediction of z, and the WaveGAN's audio of it."""
        z = self.invert(audio)["z"]
        return {"z": z, "audio": self.generator(z, training=False)}

    def reconstruct_wav(self, wav_bytes):
        """`reconstruct` for WAV files, as WAV files."""
        return self._with_wav(self.reconstruct(self.decode(wav_bytes)))

    def generate(self, z):
        """The WaveGAN's audio of z."""
        return {"audio": self.generator(checked_latents(z), training=False)}

    def classify(self, audio):
        """The classifier's predictions."""
        probabilities = self.classifier(checked_audio(audio), training=False)
        return {"probabilities": probabilities, "digit": tf.argmax(probabilities, axis=-1, output_type=tf.int32)}

    def refine(self, audio, steps):
        """L-BFGS on the recipe's objective, from the prediction; steps: int32 [batch], 0 to `MAX_STEPS`, one number a clip."""
        audio = checked_audio(audio)
        steps = checked_steps(steps, audio, most=MAX_STEPS)
        with tf.control_dependencies([steps]):
            target = self.objective.describe(audio)

        def value_and_gradient(z):
            with tf.GradientTape() as tape:
                tape.watch(z)
                value = self.objective(z, target)
            return value, tape.gradient(value, z)

        state = begin(value_and_gradient, self.inverter(audio, training=False), tolerance=0.0)
        evaluations = EVALUATIONS * steps + FIRST_EVALUATIONS
        state = advance_apart(value_and_gradient, state, evaluations=evaluations, limit=steps, tolerance=0.0)
        z = state.results.position
        return {
            "z": z,
            "audio": self.generator(z, training=False),
            "objective": state.results.objective_value,
            "iterations": state.iterations,
        }

    def refine_wav(self, wav_bytes, steps):
        """`refine` for WAV files, as WAV files."""
        return self._with_wav(self.refine(self.decode(wav_bytes), steps))

    def _with_wav(self, found):
        """Outputs with WAV files instead of audio."""
        return {name: value for name, value in found.items() if name != "audio"} | {"wav_bytes": self.encode(found["audio"])}

    def decode(self, wav):
        """WAV files, string [batch] -> audio [batch, samples, channels]."""

        def one(data):
            audio, rate = tf.audio.decode_wav(checked_wav(data))
            rate = checked_rate(rate)
            return condition(audio, rate, self.audio_config, length=self.length, channels=self.channels)

        spec = tf.TensorSpec([self.length, self.channels], tf.float32)
        return tf.map_fn(one, checked_batch(wav), fn_output_signature=spec, parallel_iterations=4)

    def encode(self, audio):
        """Audio [batch, samples, channels] -> 16-bit WAV files, string [batch]."""
        rate = tf.constant(self.audio_config.sample_rate, tf.int32)

        def one(clip):
            return tf.audio.encode_wav(tf.clip_by_value(clip, -1.0, PCM_LIMIT), rate)

        return tf.map_fn(one, audio, fn_output_signature=tf.string)
