"""Hearing clips: what a digit classifier makes of them."""

import dataclasses

import keras
import numpy as np
import tensorflow as tf

CHUNK = 64


@dataclasses.dataclass(frozen=True)
class Heard:
    """What was heard in each clip.

    Attributes:
        probabilities: float32 [clips, 10].
        features: float32 [clips, features], the classifier's global average; empty [clips, 0] where it was not asked for.
    """

    probabilities: np.ndarray
    features: np.ndarray

    @classmethod
    def join(cls, parts):
        """One of several batches' ones."""
        return cls(*(np.concatenate([getattr(part, f.name) for part in parts]) for f in dataclasses.fields(cls)))

    @property
    def digits(self):
        """The likeliest digit of each clip: int [clips]."""
        return self.probabilities.argmax(axis=1)

    @property
    def confidence(self):
        """Its probability: float32 [clips]."""
        return self.probabilities.max(axis=1)


class Judge:
    """Hears clips; compiled once, for any number of clips.

    Clips are heard as their files would be read: scaled to a peak of 1 where the classifier's recipe does that.

    Args:
        classifier: keras.Model, audio [batch, samples, channels] -> probabilities; made by `build_classifier` where features are wanted.
        with_features: whether to keep the features too.
    """

    def __init__(self, classifier, with_features=False):
        self.classifier = classifier
        features = classifier.get_layer("average").output if with_features else classifier.output[:, :0]
        both = keras.Model(classifier.input, (classifier.output, features))
        recipe = getattr(classifier, "recipe", None)
        normalised = recipe is not None and recipe.audio.peak_normalise

        def hear(audio):
            if normalised:
                audio = tf.math.divide_no_nan(audio, tf.reduce_max(tf.abs(audio), axis=(1, 2), keepdims=True))
            return both(audio, training=False)

        self._hear = tf.function(hear, input_signature=[tf.TensorSpec(classifier.input_shape)])

    def __call__(self, audio):
        """audio float32 [clips, samples, channels] -> `Heard`."""
        return Heard.join([Heard(*(t.numpy() for t in self._hear(audio[i : i + CHUNK]))) for i in range(0, len(audio), CHUNK)])

    def hear(self, clips):
        """All of a `ClipSet`, a part at a time: `Heard`."""
        return Heard.join([self(clips.batch(i, i + CHUNK)) for i in range(0, len(clips), CHUNK)])
