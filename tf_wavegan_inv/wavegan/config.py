"""What defines a WaveGAN, and what follows from it."""

import dataclasses
import math

from tf_wavegan_inv.errors import UserError

SLICE_LENS = (16384, 32768, 65536)
UPSAMPLE_MODES = ("zeros", "nn")


@dataclasses.dataclass(frozen=True)
class WaveGANConfig:
    """The architecture of a WaveGAN generator, in the official code's terms (`wavegan.py`, `train_wavegan.py`).

    Attributes:
        latent_dim: size of z.
        dim: base width; layers have multiples of it.
        kernel_len: length of the convolution kernels in samples, odd or even.
        slice_len: samples generated, one of 16384, 32768, 65536.
        channels: audio channels.
        batch_norm: whether all layers but the last are batch-normalised.
        upsample: "zeros" (transposed convolution) or "nn" (repeat, then convolve).
        pp_len: length of the post-processing filter, 0 for none.

    Raises:
        UserError: if a value is outside the above.
    """

    latent_dim: int = 100
    dim: int = 64
    kernel_len: int = 25
    slice_len: int = 16384
    channels: int = 1
    batch_norm: bool = False
    upsample: str = "zeros"
    pp_len: int = 0

    def __post_init__(self):
        for name in ("latent_dim", "dim", "kernel_len", "channels"):
            if getattr(self, name) < 1:
                raise UserError(f"WaveGAN's {name} must be at least 1, received {getattr(self, name)}.")
        if self.slice_len not in SLICE_LENS:
            raise UserError(f"WaveGAN's slice_len must be one of {SLICE_LENS}, received {self.slice_len}.")
        if self.upsample not in UPSAMPLE_MODES:
            raise UserError(f"WaveGAN's upsample must be one of {UPSAMPLE_MODES}, received {self.upsample!r}.")
        if self.pp_len < 0:
            raise UserError(f"WaveGAN's pp_len must be 0 (no filter) or more, received {self.pp_len}.")

    @property
    def strides(self):
        """Upsampling factor of each `upconv_i`."""
        return {16384: (4,) * 5, 32768: (4,) * 5 + (2,), 65536: (4,) * 6}[self.slice_len]

    @property
    def filters(self):
        """Output channels of each `upconv_i`."""
        widest = self.projected_channels // 2
        return (*(widest // 2**i for i in range(len(self.strides) - 1)), self.channels)

    @property
    def audio_channels(self):
        """Channels of the audio: the post-processing filter makes one of all."""
        return 1 if self.pp_len else self.channels

    @property
    def projected_len(self):
        """Time steps after `z_project`: always 16."""
        return self.slice_len // math.prod(self.strides)

    @property
    def projected_channels(self):
        """Channels after `z_project`."""
        return self.dim * (16 if self.slice_len == 16384 else 32)
