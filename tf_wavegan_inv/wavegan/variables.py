"""The official checkpoint's variable names and shapes."""

import re

from tf_wavegan_inv.errors import UserError
from tf_wavegan_inv.wavegan.config import SLICE_LENS, WaveGANConfig


def generator_variables(generator):
    """The Keras variables of a `Generator` by their names in the official code.

    Returns:
        dict of name, as in "G/upconv_0/conv2d_transpose/kernel", to variable. Shapes are ours: the transposed convolutions' kernels lack
        the official leading 1.
    """
    config = generator.config
    named = {"G/z_project/dense/kernel": generator.z_project.kernel, "G/z_project/dense/bias": generator.z_project.bias}
    op = "conv2d_transpose" if config.upsample == "zeros" else "conv1d"
    for i, layer in enumerate(generator.upconvs):
        named[f"G/upconv_{i}/{op}/kernel"] = layer.kernel
        named[f"G/upconv_{i}/{op}/bias"] = layer.bias
    for i, norm in enumerate(generator.norms):
        scope = "G/z_project" if i == 0 else f"G/upconv_{i - 1}"
        for ours in ("gamma", "beta", "moving_mean", "moving_variance"):
            named[f"{scope}/batch_normalization/{ours}"] = getattr(norm, ours)
    if generator.pp_filt:
        named["G/pp_filt/conv1d/kernel"] = generator.pp_filt.kernel
    return named


def discriminator_variables(discriminator):
    """The Keras variables of a `Discriminator` by their names in the official code."""
    named = {}
    for i, layer in enumerate(discriminator.downconvs):
        named[f"D/downconv_{i}/conv1d/kernel"] = layer.kernel
        named[f"D/downconv_{i}/conv1d/bias"] = layer.bias
    for i, norm in enumerate(discriminator.norms, 1):
        for ours in ("gamma", "beta", "moving_mean", "moving_variance"):
            named[f"D/downconv_{i}/batch_normalization/{ours}"] = getattr(norm, ours)
    named["D/output/dense/kernel"] = discriminator.dense.kernel
    named["D/output/dense/bias"] = discriminator.dense.bias
    return named


def projected_variables(projected):
    """The Keras variables of a `ProjectedDiscriminator` by names like the official ones, which have none for it."""
    named = {}
    for i, (head, centre, scale) in enumerate(zip(projected.heads, projected.centres, projected.scales, strict=True)):
        for j in range(3):
            layer = head.get_layer(f"conv_{j}")
            named[f"P/head_{i}/conv2d_{j}/kernel"] = layer.kernel
            named[f"P/head_{i}/conv2d_{j}/bias"] = layer.bias
        named[f"P/head_{i}/centre"] = centre
        named[f"P/head_{i}/scale"] = scale
    return named


def inverter_variables(inverter):
    """The Keras variables of an inverter by names like the official ones, which have none for it."""
    return {f"E/{variable.path}": variable for variable in inverter.weights}


def variables_of(model):
    """The variables of a generator, a discriminator of the waveform, one on features, or an inverter by their names."""
    for part, named in (("heads", projected_variables), ("upconvs", generator_variables), ("downconvs", discriminator_variables)):
        if hasattr(model, part):
            return named(model)
    return inverter_variables(model)


def official_shape(name, shape):
    """Shape of a variable of ours as the official code stores it."""
    return (1, *shape) if name.endswith("conv2d_transpose/kernel") else tuple(shape)


def config_from_shapes(shapes, slice_len=None, guess=lambda: None):
    """Read a generator's configuration off its variables.

    Args:
        shapes: dict of official name to shape; names outside "G/" and optimiser slots are ignored.
        slice_len: samples generated. Needed where the names cannot say: 32768 and 65536 have the same ones.
        guess: called for it where it is needed and None; may return None.

    Returns:
        WaveGANConfig.

    Raises:
        UserError: if there is no generator among the names, its layers fit no configuration, or the length is ambiguous.
    """
    shapes = {name: tuple(shape) for name, shape in shapes.items() if name.startswith("G/")}
    found = f"found {', '.join(sorted(shapes)[:8]) or 'no name that starts with G/'}"
    if "G/z_project/dense/kernel" not in shapes:
        raise UserError(f"No WaveGAN generator: variable G/z_project/dense/kernel is missing ({found}).")
    kernels = {}
    for name, shape in shapes.items():
        match = re.fullmatch(r"G/upconv_(\d+)/(conv2d_transpose|conv1d)/kernel", name)
        if match:
            kernels[int(match[1])] = (match[2], shape)
    if sorted(kernels) not in ([0, 1, 2, 3, 4], [0, 1, 2, 3, 4, 5]):
        raise UserError(f"A WaveGAN generator has 5 or 6 layers upconv_i with a kernel, this has {sorted(kernels)} ({found}).")
    ranks = {f"G/upconv_{i}/{op}/kernel": 4 if op == "conv2d_transpose" else 3 for i, (op, _) in kernels.items()}
    for name, rank in (ranks | {"G/z_project/dense/kernel": 2}).items():
        if len(shapes[name]) != rank:
            raise UserError(f"Variable {name} has shape {shapes[name]}, which no WaveGAN has.")
    op, first = kernels[0]
    upsample = "zeros" if op == "conv2d_transpose" else "nn"
    latent_dim, projected = shapes["G/z_project/dense/kernel"]
    last = kernels[len(kernels) - 1][1]
    pp = shapes.get("G/pp_filt/conv1d/kernel")
    return WaveGANConfig(
        latent_dim=latent_dim,
        dim=projected // 16 // (16 if len(kernels) == 5 else 32),
        kernel_len=first[-3],
        slice_len=_slice_len(len(kernels), slice_len, guess),
        channels=last[-2] if upsample == "zeros" else last[-1],
        batch_norm="G/z_project/batch_normalization/gamma" in shapes,
        upsample=upsample,
        pp_len=pp[0] if pp else 0,
    )


def _slice_len(layers, slice_len, guess):
    possible = SLICE_LENS[:1] if layers == 5 else SLICE_LENS[1:]
    if slice_len is None:
        if len(possible) == 1:
            return possible[0]
        slice_len = guess()
        if slice_len is None:
            raise UserError(
                f"A WaveGAN with 6 layers makes {possible[0]} or {possible[1]} samples, and its variables cannot say which: give slice_len "
                "(--slice-len), or put its args.txt or infer.meta beside it."
            )
    if slice_len not in possible:
        raise UserError(f"A WaveGAN with {layers} layers makes {' or '.join(map(str, possible))} samples, received slice_len={slice_len}.")
    return slice_len
