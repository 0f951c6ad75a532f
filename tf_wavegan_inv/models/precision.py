"""Where half precision does not reach: spectrograms, outputs and losses."""

import keras

HALVES = ("float16", "bfloat16")


def full_precision():
    """float32 under a mixed-precision policy, else the policy's own type: the dtype for layers that must not be halved."""
    compute_dtype = keras.config.dtype_policy().compute_dtype
    return "float32" if compute_dtype in HALVES else compute_dtype


def in_full_precision(tensor):
    """The tensor as float32 where it is float16 or bfloat16."""
    return keras.ops.cast(tensor, "float32") if keras.backend.standardize_dtype(tensor.dtype) in HALVES else tensor
