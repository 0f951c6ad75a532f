"""Any generator z -> audio: a Keras model or a SavedModel, in the form in which this package inverts one."""

import pathlib

import keras
import numpy as np

from tf_wavegan_inv.errors import UserError


class AnyGenerator(keras.Model):
    """z [batch, latent_dim] in [-1, 1] -> audio [batch, samples, channels], around a model with a latent range of its own.

    Args:
        function: z [batch, latent_dim] in `latent_range` -> audio [batch, samples] or [batch, samples, channels], differentiable.
        latent_dim: numbers in z.
        latent_range: (low, high) of the model's own z. For a normal prior, what is to count as plausible: (-3, 3), say.
        source: for messages.

    Raises:
        UserError: if what comes out is no audio.
    """

    def __init__(self, function, latent_dim, latent_range=(-1.0, 1.0), source="generator"):
        low, high = latent_range
        if not -np.inf < low < high < np.inf:
            raise UserError(f"latent_range must be two finite numbers, the lower first, received {latent_range}.")
        scale = keras.layers.Rescaling((high - low) / 2, (high + low) / 2, name="to_latent")
        z = keras.Input((latent_dim,), name="z")
        shape = _output_shape(function, latent_dim, (low + high) / 2, source)
        audio = keras.layers.Reshape((*shape[1:], 1) if len(shape) == 2 else shape[1:])(_Call(function, shape)(scale(z)))
        super().__init__(inputs=z, outputs=audio, name="generator")
        self.low, self.high = low, high

    def to_latent(self, z):
        """z [batch, latent_dim] in [-1, 1] as the model itself takes it."""
        return (self.low + (np.asarray(z) + 1) * (self.high - self.low) / 2).astype(np.float32)


class _Call(keras.layers.Layer):
    """A function of tensors as a layer."""

    def __init__(self, function, shape):
        super().__init__(name="model", trainable=False)
        self.function, self.shape = function, shape

    def call(self, z):
        return self.function(z)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], *self.shape[1:])


def load_generator(path, *, latent_dim=None, latent_range=(-1.0, 1.0), signature="serving_default"):
    """Load any generator.

    Args:
        path: a model saved by Keras (.keras), the folder of a SavedModel, or a keras.Model itself. For a WaveGAN `load_wavegan` does more.
        latent_dim: numbers in z, where the model does not say.
        latent_range: (low, high) of the numbers in z.
        signature: of a SavedModel; one tensor in, one out.

    Returns:
        `AnyGenerator`; the model's weights are not among its own, so nothing here trains them.

    Raises:
        UserError: if there is no such model, or it does not make audio out of z.
    """
    model = path if callable(path) else _load(pathlib.Path(path), signature)
    latent_dim = latent_dim or _latent_dim(model)
    if not latent_dim:
        raise UserError(f"{path} does not say how many numbers its z has: give latent_dim (--latent-dim).")
    function = model if not isinstance(model, keras.Model) else lambda z: model(z, training=False)
    return AnyGenerator(function, latent_dim, latent_range, source=str(path))


def weights_file(path):
    """The file of a .keras model or SavedModel whose checksum tells it from others."""
    files = (path / "variables" / "variables.data-00000-of-00001", path / "saved_model.pb")
    return next((file for file in files if file.exists()), path)


def find_generator(path):
    """Raise UserError if no generator is at a path; it is not read."""
    if not (path.is_file() if path.suffix == ".keras" else (path / "saved_model.pb").is_file()):
        raise UserError(f"No generator at {path}: give a .keras file or the folder of a SavedModel (that which holds saved_model.pb).")


def _load(path, signature):
    import tensorflow as tf

    find_generator(path)
    if path.suffix == ".keras":
        try:
            return keras.saving.load_model(path, compile=False)
        except Exception as error:  # Keras raises several types, by what the file holds instead
            raise UserError(f"{path} cannot be read as a Keras model: {(str(error).splitlines() or ['?'])[0]}") from None
    try:
        loaded = tf.saved_model.load(str(path))
    except Exception as error:
        raise UserError(f"{path} cannot be read as a SavedModel: {(str(error).splitlines() or ['?'])[0]}") from None
    if signature not in loaded.signatures:
        raise UserError(f"{path} has no signature {signature!r}; it has {sorted(loaded.signatures)}.")
    return _Signature(loaded, signature, path)


class _Signature:
    """A signature of a SavedModel with one tensor in and one out, as a function."""

    def __init__(self, loaded, name, path):
        self.loaded, self.function = loaded, loaded.signatures[name]  # a signature does not keep its model alive
        inputs, outputs = self.function.structured_input_signature[1], self.function.structured_outputs
        if len(inputs) != 1 or len(outputs) != 1:
            raise UserError(
                f"{path}: signature {name!r} takes {sorted(inputs)} and gives {sorted(outputs)}; one tensor in and one out are needed."
            )
        (self.input, self.input_spec), (self.output,) = next(iter(inputs.items())), outputs
        if self.input_spec.shape.rank != 2 or self.input_spec.shape[0] is not None:
            raise UserError(f"{path}: signature {name!r} takes {self.input_spec.shape}; [any batch, latent_dim] is needed.")

    def __call__(self, z):
        return self.function(**{self.input: z})[self.output]


def _latent_dim(model):
    if isinstance(model, _Signature):
        return model.input_spec.shape[1]
    shape = getattr(model, "input_shape", None)
    return shape[-1] if isinstance(shape, tuple) and len(shape) == 2 else None


def _output_shape(function, latent_dim, middle, source):
    """Shape of the audio of two latents, the first size None. Raises UserError unless it is audio."""
    try:
        audio = np.asarray(function(keras.ops.full((2, latent_dim), middle, dtype="float32")))
    except Exception as error:  # whatever the model raises
        raise UserError(f"{source} cannot take z [2, {latent_dim}]: {(str(error).splitlines() or ['?'])[0]}") from None
    _check_differentiable(function, latent_dim, middle, source)
    if audio.ndim not in (2, 3) or len(audio) != 2 or audio.dtype.kind != "f":
        raise UserError(
            f"{source} made {audio.dtype} {list(audio.shape)} out of z [2, {latent_dim}]; float [2, samples] or [2, samples, channels] "
            "is needed."
        )
    return (None, *audio.shape[1:])


def _check_differentiable(function, latent_dim, middle, source):
    import tensorflow as tf

    z = tf.fill((2, latent_dim), np.float32(middle))
    try:
        with tf.GradientTape() as tape:
            tape.watch(z)
            audio = function(z)
        gradient = tape.gradient(audio, z)
    except Exception as error:  # an op without a gradient says so
        raise UserError(f"{source} is not differentiable by z: {(str(error).splitlines() or ['?'])[0]}") from None
    if gradient is None:
        raise UserError(f"{source} is not differentiable by z (TensorFlow finds no way back from its audio): it cannot be inverted.")
