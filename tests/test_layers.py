"""Imports run downwards only: each layer of the package imports nothing above it, nor beside it."""

import ast
import pathlib

import tf_wavegan_inv

ROOT = pathlib.Path(tf_wavegan_inv.__file__).parent
LAYERS = (  # from the top; packages of one layer do not import each other
    ("cli",),
    ("commands",),
    ("beam", "serving", "exploration", "training"),
    ("evaluation",),
    ("inversion",),
    ("metrics",),
    ("wavegan",),
    ("models",),
    ("losses",),
    ("audio",),
)
LEVELS = {name: level for level, names in enumerate(LAYERS) for name in names}  # all other modules of the root lie below


def home(parts):
    """The package or root module that a module's path lies in, and its level."""
    return parts[0], LEVELS.get(parts[0], len(LAYERS))


def imports(path):
    """The modules of this package that a file imports, as tuples of names below the root."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "tf_wavegan_inv":
            below = tuple(node.module.split(".")[1:])
            yield from [below] if below else [(alias.name,) for alias in node.names]


def test_imports_run_downwards():
    upward = []
    for path in sorted(ROOT.rglob("*.py")):
        here, level = home(path.relative_to(ROOT).with_suffix("").parts)
        for module in imports(path):
            there, other = home(module)
            if (there != here and other <= level < len(LAYERS)) or other < level == len(LAYERS):
                upward.append(f"{path.relative_to(ROOT)} imports {'.'.join(module)}")
    assert not upward
