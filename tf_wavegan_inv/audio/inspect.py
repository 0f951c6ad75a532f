"""Which files can be used, and what is wrong with the others."""

import concurrent.futures
import dataclasses
import re

import numpy as np
import soundfile

from tf_wavegan_inv.audio.decode import MAX_SECONDS, decoder_of, tensorflow_io
from tf_wavegan_inv.audio.folders import Clip
from tf_wavegan_inv.errors import UserError

SILENCE_PEAK = 1e-4  # -80 dB
RATES = (4000, 384000)


@dataclasses.dataclass(frozen=True)
class Recording:
    """A clip that can be used.

    Attributes:
        clip: the `Clip`.
        decoder: name of its decoder.
        rate: its rate in Hz.
        seconds: its length.
        channels: its channels.
        source: what its decoder reads; "" for the clip's own file.
    """

    clip: Clip
    decoder: str
    rate: int
    seconds: float
    channels: int
    source: str = ""


@dataclasses.dataclass(frozen=True)
class Skipped:
    """A clip that cannot be used, and why."""

    clip: Clip
    reason: str


def inspect_clip(clip):
    """Read one file whole and check it.

    Returns:
        Recording.

    Raises:
        UserError: if the file is missing, empty, damaged, cut short, silent, of a rate outside 4-384 kHz, or holds NaN.
    """
    if clip.path.is_dir():
        raise UserError(f"{clip.path}: a folder, not a file.")
    if not clip.path.is_file():
        raise UserError(f"{clip.path}: no such file.")
    if clip.path.stat().st_size == 0:
        raise UserError(f"{clip.path}: the file is empty (0 bytes).")
    _, file = read_checked(clip.path, clip.path)
    return Recording(clip, decoder_of(file), file.samplerate, file.frames / file.samplerate, file.channels)


def read_checked(source, name):
    """Read one file whole, at most `MAX_SECONDS` of it, and check it.

    Args:
        source: path, or an open binary file.
        name: for messages.

    Returns:
        float32 [samples, channels], and the `soundfile.SoundFile`, closed.

    Raises:
        UserError: if it is damaged, cut short, silent, of a rate outside 4-384 kHz, or holds NaN.
    """
    try:
        with soundfile.SoundFile(source) as file:
            _check_whole(name, file)
            samples = file.read(int(MAX_SECONDS * file.samplerate), dtype="float32", always_2d=True)
            expected = min(file.frames, int(MAX_SECONDS * file.samplerate))
    except UnicodeError:
        raise UserError(f"{name!s}: its name is no valid UTF-8; rename the file.".encode(errors="backslashreplace").decode()) from None
    except (soundfile.LibsndfileError, RuntimeError, TypeError, OSError) as error:
        raise UserError(f"{name}: not readable as audio ({_reason(error)}).") from None
    if len(samples) < expected:
        raise UserError(f"{name}: cut short or damaged, {len(samples)} of {expected} samples can be decoded.")
    check_samples(name, samples, file.samplerate)
    return samples, file


def _check_whole(name, file):
    """libsndfile reads a WAV with missing data silently, but its log tells."""
    match = re.search(r"data : (\d+) \(should be (\d+)\)", file.extra_info)
    if match and int(match[2]) < int(match[1]) < 2**31 - 1:  # 0, -1: streamed, length unknown
        raise UserError(f"{name}: cut short, its header tells of {match[1]} bytes of samples and {match[2]} are there.")


def check_samples(name, samples, rate):
    """Raise UserError if samples [samples, channels] are none, NaN or silent, or the rate is not one of audio."""
    if not samples.size:
        raise UserError(f"{name}: holds no samples.")
    if not RATES[0] <= rate <= RATES[1]:
        raise UserError(f"{name}: its rate of {rate} Hz is outside {RATES[0]}-{RATES[1]} Hz; resample it, or mend its header.")
    bad = int(np.size(samples) - np.isfinite(samples).sum())
    if bad:
        raise UserError(f"{name}: {bad} of {samples.size} samples are NaN or infinite.")
    peak = float(np.abs(samples.mean(axis=1)).max())  # of the mean, which is what is used: channels may cancel out
    if peak < SILENCE_PEAK:
        raise UserError(f"{name}: silent (peak {peak:.1e}, at least {SILENCE_PEAK:.0e} is needed).")


def _reason(error):
    return str(error).rpartition(": ")[2].rstrip(".") or type(error).__name__


def inspect_clips(clips, progress=None):
    """Check clips in parallel.

    Args:
        clips: list of Clip.
        progress: called with (done, total) as files are done.

    Returns:
        list of Recording and list of Skipped, each in the order of `clips`.
    """
    tensorflow_io()  # loads once, before the threads start
    recordings, skipped = [], []
    with concurrent.futures.ThreadPoolExecutor() as pool:
        for done, outcome in enumerate(pool.map(_inspect_or_skip, clips), 1):
            (skipped if isinstance(outcome, Skipped) else recordings).append(outcome)
            if progress:
                progress(done, len(clips))
    return recordings, skipped


def _inspect_or_skip(clip):
    try:
        return inspect_clip(clip)
    except UserError as error:
        return Skipped(clip, str(error))
