"""The strided convolutions of WaveGAN as ordinary ones, which CPUs and compilers run several times faster.

A transposed convolution with stride s spends most of its taps on the zeros that it inserts; a strided one reads its input in an order that
hardware dislikes. Both become stride-1 convolutions with about kernel_len / s taps by moving time into channels: the output phases of
the one are channels that are interleaved afterwards (polyphase decomposition; Vaidyanathan, "Multirate Systems and Filter Banks", 1993,
section 4.3), the input phases of the other are channels from the start (space to depth). Each is the other's transpose.
"""

from keras import ops

# Up to so many time steps, and from so many inputs a tap on, a matrix product of the unfolded input beats the convolution, and its gradient
# to the kernel even more (2 to 4 times; benchmarks/wavegan_step.py).
UNFOLD_STEPS = 24
UNFOLD_CHANNELS = 512


def correlate(inputs, kernel):
    """Cross-correlation with stride 1 and no padding: [batch, time, in] by [taps, in, out] -> [batch, time - taps + 1, out]."""
    taps, channels, filters = kernel.shape
    if inputs.shape[1] > UNFOLD_STEPS or channels < UNFOLD_CHANNELS:
        return ops.conv(inputs, kernel, padding="valid")
    steps = inputs.shape[1] - taps + 1
    unfolded = ops.concatenate([inputs[:, tap : tap + steps] for tap in range(taps)], axis=2)
    outputs = ops.matmul(ops.reshape(unfolded, (-1, taps * channels)), ops.reshape(kernel, (taps * channels, filters)))
    return ops.reshape(outputs, (-1, steps, filters))


def polyphase_kernel(kernel, stride):
    """Rearrange a transposed convolution's kernel for `upsample`.

    Args:
        kernel: [kernel_len, out, in], as the official checkpoints store it.
        stride: upsampling factor s.

    Returns:
        [taps, in, s * out].
    """
    kernel_len, out_channels, in_channels = kernel.shape
    first, last, lead = _phases(kernel_len, stride)
    taps = last - first + 1
    padded = ops.pad(kernel, [[lead, stride * taps - lead - kernel_len], [0, 0], [0, 0]])
    phases = ops.flip(ops.reshape(padded, (taps, stride, out_channels, in_channels)), axis=0)
    return ops.reshape(ops.transpose(phases, (0, 3, 1, 2)), (taps, in_channels, stride * out_channels))


def upsample(inputs, phases, kernel_len, stride):
    """Transposed convolution, "same" padding: [batch, time, in] -> [batch, s * time, out].

    Args:
        inputs: [batch, time, in].
        phases: `polyphase_kernel` of a kernel of `kernel_len`.
        kernel_len: of the transposed convolution.
        stride: upsampling factor s.
    """
    first, last, _ = _phases(kernel_len, stride)
    outputs = correlate(ops.pad(inputs, [[0, 0], [last, -first], [0, 0]]), phases)
    return ops.reshape(outputs, (-1, stride * inputs.shape[1], phases.shape[2] // stride))


def _phases(kernel_len, stride):
    """The transposed convolution puts kernel[s * d + r + crop] of input q - d on output s * q + r, for d in first..last.

    Returns first, last, and how many zeros precede the kernel's first tap in phase 0 of d = first.
    """
    crop = max(kernel_len - stride, 0) // 2
    last = (kernel_len - 1 - crop) // stride
    first = -((stride - 1 + crop) // stride)
    return first, last, -(stride * first + crop)


def depth_kernel(kernel, stride):
    """Rearrange a strided convolution's kernel for `downsample`: [kernel_len, in, out] -> [taps, s * in, out]."""
    kernel_len, in_channels, filters = kernel.shape
    _, lead, taps = _depth(kernel_len, stride)
    padded = ops.pad(kernel, [[lead, stride * taps - lead - kernel_len], [0, 0], [0, 0]])
    return ops.reshape(padded, (taps, stride * in_channels, filters))


def downsample(inputs, kernel, kernel_len, stride):
    """Strided convolution, "same" padding: [batch, s * time, in] -> [batch, time, out].

    Args:
        inputs: [batch, s * time, in].
        kernel: `depth_kernel` of a kernel of `kernel_len`.
        kernel_len: of the strided convolution.
        stride: s.
    """
    left, lead, taps = _depth(kernel_len, stride)
    before = (left + lead) // stride
    inputs = ops.reshape(inputs, (-1, inputs.shape[1] // stride, stride * inputs.shape[2]))
    return correlate(ops.pad(inputs, [[0, 0], [before, taps - 1 - before], [0, 0]]), kernel)


def _depth(kernel_len, stride):
    """Zeros before the input, zeros before the kernel that make those whole steps, and taps then."""
    left = max(kernel_len - stride, 0) // 2
    lead = -left % stride
    return left, lead, -(-(kernel_len + lead) // stride)
