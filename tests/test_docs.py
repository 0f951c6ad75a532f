"""The documentation: its commands run, its options exist, its reference equals the code, its prose follows the style.

Every ```sh block runs in a folder with invented data, each page in a test of its own, unless a comment above the block excludes it:

    <!-- test: parse only, REASON -->         the options are parsed, the commands do not run
    <!-- test: compile only, REASON -->       the same for a ```python block

`python -m tests.test_docs` prints the commands that do not run.
"""

import argparse
import contextlib
import dataclasses
import html
import pathlib
import re
import runpy
import shlex
import shutil
import subprocess
import sys
import types

import pytest

ROOT = pathlib.Path(__file__).parent.parent
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted(ROOT.glob("checkpoints/*/README.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]
QUICK = ("README.md", "docs/how-to/load-and-convert-checkpoints.md")  # pages whose commands run in the fast tests
PARSED_BY_CI = {"main command": "installs from the network", "test command": "installs from the network"}
BLOCK = re.compile(r"(?:^<!-- (?P<comment>[^\n]*) -->\n)?^(?P<indent> *)```(?P<language>sh|python)\n(?P<text>.*?)^ *```$", re.M | re.S)
INLINE = re.compile(r"`([^`\n]+)`")

# Options that shorten a command; argparse takes the last of two values.
SHORTER = {
    "invert": ["--method", "inverter"],
    "evaluate": ["--count", "2", "--methods", "inverter", "hybrid", "--recipe", "short.toml"],
    "export": ["--no-warmup"],
    "beam": ["--max-iterations", "2", "--method", "inverter"],
    "classifier": ["--epochs", "1", "--batch-size", "4"],
    "inverter": ["--epochs", "1", "--batch-size", "4"],
    "all": ["--epochs", "1", "--batch-size", "4", "--count", "2"],
    "wavegan": ["--batch-size", "2"],
    "benchmarks/wavegan_samples.py": ["--count", "8", "--splits", "2"],
    "benchmarks/reading.py": ["--share", "1.0"],
}
SHORTER_PYTHON = {'method="hybrid"': 'method="inverter"'}
LABELS = ("Zero", "One", "Two", "Three")


@dataclasses.dataclass(frozen=True)
class Block:
    """One block of code: where it stands, its language, its text, and why it does not run ("" if it runs)."""

    page: str
    line: int
    language: str
    text: str
    excluded: str


def blocks(page):
    """The blocks of one page, in order."""
    text = page.read_text(encoding="utf-8")
    for found in BLOCK.finditer(text):
        comment = found["comment"] or ""
        marked = re.fullmatch(r"test: (?:parse|compile) only, (.+)", comment)
        excluded = marked[1] if marked else PARSED_BY_CI.get(comment, "")
        line = text[: found.start("language")].count("\n") + 1
        lines = [line.removeprefix(found["indent"]) for line in found["text"].splitlines()]
        yield Block(page.relative_to(ROOT).as_posix(), line, found["language"], "\n".join(lines), excluded)


def all_blocks(language):
    return [block for page in PAGES for block in blocks(page) if block.language == language]


def commands(text):
    """The commands of a shell block, each a list of words, without the assignments of environment variables before it."""
    for line in text.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        while words:
            end = words.index("&&") if "&&" in words else len(words)
            command, words = words[:end], words[end + 1 :]
            while re.match(r"[A-Z_]+=", command[0]):
                command = command[1:]
            yield command


class ParsedError(Exception):
    """Raised in place of a script's work once its options are parsed."""


def parse(command):
    """Parse a command by the parser of its program. Raises SystemExit if it refuses the options, LookupError if it is unknown."""
    program, *options = command
    name = program.rpartition("/")[2]
    if name in ("python", "python3"):
        return parse_python(options)
    if name == "tf-wavegan-inv":
        from tf_wavegan_inv.cli import parser

        return parser().parse_args(options)
    if name == "sbatch":
        assert (ROOT / options[0]).is_file()
        return parse_python(["train_keras.py", *options[1:]])
    return PARSERS[name](options)


def parse_python(options):
    script, *rest = options
    if script in ("-m", "-c"):
        assert rest[0] in ("venv", "pytest", "build") or script == "-c", rest
    elif script == "train_keras.py":
        from tf_wavegan_inv.commands.train import parser

        parser().parse_args(rest)
    else:
        parse_script(script, rest)


def parse_script(script, options):
    """Run a script until its parser has parsed the options."""
    parse_args, before = argparse.ArgumentParser.parse_args, sys.argv

    def parse_and_stop(self, args=None, namespace=None):
        parse_args(self, args, namespace)
        raise ParsedError

    sys.argv, argparse.ArgumentParser.parse_args = [script, *options], parse_and_stop
    try:
        runpy.run_path(str(ROOT / script), run_name="__main__")
    except ParsedError:
        return
    finally:
        sys.argv, argparse.ArgumentParser.parse_args = before, parse_args
    raise AssertionError(f"{script} parses no options")


def parse_pip(options):
    """The extras that are named exist, the files too."""
    import configparser

    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    for option in options:
        for extra in re.findall(r"\[([\w,]+)\]", option):
            assert set(extra.split(",")) <= set(setup["options.extras_require"]), option
        assert not option.endswith(".txt") or (ROOT / option).is_file()


def parse_tensorboard(options):
    from tensorboard.plugins.core.core_plugin import CorePluginLoader

    parser = argparse.ArgumentParser()
    CorePluginLoader().define_flags(parser)
    parser.parse_args(options)


def parse_saved_model_cli(options):
    from tensorflow.python.tools.saved_model_cli import create_parser

    create_parser().parse_args(options)


def files_exist(options):
    assert all((ROOT / option).exists() for option in options if option.startswith("docs/"))


# Programs of others. What has no parser in Python is not checked further.
PARSERS = {
    "pip": parse_pip,
    "tensorboard": parse_tensorboard,
    "saved_model_cli": parse_saved_model_cli,
    "kubectl": files_exist,
    **dict.fromkeys(("git", "cd", ".", "docker", "mkdocs", "pre-commit", "run"), files_exist),
}


def test_options_of_every_command_are_known(capsys):
    refused = []
    for block in all_blocks("sh"):
        for command in commands(block.text):
            try:
                parse(command)
            except (SystemExit, LookupError, AssertionError) as error:
                refused.append(f"{block.page}:{block.line}: {shlex.join(command)}: {error!r} {capsys.readouterr().err.strip()}")
    assert not refused, "\n".join(refused)
    with capsys.disabled():
        print(f"\n{not_run()}")


def not_run():
    """The commands that do not run, one line each, with the reason."""
    lines = ["Commands of the documentation that are parsed, not run:"]
    for language in ("sh", "python"):
        for block in all_blocks(language):
            if block.excluded:
                texts = [shlex.join(command) for command in commands(block.text)] if language == "sh" else [block.text.splitlines()[-1]]
                lines += [f"  {block.page}:{block.line} ({block.excluded}): {text}" for text in texts]
    return "\n".join(lines)


def known_options():
    """dict of command, as the documentation writes it, to the options that it has."""
    from tf_wavegan_inv.cli import parser
    from tf_wavegan_inv.commands import train

    subparsers = next(a for a in parser()._actions if isinstance(a, argparse._SubParsersAction)).choices
    known = {f"tf-wavegan-inv {name}": sub for name, sub in subparsers.items()} | {"train_keras.py": train.parser()}
    return {name: {option for action in p._actions for option in action.option_strings} for name, p in known.items()}


def test_options_in_the_text_exist():
    known = known_options()
    everything = set().union(*known.values()) | {"--enable_batching", "--check"}
    unknown = []
    for page in PAGES:
        text = BLOCK.sub("", page.read_text(encoding="utf-8"))
        for code in INLINE.findall(text):
            command = next((name for name in known if code.startswith((name, f"python {name}"))), None)
            options = re.findall(r"(?<!\S)--[a-z][\w-]*", code.partition(" -- ")[0])
            if code.startswith("python benchmarks") or "pip" in code or "mkdocs" in code:
                continue
            unknown += [f"{page.relative_to(ROOT)}: {code}" for o in options if o not in (known[command] if command else everything)]
    assert not unknown, "\n".join(unknown)


def invent(folder):
    """Fill a folder with what the documentation's commands take: recordings, data sets, checkpoints, generators, recipes."""
    import keras
    import numpy as np
    import soundfile

    random = np.random.default_rng(0)

    def record(path, seconds=0.8, rate=16000):
        path.parent.mkdir(parents=True, exist_ok=True)
        time = np.arange(int(seconds * rate)) / rate
        tone = sum(np.sin(2 * np.pi * k * random.uniform(90, 220) * time) / k for k in range(1, 12))
        soundfile.write(path, 0.2 * np.hanning(len(time)) * tone + random.normal(0, 1e-3, len(time)), rate)

    record(folder / "my.wav", rate=44100)
    for number, label in enumerate(LABELS):
        record(folder / "my_clips" / f"{label}_ann_{number}.wav")
        record(folder / "DRUMS" / f"{number}.wav", seconds=5)
        record(folder / "originals" / f"{number}.wav")
        record(folder / "reconstructions" / f"{number}.wav")
        for split, speaker in (("train", "ann"), ("train", "ben"), ("valid", "eve"), ("test", "zoe")):
            record(folder / "SC09" / split / f"{label}_{speaker}_0.wav")
    (folder / "DIGITS").symlink_to(folder / "SC09")
    golden = ROOT / "tests" / "golden"
    for target in (folder, folder / "path/to"):
        target.mkdir(parents=True, exist_ok=True)
        for file in (golden / "a_default").glob("model.ckpt.*"):
            shutil.copy(file, target)
    shutil.copytree(golden / "trained", folder / "official/train")
    for name in ("checkpoints", "benchmarks", "data", "train_keras.py", "docs"):
        (folder / name).symlink_to(ROOT / name)
    generator = keras.Sequential([keras.Input((6,)), keras.layers.Dense(8, "tanh"), keras.layers.Dense(16384, "tanh")])
    generator.export(folder / "made", verbose=False)
    (folder / "short.toml").write_text(
        'extends = "digits"\n[inversion]\ngradient_iterations = 1\ngradient_starts = 1\nhybrid_iterations = 1\n'
        "[inversion.exact]\nrounds = 0\n"
    )
    for page, name in (("write-a-recipe", "my.toml"), ("train-a-wavegan", "drums.toml")):
        text = (ROOT / "docs/how-to" / f"{page}.md").read_text(encoding="utf-8")
        (folder / name).write_text(re.search(r"```toml\n(.*?)```", text, re.S)[1])
    return folder


def shortened(command):
    """A command with options that make it short, and the function that runs it."""
    program, *options = command
    if program == "tf-wavegan-inv":
        extra = SHORTER.get(options[0], [])
        if options[0] == "invert" and "--pivot" in options:
            extra = ["--method", "inverter", "--pivot", "2"]
        if options[0] == "invert" and ("gradient" in options or "--self-check" in options):
            extra = ["--max-iterations", "1", *(["--self-check", "1"] if "--self-check" in options else ["--recipe", "short.toml"])]
        at = options.index("--") if "--" in options else len(options)
        return [program, *options[:at], *extra, *options[at:], *(["--direct_num_workers=1"] if "--" in options else [])]
    if program == "python" and options[0] == "train_keras.py":
        stage = options[1]
        extra = [*SHORTER[stage]]
        scratch = "--init" not in options
        if stage == "wavegan":
            extra += ["--steps", "52" if "official/train" in options else "2", *(["--dim", "4"] if scratch else [])]
        else:
            extra += ["--width", "4"] if scratch else []
            extra += [] if "--recipe" in options else ["--recipe", "short.toml"]
            extra += [] if "--data" in options else ["--data", "SC09"]
        return [program, *options, *extra]
    return [*command, *SHORTER.get(options[0] if options else "", [])]


def run(command, folder):
    """Run one command of the documentation in a folder. Returns a message if it fails, or None."""
    from tests.conftest import run_command, run_here
    from tf_wavegan_inv.commands import train

    program, *options = shortened(command)
    if program in ("cd", "."):
        return None
    if program == "tf-wavegan-inv" and options[0] != "beam":
        done = run_here(*options, cwd=folder)
    elif program == "tf-wavegan-inv":
        done = run_command("-m", "tf_wavegan_inv.cli", *options, cwd=folder)
    elif program == "python" and options[0] == "train_keras.py" and "--strategy" not in options:
        import keras

        done = run_here(*options[1:], cwd=folder, main=train.main)
        keras.config.set_dtype_policy("float32")
    elif program == "python":
        done = run_command(*options, cwd=folder)
    else:
        done = subprocess.run(
            [shutil.which(program, path=pathlib.Path(sys.executable).parent), *options], cwd=folder, capture_output=True, text=True
        )
    return f"{shlex.join([program, *options])}: exit code {done.returncode}\n{done.stdout}\n{done.stderr}" if done.returncode else None


def run_python(text, folder):
    """Run a block of Python in a folder, shortened."""
    for long, short in SHORTER_PYTHON.items():
        text = text.replace(long, short)
    module = types.ModuleType("documentation")
    with contextlib.chdir(folder):
        exec(compile(text, "documentation", "exec"), module.__dict__)


def runnable_pages():
    for page in PAGES:
        if page.name != "python-api.md" and any(not block.excluded for block in blocks(page)):
            name = page.relative_to(ROOT).as_posix()
            yield pytest.param(page, id=name, marks=[] if name in QUICK else [pytest.mark.slow])


@pytest.mark.parametrize("page", runnable_pages())
def test_commands_of_a_page_run(page, tmp_path):
    folder = invent(tmp_path)
    for block in blocks(page):
        if block.excluded:
            continue
        if block.language == "python":
            run_python(block.text, folder)
            continue
        for command in commands(block.text):
            assert (message := run(command, folder)) is None, f"{block.page}:{block.line}: {message}"


def test_python_compiles():
    for block in all_blocks("python"):
        if not block.page.endswith("python-api.md"):
            compile(block.text, f"{block.page}:{block.line}", "exec")


@pytest.mark.parametrize("page", [p for p in PAGES if "```toml" in p.read_text(encoding="utf-8")], ids=lambda p: p.name)
def test_recipes_are_valid(page, tmp_path):
    from tf_wavegan_inv import load_recipe

    for number, text in enumerate(re.findall(r"```toml\n(.*?)```", page.read_text(encoding="utf-8"), re.S)):
        (tmp_path / f"{number}.toml").write_text(text)
        load_recipe(tmp_path / f"{number}.toml")


def test_reference_equals_the_code():
    generate = types.SimpleNamespace(**runpy.run_path(str(ROOT / "docs" / "generate_reference.py")))
    for path, text in generate.updated_pages().items():
        assert path.read_text(encoding="utf-8") == text, f"{path.name} differs from the code: run python docs/generate_reference.py"


def test_signatures_are_those_of_the_reference(tiny_generator):
    from tf_wavegan_inv.config import AudioConfig, InversionConfig
    from tf_wavegan_inv.serving.signatures import Signatures

    made = Signatures(
        generator=tiny_generator,
        inverter=None,
        classifier=None,
        audio_config=AudioConfig(),
        inversion=InversionConfig(waveform=1.0),
    ).functions()
    text = (ROOT / "docs/reference/signatures.md").read_text(encoding="utf-8")
    written = {}
    for row in re.findall(r"^\| (`.*) \| (`.*) \| `.* \|$", text, re.M):
        written |= {name: set(re.findall(r"`(\w+)`", row[1])) for name in re.findall(r"`(\w+)`", row[0])}
    assert written == {name: set(inputs) for name, (_, inputs) in made.items()}


def anchors(path):
    """The anchors of a page's headings, as GitHub and MkDocs make them."""
    headings = re.findall(r"^#+ (.+)$", re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.S), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def test_links_lead_somewhere():
    broken = []
    for page in [*PAGES, ROOT / "CHANGELOG.md"]:
        for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
            target, _, anchor = link.partition("#")
            path = page.parent / target if target else page
            if "://" not in link and (not path.exists() or (anchor and anchor not in anchors(path))):
                broken.append(f"{page.relative_to(ROOT)}: {link}")
    assert not broken, "\n".join(broken)


def test_readme_is_a_first_screen():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("python3 -m venv")]  # .ci/run takes these two as they are
    assert len(lines) <= 110 and max(map(len, lines)) <= 120 and len(text.split()) <= 700


# Words that the glossary replaces, in prose outside code.
AVOIDED = {
    r"hear|hears|heard|hearing|judges?|judged|told as": "predict, classify, predicted label",
    r"goes? on|begins? anew|comes? back": "resume, restart, retry",
    r"tells?|told|says|said": "report, log, print",
    r"numbers of (?:a |the )?z|number of z": "entries of z, coordinates",
    r"polish(?:es|ed)?": "refine, refinement",
    r"shaken|nudged|shaking": "random start, perturbed start",
    r"doubted|in doubt": "exact, uncertain, out of range",
    r"(?<!active )voices?": "speaker",
}


def prose(path):
    """Sentences of a page: no code, no tables, no headings, nothing that is generated."""
    text = path.read_text(encoding="utf-8").partition("\n## 0.1.0")[0]
    text = re.sub(r"<!-- generated: .*?<!-- end generated -->", "", text, flags=re.S)
    text = re.sub(r"^ *```.*?^ *```$", "", text, flags=re.M | re.S)
    text = re.sub(r"<!--.*?-->|!?\[([^\]]*)\]\([^)]*\)", r"\1", text, flags=re.S)
    text = re.sub(r"`[^`]*`", "CODE", html.unescape(text))
    text = re.sub(r"^ *(\||#).*$", "", text, flags=re.M)
    for paragraph in re.split(r"\n\s*\n|\n *(?:[-*]|\d+\.) ", text):
        yield from re.split(r"(?<=[.:;?!])[*)\"”]*\s+", " ".join(paragraph.split()))


WRITTEN = [page for page in [*PAGES, ROOT / "CHANGELOG.md"] if not page.name.startswith("table")]  # evaluate writes these tables


@pytest.mark.parametrize("page", WRITTEN, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_prose_follows_the_style(page):
    found = [f"{len(s.split())} words: {s}" for s in prose(page) if len(s.split()) > 25]
    for sentence in prose(page):
        for words, instead in AVOIDED.items():
            found += [f"{hit!r}, write {instead}: {sentence}" for hit in re.findall(rf"\b(?:{words})\b", sentence, re.I)]
    assert not found, "\n".join(found)


if __name__ == "__main__":
    print(not_run())
