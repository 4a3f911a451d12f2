"""House rules, checked on the repository itself: lengths, paths, and that the documentation says what is so."""

import os
import re
import shutil
import subprocess

import pytest

from harness import LONGSHORE, ROOT

MAX_FILE_LINES = 500
MAX_FUNCTION_LINES = 70
EXAMPLES = sorted(path for path in (ROOT / "examples").glob("*.toml") if path.name != "longshore.toml")


def tracked():
    """The files of the repository, in a clone or in an unpacked archive."""
    listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True)
    if listed.returncode == 0:
        paths = [ROOT / name for name in listed.stdout.decode().split("\0") if name]
    else:
        paths = [path for path in ROOT.rglob("*") if "target" not in path.relative_to(ROOT).parts]
    return [path for path in paths if path.is_file()]


def lines_of(path):
    return path.read_text(errors="replace").splitlines()


def functions_of(path):
    """Name, first and last line of every Rust function that rustfmt has laid out."""
    opened = None
    for number, line in enumerate(lines_of(path), 1):
        start = re.match(r"( *)(?:pub(?:\([a-z]+\))? )?(?:const )?(?:async )?(?:unsafe )?fn (\w+)", line)
        if start and not line.endswith((";", "}")):
            opened = (start[2], number, start[1] + "}")
        elif opened and line == opened[2]:
            yield opened[0], opened[1], number
            opened = None


def test_rust_functions_fit_a_screen_and_files_too():
    files = [path for path in tracked() if path.suffix == ".rs"]
    functions = [(path, *function) for path in files for function in functions_of(path)]
    assert len(files) > 100 and len(functions) > 1000, "they are not found any more"
    assert [str(path) for path in files if len(lines_of(path)) > MAX_FILE_LINES] == []
    long = [f"{path}:{first} {name}" for path, name, first, last in functions if last - first + 1 > MAX_FUNCTION_LINES]
    assert long == []


def test_no_file_names_somebody_s_machine():
    # Written so that it does not find itself.
    home = re.compile(r"(?<![\w.$}])/(?:home|root|Users|work)/\w|[A-Z]:\\Users")
    found = [f"{path.relative_to(ROOT)}:{number}: {line.strip()}" for path in tracked()
             for number, line in enumerate(lines_of(path), 1) if home.search(line)]
    assert found == []


def test_scripts_are_executable_and_nothing_else_is():
    for path in tracked():
        script = path.read_bytes().startswith(b"#!/")
        assert os.access(path, os.X_OK) == script, path


def anchors_of(path):
    """The anchors of a page's headings, as GitHub makes them."""
    text = re.sub(r"^```.*?^```", "", path.read_text(), flags=re.DOTALL | re.MULTILINE)
    headings = re.findall(r"^#+ +(.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_links_of_the_documentation_lead_somewhere():
    pages = [path for path in tracked() if path.suffix == ".md"]
    links = [(page, link) for page in pages for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text())]
    assert links
    for page, link in links:
        if re.match(r"https?://|mailto:", link):
            continue
        name, _, anchor = link.partition("#")
        target = page.parent / name if name else page
        assert target.exists(), f"{page}: {link}"
        assert not anchor or anchor in anchors_of(target), f"{page}: {link}"


def longshore(*arguments):
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "LONGSHORE_", "DEMO_"))}
    return subprocess.run([LONGSHORE, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True)


def test_the_readme_has_the_exit_codes_and_commands_that_help_shows():
    readme = (ROOT / "README.md").read_text()
    shown = longshore("--help").stdout
    of_help = dict(re.findall(r"^  (\d)  (.+)$", shown, re.MULTILINE))
    sentence = re.search(r"Exit codes: (.+?)\. `longshore --help`", readme, re.DOTALL)[1]
    of_readme = dict(item.split(" ", 1) for item in re.sub(r"\s+", " ", sentence).split(" · "))
    assert list(of_readme) == list(of_help) == [str(code) for code in range(9)]
    for code, text in of_readme.items():
        stems = [{word[:5] for word in re.findall(r"[a-z]+", words)} for words in (text, of_help[code])]
        assert stems[0] & stems[1], f"exit code {code}: {text!r} and {of_help[code]!r}"

    section = readme[readme.index("## The command"):readme.index("Every command takes")]
    names = {word for row in re.findall(r"^\| (`.+?) \|", section, re.MULTILINE) for word in re.findall(r"`(\w+)", row)}
    listed = shown[shown.index("Commands:"):shown.index("Options:")]
    assert names == set(re.findall(r"^  (\w+) ", listed, re.MULTILINE)) - {"help"}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_examples_are_valid(example):
    done = longshore("--config", "examples/longshore.toml", "validate", example)
    assert done.returncode == 0, done.stderr


def test_the_job_file_of_the_readme_is_valid(tmp_path):
    [block] = re.findall(r"```toml\n(.+?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    (tmp_path / "job.toml").write_text(block)
    done = longshore("--config", "examples/longshore.toml", "validate", tmp_path / "job.toml")
    assert done.returncode == 0, done.stderr


def test_the_operation_of_the_readme_is_the_one_that_is_built():
    """Line by line, comments apart."""
    [block] = re.findall(r"```rust\n(.+?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    source = "\n".join(lines_of(ROOT / "examples/plugins/mark-large/src/lib.rs"))

    def code(text):
        return re.sub(r"\s+", "", re.sub(r"//.*", "", text))

    assert all(code(part) in code(source) for part in block.split("\n\n"))


@pytest.fixture
def bare(tmp_path):
    """Runs a script where nothing is installed but the given programs and what every system has."""
    for name in ("bash", "env", "dirname", "sed", "cut", "sort", "head"):
        (tmp_path / name).symlink_to(shutil.which(name))

    def run(script, *arguments, **programs):
        for name, text in programs.items():
            path = tmp_path / name.replace("_", "-")
            path.write_text(f"#!/usr/bin/env bash\n{text}\n")
            path.chmod(0o755)
        environment = {"PATH": str(tmp_path), "DEBIAN_BIN": str(tmp_path)}
        return subprocess.run([ROOT / "scripts" / script, *arguments], env=environment, capture_output=True, text=True)

    return run


def test_without_sudo_the_packages_are_named(bare):
    done = bare("apt", "gcc", "libc6-dev", apt_get="exit 99", id="echo 1000")
    assert done.returncode == 1 and "gcc libc6-dev" in done.stderr and "not found" not in done.stderr


def rustc(version, sysroot):
    return f'case "$*" in --version) echo "rustc {version} (x)";; *sysroot*) echo {sysroot};; *) echo {sysroot}/none;; esac'


def test_the_wasm32_library_comes_from_rustup_or_a_debian_that_is_new_enough(bare, tmp_path):
    (tmp_path / "lib/rustlib/src/rust/library").mkdir(parents=True)
    fake = dict(wasm_ld_22="", rustup="exit 1")
    old = bare("wasm32", rustc=rustc("1.63.0", tmp_path), **fake)
    assert old.returncode == 1 and "1.95 or newer" in old.stderr and "Debian's packages are installed" not in old.stdout
    new = bare("wasm32", rustc=rustc("1.100.0", tmp_path), **fake)
    assert new.returncode == 0 and "Debian's packages are installed: rustc 1.100.0" in new.stdout
    first = bare("wasm32", **{**fake, "rustup": "exit 0"})
    assert first.returncode == 0 and "installed by rustup" in first.stdout
