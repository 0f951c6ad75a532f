"""A classifier's predictions for clips: probabilities, labels, features."""

import dataclasses
import typing

import keras
import numpy as np
import tensorflow as tf

CHUNK = 64


@dataclasses.dataclass(frozen=True)
class Predictions:
    """A classifier's predictions, one row a clip.

    Attributes:
        probabilities: float32 [clips, labels].
        features: float32 [clips, features]. The classifier's global average pooling; [clips, 0] if not requested.
    """

    probabilities: np.ndarray
    features: np.ndarray

    @classmethod
    def join(cls, parts: typing.Sequence["Predictions"]) -> "Predictions":
        """The predictions of several batches as one."""
        return cls(*(np.concatenate([getattr(part, f.name) for part in parts]) for f in dataclasses.fields(cls)))

    @property
    def labels(self) -> np.ndarray:
        """Predicted label of each clip: int [clips]."""
        return self.probabilities.argmax(axis=1)

    @property
    def confidence(self) -> np.ndarray:
        """Probability of the predicted label: float32 [clips]."""
        return self.probabilities.max(axis=1)


class ClipClassifier:
    """Classifies any number of clips by one compiled function.

    Clips are peak-normalised before classification if the classifier was trained on peak-normalised audio.

    Args:
        classifier: keras.Model. Audio [batch, samples, channels] -> probabilities [batch, labels].
        with_features: bool. Whether predictions include features; requires a model of `build_classifier`. Default False.
    """

    def __init__(self, classifier: keras.Model, *, with_features: bool = False):
        self.classifier = classifier
        features = classifier.get_layer("average").output if with_features else classifier.output[:, :0]
        both = keras.Model(classifier.input, (classifier.output, features))
        recipe = getattr(classifier, "recipe", None)
        normalised = recipe is not None and recipe.audio.peak_normalise

        def classify(audio):
            if normalised:
                audio = tf.math.divide_no_nan(audio, tf.reduce_max(tf.abs(audio), axis=(1, 2), keepdims=True))
            return both(audio, training=False)

        self._classify = tf.function(classify, input_signature=[tf.TensorSpec(classifier.input_shape)])

    def __call__(self, audio: np.ndarray) -> Predictions:
        """Predictions for audio, float32 [clips, samples, channels]."""
        chunks = [audio[first : first + CHUNK] for first in range(0, len(audio), CHUNK)]
        return Predictions.join([Predictions(*(t.numpy() for t in self._classify(chunk))) for chunk in chunks])

    def classify_set(self, clips) -> Predictions:
        """Predictions for a `ClipSet`, read a chunk at a time."""
        return Predictions.join([self(clips.batch(first, first + CHUNK)) for first in range(0, len(clips), CHUNK)])
