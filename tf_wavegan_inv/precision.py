"""Where half precision does not reach: spectrograms, outputs and losses."""

import keras

HALVES = ("float16", "bfloat16")
WHOLE = ("audio", "spectrogram", "logits", "probabilities", "z")  # layers of classifier and inverter that are never halved


def full_precision():
    """float32 under a mixed-precision policy, else the policy's own type: the dtype for layers that must not be halved."""
    compute_dtype = keras.config.dtype_policy().compute_dtype
    return "float32" if compute_dtype in HALVES else compute_dtype


def set_precision(model):
    """Let a trained classifier or inverter compute in the global policy's precision instead of the one it was saved with."""
    policy = keras.config.dtype_policy()
    for layer in model.layers:
        halved = policy.compute_dtype in HALVES and layer.name not in WHOLE
        layer.dtype_policy = policy if halved else "float32"


def in_full_precision(tensor):
    """The tensor as float32 if it is float16 or bfloat16."""
    return keras.ops.cast(tensor, "float32") if keras.backend.standardize_dtype(tensor.dtype) in HALVES else tensor
