"""Train the classifier, the inverter, or all. See `python train_keras.py --help`."""

import sys

from tf_wavegan_inv.commands.train import main

if __name__ == "__main__":
    sys.exit(main())
