"""How plugins are compiled, kept and bounded: limits of the configuration, the compiler's process, the cache of machine code."""

import json
import re
import shutil
import stat

import pytest

from harness import TARGET

MODULE = TARGET / "wasm/wasm32-unknown-unknown/release/longshore_example_mark_large.wasm"
OPERATION = 'plugin = "plugins/mark-large.wasm"'


@pytest.fixture(autouse=True)
def caches(tmp_path, monkeypatch):
    """A user's caches, with nothing in them."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    return tmp_path / "caches"


@pytest.fixture
def custom(sandbox, bucket, workspace):
    """A workspace with a job that sends two requests for its only object."""
    assert MODULE.exists(), "the example plugin is not built: run 'cargo test -p longshore-builtins'"
    sandbox.client().put_object(Bucket=bucket, Key="k", Body=b"x" * 10)
    workspace.write("plugins/mark-large.wasm", MODULE.read_bytes())
    workspace.manifest(bucket, ["k"])
    workspace.job(OPERATION, {"min-bytes": 1})
    return workspace


@pytest.fixture
def cache(caches):
    return caches / "longshore/plugins"


@pytest.fixture
def machine_code(cache):
    return lambda: sorted(cache.glob("*.cwasm"))


@pytest.mark.parametrize(
    ("section", "code"),
    [("requests-per-task = 1", "PluginRequestLimit"), ("fuel-per-task = 1000", "PluginFuelLimit"),
     ('memory = "1 MiB"', "PluginMemoryLimit")])
def test_limits_of_the_configuration_hold(custom, section, code):
    custom.configure(f"[plugins]\n{section}")
    result = custom.run()
    if code == "PluginMemoryLimit":
        # A Rust plugin begins with 17 pages: it does not even start.
        assert result.code == 2, result.out + result.err
        assert "more than 1048576 bytes of memory" in result.err
        return
    assert (result.code, result.job["failures"]) == (3, {code: 1}), result.out + result.err


def test_fuel_is_a_figure_of_the_job_and_the_same_each_time(custom):
    custom.configure("[plugins]\nfuel-per-task = 10_000_000")
    first, second = custom.run(), custom.run()
    for result in (first, second):
        assert result.code == 0, result.out + result.err
    assert first.job["fuel"] == second.job["fuel"] > 1000
    report = custom.directory / f"reports/job-{first.job['id']}/operations.json"
    assert json.loads(report.read_text())["Fuel"] == first.job["fuel"]
    assert re.search(rf'^Fuel +{first.job["fuel"]:,} instructions$', custom.longshore("status", first.job["id"]).out, re.MULTILINE)
    custom.configure("[plugins]")
    assert custom.run().job["fuel"] == 0


def test_machine_code_is_kept_for_this_user_alone(custom, cache, machine_code):
    assert custom.run().code == 0
    assert stat.S_IMODE(cache.stat().st_mode) == 0o700
    files = machine_code()
    assert len(files) == 1
    assert {stat.S_IMODE(file.stat().st_mode) for file in [*files, cache / "key"]} == {0o600}
    written = files[0].stat().st_ino
    # A second run finds it; a built-in operation is kept as well.
    assert custom.run().code == 0
    assert custom.longshore("operations", "tagging").code == 0
    assert len(machine_code()) == 2
    assert files[0].stat().st_ino == written


def test_data_directories_share_what_is_kept(custom, machine_code, workspace_of):
    assert custom.longshore("operations", "tagging").code == 0
    (file,) = machine_code()
    written = file.stat().st_ino
    other = workspace_of(custom.server)
    assert other.longshore("operations", "tagging").code == 0
    (other.directory / "longshore.toml").unlink()
    assert other.longshore("operations", "tagging").code == 0
    assert [file.stat().st_ino for file in machine_code()] == [written]
    assert not (custom.directory / "data").exists() and not (other.directory / "data").exists()


@pytest.mark.parametrize("variable", ["XDG_CACHE_HOME", "HOME"])
def test_without_a_place_for_caches_they_are_in_the_data_directory(custom, caches, monkeypatch, variable):
    caches.write_text("not a directory")
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv(variable, str(caches))
    for _ in range(2):
        # The data directory is made by whatever first needs the queue: the second run finds it.
        result = custom.run()
        assert result.code == 0 and "WARN" not in result.err, result.err
    assert len(list((custom.directory / "data/plugin-cache").glob("*.cwasm"))) == 1


def change(file):
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)


def link(file):
    shutil.move(file, file.with_suffix(".elsewhere"))
    file.symlink_to(file.with_suffix(".elsewhere"))


@pytest.mark.parametrize("poison", [change, link, lambda file: file.chmod(0o666), lambda file: file.write_bytes(b"")])
def test_a_poisoned_cache_is_not_believed(custom, machine_code, poison):
    assert custom.run().code == 0
    (file,) = machine_code()
    poison(file)
    result = custom.run()
    assert result.code == 0, result.out + result.err
    assert "removed from the cache of compiled plugins" in result.err
    assert not file.is_symlink()
    again = custom.run()
    assert again.code == 0 and "removed from the cache" not in again.err, again.err


def test_another_plugins_machine_code_under_its_name(custom, machine_code):
    assert custom.longshore("operations", "noop").code == 0
    (other,) = machine_code()
    assert custom.run().code == 0
    (mine,) = [file for file in machine_code() if file != other]
    shutil.copy2(other, mine)
    result = custom.run()
    assert result.code == 0, result.out + result.err
    assert "this engine did not write it" in result.err


def test_the_cache_is_bounded(custom, caches, machine_code):
    custom.configure('[plugins]\ncache-size = 1')
    assert custom.run().code == 0
    assert machine_code() == []
    custom.configure('[plugins]\ncache-size = 0')
    shutil.rmtree(caches)
    assert custom.run().code == 0
    assert not caches.exists()


def leb(number):
    out = bytearray()
    while True:
        byte, number = number & 0x7F, number >> 7
        out.append(byte | (0x80 if number else 0))
        if not number:
            return bytes(out)


def section(number, content):
    return bytes([number]) + leb(len(content)) + content


def costly_component():
    """A component with one function of a million additions, whose compilation takes gigabytes."""
    body = b"\x00" + b"\x20\x00\x20\x00\x6a\x21\x00" * 1_000_000 + b"\x20\x00\x0b"
    module = (b"\0asm\x01\0\0\0" + section(1, b"\x01\x60\x01\x7f\x01\x7f") + section(3, b"\x01\x00")
              + section(10, b"\x01" + leb(len(body)) + body))
    return b"\0asm\x0d\0\x01\0" + section(1, module)


def test_a_plugin_that_is_costly_to_compile_costs_only_its_own_process(custom, machine_code):
    custom.write("plugins/mark-large.wasm", costly_component())
    custom.configure('[plugins]\ncompile-memory = "512 MiB"\ncompile-time = "60s"')
    result = custom.longshore("run", "job.toml")
    assert result.code == 2, result.out + result.err
    assert "the plugin cannot be compiled" in result.err
    assert machine_code() == []


def test_the_compilers_process_is_no_command_for_users(workspace):
    result = workspace.longshore("compile-plugin")
    assert result.code == 1
    assert "this is for the engine itself" in result.err
    assert "compile-plugin" not in workspace.longshore("--help").out


def test_mistakes_in_the_section_are_told(workspace):
    workspace.configure('[plugins]\nisolation = "new"\nmemroy = "1 MiB"\nmemory = "1 kB"')
    result = workspace.longshore("list")
    assert result.code == 2
    for words in ('"fresh"', "memory", "out of range"):
        assert words in result.err
