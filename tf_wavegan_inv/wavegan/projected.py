"""A second discriminator, on the features of a frozen classifier (Sauer et al., "Projected GANs Converge Faster", 2021)."""

import keras
from keras import ops

from tf_wavegan_inv.models.classifier import feature_extractor
from tf_wavegan_inv.precision import full_precision, in_full_precision

LAYERS = ("stem_pool", "stage1_block2", "stage2_block2", "stage3_block2", "stage4_block2")  # of the classifier, a head each
WIDTH = 64  # channels of a head
COARSE = 8  # steps in frequency; a head halves what is finer
POWER_STEPS = 8  # of the power iteration
MAX_SHIFT = 800  # samples; heads see clips a little early or late, so that they do not learn the clips by heart


def hinge_discriminator(real, fake):
    """Hinge loss of logits at every place of a map: [batch, height, width, 1] twice -> [batch]."""
    return ops.mean(ops.relu(1 - real) + ops.relu(1 + fake), axis=(1, 2, 3))


def spectral_norm(kernel):
    """Largest singular value of a kernel [..., filters] as a matrix of `filters` columns, by power iteration from a fixed vector."""
    matrix = ops.reshape(kernel, (-1, kernel.shape[-1]))
    fixed = ops.stop_gradient(matrix)
    vector = ops.ones((kernel.shape[-1], 1), kernel.dtype)
    for _ in range(POWER_STEPS):
        vector = ops.matmul(fixed, vector / (ops.norm(vector) + 1e-12))
        vector = ops.matmul(ops.transpose(fixed), vector)
    return ops.norm(ops.matmul(matrix, vector / (ops.norm(vector) + 1e-12)))


class SpectralConv2D(keras.layers.Conv2D):
    """A convolution whose kernel is divided by its `spectral_norm` (Miyato et al., 2018), which needs no state beside the kernel."""

    def convolution_op(self, inputs, kernel):
        kernel = in_full_precision(kernel)
        kernel = kernel / (spectral_norm(kernel) + 1e-12)
        return super().convolution_op(inputs, ops.cast(kernel, inputs.dtype))


class ProjectedDiscriminator(keras.Model):
    """Small convolutional heads on five layers of a frozen classifier: audio [batch, samples, channels] -> logits, a map a head.

    The classifier already separates words, which the waveform's discriminator takes many thousand steps to learn. It ignores other
    properties, such as the phase. The projected discriminator therefore complements that of the waveform.

    Args:
        classifier: made by `build_classifier`; it is frozen.
    """

    def __init__(self, classifier, name="P"):
        super().__init__(name=name)
        self.features = feature_extractor(classifier, LAYERS)
        shapes = [feature.shape for feature in self.features.output[0]]
        self.centres = [self._constant(f"centre_{i}", shape[-1:], "zeros") for i, shape in enumerate(shapes)]
        self.scales = [self._constant(f"scale_{i}", (), "ones") for i in range(len(shapes))]
        self.heads = [_head(shape) for shape in shapes]
        self.built = True

    def adapt(self, audio):
        """Take centre and scale of each layer from real clips [batch, samples, channels]."""
        for feature, centre, scale in zip(self.hear(audio, 0), self.centres, self.scales, strict=True):
            feature = in_full_precision(feature)
            centre.assign(ops.mean(feature, axis=(0, 1, 2)))
            scale.assign(ops.mean(ops.std(feature, axis=(0, 1, 2))) + 1e-6)

    def hear(self, audio, shift):
        """Features of clips, peak-normalised as in the classifier's training and shifted by int `shift` samples: a list of maps."""
        audio = audio / (ops.max(ops.abs(audio), axis=(1, 2), keepdims=True) + 1e-4)
        return self.features(ops.roll(audio, shift, axis=1), training=False)[0]

    def judge(self, features):
        """`hear`'s features -> logits: a list of maps [batch, height, width, 1]."""
        centred = [
            (in_full_precision(feature) - ops.convert_to_tensor(centre)) / ops.convert_to_tensor(scale)
            for feature, centre, scale in zip(features, self.centres, self.scales, strict=True)
        ]
        return [in_full_precision(head(x)) for head, x in zip(self.heads, centred, strict=True)]

    def call(self, audio, shift=0):
        return self.judge(self.hear(audio, shift))

    def _constant(self, name, shape, initializer):
        return self.add_weight(name=name, shape=shape, initializer=initializer, trainable=False, dtype=full_precision())


def _head(shape):
    """Three convolutions over a map of the shape [batch, height, width, channels]."""
    stride = 2 if shape[1] > COARSE else 1
    return keras.Sequential(
        [
            keras.Input(shape[1:]),
            SpectralConv2D(WIDTH, 3, stride, padding="same", name="conv_0"),
            keras.layers.LeakyReLU(0.2),
            SpectralConv2D(WIDTH, 3, stride, padding="same", name="conv_1"),
            keras.layers.LeakyReLU(0.2),
            SpectralConv2D(1, 3, padding="same", name="conv_2"),
        ]
    )
