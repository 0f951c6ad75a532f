"""The models and clips that come with the package: what every command uses unless told otherwise."""

import pathlib

_PACKAGE = pathlib.Path(__file__).parent
# In a wheel the top-level folders checkpoints/ and data/ are inside the package (setup.cfg); in the source tree beside it.
_ROOT = _PACKAGE / "bundled" if (_PACKAGE / "bundled").is_dir() else _PACKAGE.parent

WAVEGAN = _ROOT / "checkpoints" / "digits-gan" / "model.ckpt"
CLASSIFIER = _ROOT / "checkpoints" / "digits-classifier"
INVERTER = _ROOT / "checkpoints" / "digits-inverter"
DATA = _ROOT / "data" / "digits"
