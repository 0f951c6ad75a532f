"""Write the generated parts of docs/reference from the code, so that they cannot drift.

python docs/generate_reference.py            # rewrite the pages
python docs/generate_reference.py --check    # exit code 1 if a page differs from the code

A generated part stands between `<!-- generated: NAME -->` and `<!-- end generated -->`; all other text of the page is kept.
"""

import argparse
import ast
import dataclasses
import os
import pathlib
import re
import sys

FOLDER = pathlib.Path(__file__).resolve().parent
ROOT = FOLDER.parent
if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))

PART = re.compile(r"(<!-- generated: ([\w-]+) -->\n)(.*?)(<!-- end generated -->)", re.DOTALL)

# Columns of CSV files that are not metrics. Metrics are described in tf_wavegan_inv/names.py.
COLUMN_TEXTS = {
    "path": "Recording, relative to the folder that was given.",
    "method": "Method of inversion: `inverter`, `gradient` or `hybrid`.",
    "status": "How the inversion ended; see the table of status values.",
    "objective": "Value of the recipe's objective at z.",
    "iterations": "Iterations of L-BFGS from the start that was kept; 0 for the inverter alone.",
    "evaluations": "Evaluations of the recipe's objective over all starts; 0 where z was exact without it.",
    "seconds": "The clip's share of its batch's time. Includes compilation, except with `--time-limit`.",
    "gain": "The clip is close to `gain` times the reconstruction. Differs from 1 only for synthesised clips that were peak-normalised. "
    "Distances are computed for the clip divided by the gain.",
    "distance": "Least squared error of the waveform that the search found, divided by the clip's power. Above 0.4, after a full "
    "search, the WaveGAN has no z for this waveform. Empty for `--method inverter`.",
    "label_predicted": "The classifier's label of the reconstruction; empty without a classifier.",
    "label_original": "The classifier's label of the clip; empty without a classifier.",
    "label_agreement": "1 if both labels are equal, 0 if not; empty without a classifier.",
    "pivot_relative_mse": "`relative_mse` of the tuned generator's audio; only with `--pivot`.",
    "pivot_log_spectral_distance": "`log_spectral_distance` of the tuned generator's audio; only with `--pivot`.",
    "z": "Path of the z file, relative to the output folder.",
    "reconstruction": "Path of the reconstruction, relative to the output folder.",
    "note": "What to know about the clip, or why it was skipped.",
    "recording": "Path of the recording.",
    "stamp": "Size and modification time of the recording. The same command inverts the recording again if they differ.",
}


def command_parts():
    """One table of arguments for each command of tf-wavegan-inv."""
    from tf_wavegan_inv import cli
    from tf_wavegan_inv.commands.common import HelpFormatter

    text = []
    for name, (module, summary) in cli.COMMANDS.items():
        parser = argparse.ArgumentParser(prog=f"tf-wavegan-inv {name}", formatter_class=HelpFormatter)
        module.add_arguments(parser)
        text += [f"## tf-wavegan-inv {name}\n\n{_sentence(summary)}\n\n{_arguments(parser)}\n"]
    return "\n".join(text)


def training_part():
    """The table of arguments of train_keras.py."""
    from tf_wavegan_inv.commands import train

    return f"{_arguments(train.parser())}\n"


def _arguments(parser):
    rows = []
    for action in parser._actions:
        if action.dest == "help" or action.help == argparse.SUPPRESS:
            continue
        text, default = _help_and_default(action)
        rows.append([f"`{_usage(action)}`", text, default])
    return _table(["argument", "description", "default"], rows)


def _usage(action):
    choices = "\\|".join(map(str, action.choices)) if action.choices else ""
    name = action.metavar or choices or action.dest.upper()
    if action.nargs == 0:
        return ", ".join(action.option_strings)
    values = " ".join(name) if isinstance(name, tuple) else name
    values = {"+": f"{values} ...", "*": f"[{values} ...]", "?": f"[{values}]"}.get(action.nargs, values)
    return f"{', '.join(action.option_strings)} {values}".strip()


def _help_and_default(action):
    text = action.help or ""
    found = re.fullmatch(r"(.*?) ?\(default: (.*)\)", text, re.DOTALL)
    if found:
        text, default = found[1], found[2]
    elif action.default is None or action.default is False or action.default == argparse.SUPPRESS:
        default = ""
    else:
        default = f"`{action.default}`"
    default = _relative(default)
    return _sentence(_relative(text)), f"`{default}`" if "/" in default and "`" not in default else default


def _relative(text):
    return text.replace(f"{ROOT}{os.sep}", "")


def recipes_part():
    """Every option of a recipe, by section, with the values of the bundled recipes."""
    from tf_wavegan_inv.recipe import Recipe, load_recipe, recipe_names

    names = sorted(recipe_names(), key=lambda name: (name != "best", name))
    recipes = [load_recipe(name) for name in names]
    sections = [field for field in dataclasses.fields(Recipe) if field.name != "name"]
    text = [
        _section(field.name, field.type, {n: getattr(r, field.name) for n, r in zip(names, recipes, strict=True)}) for field in sections
    ]
    return "\n".join(text)


def _section(title, options, values):
    """The table of one section of a recipe, and those of the sections in it; `values`: dict of recipe name to the section's values."""
    texts, rows, inner = _attributes(options.__doc__), [], []
    for option in dataclasses.fields(options):
        own = {name: getattr(value, option.name) for name, value in values.items()}
        if dataclasses.is_dataclass(option.default):
            inner.append(_section(f"{title}.{option.name}", type(option.default), own))
        else:
            cells = map(_toml, (option.default, *own.values()))
            text = re.sub(r" Default:? .*", "", texts.get(option.name, ""))  # a column has the default
            rows.append([f"`{option.name}`", _sentence(text), *cells])
    table = _table(["option", "description", "default", *values], rows)
    return "\n".join([f"## [{title}]\n\n{options.__doc__.strip().splitlines()[0]}\n\n{table}\n", *inner])


def _attributes(doc):
    """The descriptions under "Attributes:" of a docstring, by name; one line may describe several names."""
    found, names = {}, []
    lines = doc.partition("Attributes:")[2].splitlines()
    indent = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
    for line in lines:
        head = re.match(r"([\w, ]+): (.*)", line.strip())
        if head and len(line) - len(line.lstrip()) == indent:
            names = head[1].split(", ")
            found |= {name: head[2] for name in names}
        elif line.strip():
            found |= {name: f"{found[name]} {line.strip()}" for name in names}
    return found


def _toml(value):
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, str):
        return f'`"{value}"`'
    if isinstance(value, (tuple, list)):
        return f"`[{', '.join(map(_bare, value))}]`" if value else "`[]`"
    return f"`{value}`"


def _bare(value):
    return f'"{value}"' if isinstance(value, str) else str(value)


def inversions_part():
    """The columns of inversions.csv."""
    from tf_wavegan_inv.commands.table import COLUMNS

    return _columns(COLUMNS)


def _columns(columns):
    from tf_wavegan_inv.names import NAMES, column

    metrics = {column(name): _sentence(text) for name, text in NAMES.items()}
    texts = metrics | COLUMN_TEXTS
    unknown = [name for name in columns if name not in texts]
    if unknown:
        sys.exit(f"Columns {unknown} have no description: add it to COLUMN_TEXTS in {__file__}.")
    return _table(["column", "description"], [[f"`{name}`", texts[name]] for name in columns]) + "\n"


def names_part():
    """The names of losses and metrics, by group."""
    from tf_wavegan_inv.names import NAMES, column

    rows = [[f"`{name}`", f"`{column(name)}`", _sentence(text)] for name, text in NAMES.items()]
    return _table(["name", "column", "meaning"], rows) + "\n"


def api_part():
    """Signatures and docstrings of the public names, read from the source without importing it."""
    package = ROOT / "tf_wavegan_inv"
    homes = ast.literal_eval(_assignment(ast.parse((package / "__init__.py").read_text(encoding="utf-8")), "_HOMES"))
    text = []
    for name in sorted(homes, key=str.lower):
        tree = ast.parse((package / f"{homes[name].replace('.', '/')}.py").read_text(encoding="utf-8"))
        node = next(node for node in tree.body if getattr(node, "name", None) == name)
        text.append(_api_entry(node, f"tf_wavegan_inv.{name}"))
        if isinstance(node, ast.ClassDef):
            calls = [method for method in node.body if getattr(method, "name", None) == "__call__"]
            text += [_api_entry(method, f"tf_wavegan_inv.{name}.__call__", level=3) for method in calls if ast.get_docstring(method)]
    return "\n".join(text)


def _assignment(tree, name):
    return next(n.value for n in tree.body if isinstance(n, ast.Assign) and getattr(n.targets[0], "id", None) == name)


def _api_entry(node, name, level=2):
    short = name.removeprefix("tf_wavegan_inv.")
    signature = name
    arguments = node if isinstance(node, ast.FunctionDef) else _constructor(node)
    if arguments is not None:
        unparsed = ast.unparse(arguments.args).removeprefix("self, ").removeprefix("self")
        signature = f"{name}({unparsed})"
    doc = _markdown(ast.get_docstring(node) or "")
    return f"{'#' * level} {short}\n\n```python\n{signature}\n```\n\n{doc}\n"


def _constructor(node):
    return next((n for n in node.body if isinstance(n, ast.FunctionDef) and n.name == "__init__"), None)


def _markdown(doc):
    """A Google-style docstring as Markdown: its sections become lists."""
    lines, in_list, in_code = [], False, False
    for line in doc.splitlines():
        if in_code != (line.lstrip().startswith(">>>") or (in_code and bool(line.strip()))):
            in_code = not in_code
            lines.append("```pycon" if in_code else "```")
        if in_code:
            lines.append(line.strip())
            continue
        section = re.fullmatch(r"(Args|Returns|Raises|Attributes|Example):", line)
        entry = re.fullmatch(r" {4}(\w[\w, ]*): (.*)", line)
        if section:
            lines += [f"**{section[1]}**", ""]
            in_list = section[1] != "Returns"
        elif in_list and entry:
            lines.append(f"- `{entry[1]}`: {entry[2]}")
        elif in_list and line.startswith("    "):
            lines.append(f"  {line.strip()}")
        else:
            lines.append(line.strip())
    return "\n".join([*lines, "```"] if in_code else lines).strip()


def modules_part():
    """One table of modules for each package, with the first line of each docstring."""
    package = ROOT / "tf_wavegan_inv"
    text = []
    for folder in (package, *sorted(path.parent for path in package.glob("*/__init__.py"))):
        rows = []
        for path in sorted(folder.glob("*.py")):
            doc = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
            if path.name != "__init__.py":
                rows.append([f"`{path.name}`", _sentence(doc.partition("\n\n")[0])])
        text.append(f"### {folder.relative_to(ROOT).as_posix()}/\n\n{_table(['module', 'content'], rows)}\n")
    return "\n".join(text)


def _sentence(text):
    """A help text as a table's cell: a capital first, a full stop last."""
    text = " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")
    if not text:
        return ""
    if re.match(r"a |[a-z]{2,}(?![\w.])", text):  # a word, not a name such as tf.data or z
        text = text[0].upper() + text[1:]
    return text if text.endswith((".", ":", "?")) else f"{text}."


def _table(heads, rows):
    lines = [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
    return "\n".join(lines + [f"| {' | '.join(row)} |" for row in rows])


PARTS = {
    "commands": command_parts,
    "training": training_part,
    "recipes": recipes_part,
    "inversions": inversions_part,
    "names": names_part,
    "api": api_part,
    "modules": modules_part,
}


def updated_pages():
    """dict of path to its text as it should be, for every page with generated parts."""
    pages = {}
    for path in sorted(FOLDER.glob("reference/*.md")):
        text = path.read_text(encoding="utf-8")
        if PART.search(text):
            pages[path] = PART.sub(lambda found: f"{found[1]}\n{PARTS[found[2]]()}\n{found[4]}", text)
    return pages


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; exit code 1 if a page differs from the code")
    check = parser.parse_args().check
    differing = {path: text for path, text in updated_pages().items() if path.read_text(encoding="utf-8") != text}
    for path, text in differing.items():
        print(f"{'differs' if check else 'written'}: {path.relative_to(ROOT)}")
        if not check:
            path.write_text(text, encoding="utf-8")
    return 1 if check and differing else 0


if __name__ == "__main__":
    sys.exit(main())
