"""The protocol of generators that this package inverts, z -> audio.

`wavegan.generator.Generator` follows the protocol `GeneratorModel`. `AnyGenerator` adapts a Keras
model, a SavedModel or a function to it.
"""

import dataclasses
import hashlib
import pathlib
import typing

import keras
import numpy as np

from tf_wavegan_inv.errors import UserError
from tf_wavegan_inv.files import checksum
from tf_wavegan_inv.latent import LatentSpace

Tensor = typing.Any


@dataclasses.dataclass(frozen=True)
class Identity:
    """What distinguishes a generator from others.

    Attributes:
        kind: str. "wavegan" or "generator", as run.json and config.json name it.
        file: path or None. File or checkpoint prefix that it was loaded from; None without one.
        sha256: str. Checksum of that file, or else of the weights.
        name: str. Path that the user gave, or a description, for messages.
    """

    kind: str
    file: pathlib.Path | None
    sha256: str
    name: str


def identity_of(model: keras.Model, kind: str, file: pathlib.Path | None, *, name: str = "") -> Identity:
    """`Identity` of a model that was loaded from a file, or of one without a file; `name`: by default the file."""
    name = name or str(file or "this generator")
    if file:
        return Identity(kind, file, checksum(file), name)
    digest = hashlib.sha256()
    for weight in model.get_weights():
        digest.update(np.ascontiguousarray(weight).tobytes())
    return Identity(kind, None, digest.hexdigest()[:16], name)


@typing.runtime_checkable
class GeneratorModel(typing.Protocol):
    """A generator with z in the cube [-1, 1], which is a keras.Model as well."""

    @property
    def latent(self) -> LatentSpace:
        """The space of its z."""

    @property
    def sample_rate(self) -> int | None:
        """Sample rate in Hz; None if it is unknown."""

    @property
    def clip_shape(self) -> tuple[int, int]:
        """Samples and channels of a clip."""

    def __call__(self, z: Tensor, training: bool = False) -> Tensor:
        """z [batch, latent_dim] -> audio [batch, samples, channels]."""

    def jacobian(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """Audio [batch, n] of z, and its derivative by each entry [batch, latent_dim, n]."""

    def identity(self) -> Identity:
        """What distinguishes it from others."""

    def trainable_copy(self) -> "GeneratorModel":
        """A copy with its own weights, to train. Raises UserError if the weights cannot be copied."""


class AnyGenerator(keras.Model):
    """z [batch, latent_dim] in [-1, 1] -> audio [batch, samples, channels], around any model.

    Args:
        function: z [batch, latent_dim] in `latent_range` -> audio [batch, samples] or [batch, samples,
            channels], differentiable.
        latent_dim: int. Entries of z.
        latent_range: tuple. Low and high of the model's own z; for a normal prior a plausible range,
            for example (-3, 3). Default (-1, 1).
        source: str. Name for messages. Default "generator".
        file: path or None. File that it was loaded from. Default None.

    Raises:
        UserError: if the output is not audio.
    """

    def __init__(
        self,
        function: typing.Callable[[Tensor], Tensor],
        latent_dim: int,
        *,
        latent_range: tuple[float, float] = (-1.0, 1.0),
        source: str = "generator",
        file: pathlib.Path | None = None,
    ):
        low, high = latent_range
        latent = LatentSpace(latent_dim, low, high)
        scale = keras.layers.Rescaling((high - low) / 2, (high + low) / 2, name="to_latent")
        z = keras.Input((latent_dim,), name="z")
        shape = _output_shape(function, latent_dim, (low + high) / 2, source)
        audio = keras.layers.Reshape((*shape[1:], 1) if len(shape) == 2 else shape[1:])(_Call(function, shape)(scale(z)))
        super().__init__(inputs=z, outputs=audio, name="generator")
        self.latent = latent
        self.sample_rate = None
        self.source = source
        self.file = file

    @property
    def clip_shape(self) -> tuple[int, int]:
        """Samples and channels of a clip."""
        return tuple(self.output_shape[1:])

    def jacobian(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """See `GeneratorModel`."""
        from tf_wavegan_inv.models.jacobian import forward_jacobian

        return forward_jacobian(self, z)

    def identity(self) -> Identity:
        """See `GeneratorModel`."""
        return identity_of(self, "generator", self.file, name=self.source)

    def trainable_copy(self) -> GeneratorModel:
        """Raises UserError: the model's weights are not among its own."""
        raise UserError(f"{self.source} is no WaveGAN, whose weights can be tuned.")


class _Call(keras.layers.Layer):
    """A function of tensors as a layer."""

    def __init__(self, function, shape):
        super().__init__(name="model", trainable=False)
        self.function, self.shape = function, shape

    def call(self, z):
        return self.function(z)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], *self.shape[1:])


def as_generator(model: keras.Model) -> GeneratorModel:
    """The model itself if it is a `GeneratorModel`, else an `AnyGenerator` around it."""
    return model if isinstance(model, GeneratorModel) else load_generator(model)


def load_generator(
    path: typing.Any,
    *,
    latent_dim: int | None = None,
    latent_range: tuple[float, float] = (-1.0, 1.0),
    signature: str = "serving_default",
) -> AnyGenerator:
    """Load any generator.

    Args:
        path: path, str or keras.Model. A model saved by Keras (.keras), the folder of a SavedModel, or the
            model itself, which may be any function of tensors. Use `load_wavegan` for a WaveGAN.
        latent_dim: int or None. Entries of z, if the model does not state them. Default None.
        latent_range: tuple. Low and high of each entry of z. Default (-1, 1).
        signature: str. Signature of a SavedModel, with one tensor in and one out. Default
            "serving_default".

    Returns:
        `AnyGenerator`. It does not contain the model's weights, so training does not change them.

    Raises:
        UserError: if there is no such model, or it does not generate audio from z.
    """
    in_memory = callable(path)
    model = path if in_memory else _load(pathlib.Path(path), signature)
    latent_dim = latent_dim or _latent_dim(model)
    if not latent_dim:
        raise UserError(f"{path} does not state the size of its z: give latent_dim (--latent-dim).")
    function = model if not isinstance(model, keras.Model) else lambda z: model(z, training=False)
    file = None if in_memory else weights_file(pathlib.Path(path))
    return AnyGenerator(function, latent_dim, latent_range=latent_range, source=str(path), file=file)


def weights_file(path):
    """The file of a .keras model or SavedModel whose checksum identifies it."""
    files = (path / "variables" / "variables.data-00000-of-00001", path / "saved_model.pb")
    return next((file for file in files if file.exists()), path)


def find_generator(path):
    """Raise UserError if no generator is at a path; it is not read."""
    if not (path.is_file() if path.suffix == ".keras" else (path / "saved_model.pb").is_file()):
        raise UserError(f"No generator at {path}: give a .keras file or the folder of a SavedModel, which holds saved_model.pb.")


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
    except Exception as error:  # for example of an op without a gradient
        raise UserError(f"{source} is not differentiable by z: {(str(error).splitlines() or ['?'])[0]}") from None
    if gradient is None:
        raise UserError(f"{source} is not differentiable by z (TensorFlow finds no way back from its audio): it cannot be inverted.")
