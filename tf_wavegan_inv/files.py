"""Files that appear whole or not at all, and checksums."""

import contextlib
import glob
import hashlib
import json
import os
import pathlib
import socket

import numpy as np

ENCODING = {"encoding": "utf-8", "errors": "surrogateescape"}  # of text with names of files, which may be no UTF-8


@contextlib.contextmanager
def replacing(path):
    """Give a path beside `path` to write to; it takes `path`'s place when the block ends, and is removed if the block fails."""
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    host = socket.gethostname().encode()  # folders may be shared by machines
    short = hashlib.sha256(host + os.fsencode(path.name)).hexdigest()[:16]  # the name itself may be as long as names can be
    partial = path.with_name(f".{short}.{os.getpid()}.partial{path.suffix}")
    try:
        yield partial
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def write_text(path, text):
    with replacing(path) as partial:
        partial.write_text(text, **ENCODING)


def write_json(path, value):
    write_text(path, json.dumps(value, indent=2, default=str) + "\n")


def write_npy(path, array):
    with replacing(path) as partial, open(partial, "wb") as file:
        np.save(file, array)


def stamp(path):
    """What tells a file from what it was before, or from another: its size and time of change."""
    status = os.stat(path)
    return f"{status.st_size}-{status.st_mtime_ns}"


def checksum(path):
    """SHA-256 of a file, or of a checkpoint prefix's files together; 16 hex digits."""
    path = pathlib.Path(path)
    name = glob.escape(path.name)
    files = [path] if path.is_file() else [*sorted(path.parent.glob(f"{name}.data-*")), *path.parent.glob(f"{name}.index")]
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]
