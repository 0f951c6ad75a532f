"""The generator's Jacobian by pushing all directions of z through its layers at once."""

from keras import ops


def audio_and_tangents(generator, z, directions):
    """The audio of z, and its derivative along directions of z.

    Between activations the generator is linear, so a direction passes like a clip, without biases: as much work as a forward pass of
    so many clips, a third of what general forward-mode differentiation takes.

    Args:
        generator: `Generator`.
        z: [batch, latent_dim].
        directions: [directions, latent_dim], the same for the whole batch.

    Returns:
        audio [batch, samples, channels], tangents [batch, directions, samples, channels].
    """
    config = generator.config
    shape = (config.projected_len, config.projected_channels)
    count, width = ops.shape(z)[0], directions.shape[0]
    x = ops.reshape(generator.z_project(z), (-1, *shape))
    tangents = ops.reshape(ops.matmul(directions, generator.z_project.kernel), (1, width, *shape))
    tangents = ops.broadcast_to(tangents, (count, width, *shape))
    for i, layer in enumerate(generator.upconvs):
        if generator.norms:
            norm = generator.norms[i]
            x = norm(x, training=False)
            tangents = tangents * (norm.gamma * ops.rsqrt(norm.moving_variance + norm.epsilon))
        open_gates = ops.cast(x > 0, x.dtype)
        x = _upconv(layer, x * open_gates, config.strides[i]) + layer.bias
        tangents = _flat(lambda t, layer=layer, i=i: _upconv(layer, t, config.strides[i]), tangents * open_gates[:, None])
    audio = ops.tanh(x)
    tangents = tangents * (1 - audio**2)[:, None]
    if generator.pp_filt:
        audio, tangents = generator.pp_filt(audio), _flat(generator.pp_filt, tangents)
    return audio, tangents


def _upconv(layer, x, stride):
    """The linear part of `upconv_i`."""
    if hasattr(layer, "convolve"):
        return layer.convolve(x)
    return ops.conv(ops.repeat(x, stride, axis=1), ops.convert_to_tensor(layer.kernel), padding="same")


def _flat(function, tangents):
    """Apply a function of [batch, time, channels] to [batch, directions, time, channels]."""
    width, steps, channels = tangents.shape[1:]
    outputs = function(ops.reshape(tangents, (-1, steps, channels)))
    return ops.reshape(outputs, (-1, width, *outputs.shape[1:]))
