"""What a served model can be asked: functions of tensors, made of stock TensorFlow ops alone."""

import tensorflow as tf

from tf_wavegan_inv.audio.condition import condition
from tf_wavegan_inv.inversion.line_search import advance_apart, begin
from tf_wavegan_inv.inversion.objective import Objective
from tf_wavegan_inv.serving.checks import checked_audio, checked_batch, checked_latents, checked_rate, checked_steps, checked_wav

MAX_STEPS = 1000
EVALUATIONS, FIRST_EVALUATIONS = 2, 10  # of the objective at most: a step, and more, for the first steps find their length
PCM_LIMIT = 32767 / 32768


class Signatures:
    """The signatures of a served model.

    audio: float32 [batch, samples, channels] in [-1, 1], at the WaveGAN's rate and length, as `load_audio` makes it (of peak 1 where the
        recipe normalises).
    wav_bytes: string [batch], each a whole 16-bit WAV file of any length, rate and number of channels, which is brought into that form.
        (REST needs the suffix to know what is binary.)
    z: float32 [batch, latent_dim]; digit: int32 [batch]; probabilities: float32 [batch, 10].

    Args:
        generator, inverter, classifier: Keras models.
        audio_config: `AudioConfig` that they were trained with.
        inversion: `InversionConfig`, what `refine` minimises.
    """

    def __init__(self, generator, inverter, classifier, audio_config, inversion):
        self.generator, self.inverter, self.classifier, self.audio_config = generator, inverter, classifier, audio_config
        self.objective = Objective(generator, inversion, classifier=classifier)
        _, self.length, self.channels = generator.output_shape
        self.latent_dim = generator.input_shape[1]

    def functions(self):
        """Dict of name to (function, dict of argument to its `tf.TensorSpec`)."""
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
        """The inverter's z."""
        return {"z": self.inverter(checked_audio(audio), training=False)}

    def reconstruct(self, audio):
        """The inverter's z, and what the WaveGAN makes of it."""
        z = self.invert(audio)["z"]
        return {"z": z, "audio": self.generator(z, training=False)}

    def reconstruct_wav(self, wav_bytes):
        """The same for WAV files, as WAV files."""
        return self._with_wav(self.reconstruct(self.decode(wav_bytes)))

    def generate(self, z):
        """What the WaveGAN makes of z."""
        return {"audio": self.generator(checked_latents(z), training=False)}

    def classify(self, audio):
        """Which digit is spoken."""
        probabilities = self.classifier(checked_audio(audio), training=False)
        return {"probabilities": probabilities, "digit": tf.argmax(probabilities, axis=-1, output_type=tf.int32)}

    def refine(self, audio, steps):
        """L-BFGS from the inverter's z on the recipe's objective; steps int32 [batch], 0 to `MAX_STEPS`, for each clip its own."""
        audio = checked_audio(audio)
        steps = checked_steps(steps, audio, MAX_STEPS)
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
        """The same for WAV files, as WAV files."""
        return self._with_wav(self.refine(self.decode(wav_bytes), steps))

    def _with_wav(self, found):
        """Outputs with WAV files in place of audio."""
        return {name: value for name, value in found.items() if name != "audio"} | {"wav_bytes": self.encode(found["audio"])}

    def decode(self, wav):
        """WAV files [batch] -> audio [batch, samples, channels]."""

        def one(data):
            audio, rate = tf.audio.decode_wav(checked_wav(data))
            return condition(audio, checked_rate(rate), self.audio_config, self.length, self.channels)

        spec = tf.TensorSpec([self.length, self.channels], tf.float32)
        return tf.map_fn(one, checked_batch(wav), fn_output_signature=spec, parallel_iterations=4)

    def encode(self, audio):
        """audio [batch, samples, channels] -> 16-bit WAV files [batch]."""
        rate = tf.constant(self.audio_config.sample_rate, tf.int32)

        def one(clip):
            return tf.audio.encode_wav(tf.clip_by_value(clip, -1.0, PCM_LIMIT), rate)

        return tf.map_fn(one, audio, fn_output_signature=tf.string)
