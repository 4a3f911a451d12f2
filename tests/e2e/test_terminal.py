"""What a person at a terminal sees: the progress bar, and what is printed beside it."""

import fcntl
import json
import os
import pty
import re
import signal
import struct
import subprocess
import termios

import pytest

from harness import STARTED, TAGGING, Workspace, start_seeded

COUNTS = [60, 90]


@pytest.fixture
def slow(tmp_path):
    """Two jobs of different length on a store that takes its time."""
    server, rows = start_seeded(tmp_path / "server", max(COUNTS), "--fault", "delay=100ms,method=PUT,bucket=objects")
    workspace = Workspace(tmp_path / "workspace", server)
    for count in COUNTS:
        workspace.write(f"{count}.csv", "".join(row + "\n" for row in rows[:count]))
        workspace.job(**TAGGING, name=f"{count}.toml", manifest=f"{count}.csv", concurrency=4)
    yield workspace
    server.stop()


def at_terminal(workspace, *arguments, interrupt=None):
    """Runs a command at a terminal of 80 columns; SIGINT once `interrupt` is printed. What was written to the terminal."""
    master, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    command = workspace.command(*arguments)
    command["env"]["TERM"] = "xterm"
    process = subprocess.Popen(**command, stdin=terminal, stdout=terminal, stderr=terminal)
    STARTED.append(process)
    os.close(terminal)
    text = ""
    while True:
        try:
            more = os.read(master, 65536)
        except OSError:
            # How Linux says that nobody holds the other end any more.
            more = b""
        if not more:
            break
        text += more.decode(errors="replace")
        if interrupt and re.search(interrupt, text):
            process.send_signal(signal.SIGINT)
            interrupt = None
    os.close(master)
    return process.wait(300), text


def screen(text):
    """What stands on the terminal in the end: enough of a terminal for what progress bars do."""
    lines, row, column = [""], 0, 0
    for part in re.findall(r"\x1b\[[\d;?]*[A-Za-z]|\r|\n|[^\x1b\r\n]+", text):
        if part == "\r":
            column = 0
        elif part == "\n":
            row += 1
            lines += [""] * (row + 1 - len(lines))
        elif part[0] == "\x1b":
            number = int(re.sub(r"\D", "", part) or 1)
            if part[-1] == "A":
                row = max(0, row - number)
            elif part[-1] == "B":
                row += number
                lines += [""] * (row + 1 - len(lines))
            elif part[-1] == "K":
                lines[row] = "" if "2" in part else lines[row][:column]
        else:
            lines[row] = lines[row].ljust(column)[:column] + part + lines[row][column + len(part):]
            column += len(part)
    return [line.rstrip() for line in lines]


def test_every_job_has_a_bar_of_its_own(slow):
    jobs = {count: slow.longshore("submit", "--json", f"{count}.toml").events[0]["id"] for count in COUNTS}
    code, text = at_terminal(slow, "start", "--until-idle")
    assert code == 0, text
    for count, job in jobs.items():
        bars = re.findall(rf"{job[:8]}  [━╸─]+ (\d+)/(\d+)  ([\d,]+)/s  \w+ left", text)
        assert bars and {total for _, total, _ in bars} == {str(count)}
    left = screen(text)
    assert not re.search("[━╸─]", "".join(left)), left
    assert [line[:18] for line in left if "Complete: " in line] == [f"{job[:8]}  Complete" for job in jobs.values()]
    assert not any(line[80:] for line in left if "━" in line)


def test_a_signal_leaves_no_bar_behind(slow):
    code, text = at_terminal(slow, "run", f"{COUNTS[0]}.toml", interrupt="━")
    assert code == 6
    left = screen(text)
    [job] = slow.longshore("list", "--json").events
    assert not re.search("[━╸─]", "".join(left)), left
    said = [line for line in left if line]
    assert said[0] == f"Job {job['id']}"
    assert said[1] == "stopping: running tasks finish first; a second signal stops at once"
    assert said[2].startswith("Job ") and said[-1].startswith("stopped before the end")


def test_lines_without_a_terminal_name_their_job(slow):
    jobs = [slow.longshore("submit", "--json", f"{count}.toml").events[0]["id"] for count in COUNTS]
    worked = slow.longshore("start", "--until-idle")
    lines = worked.err.splitlines()[1:]
    assert {line[:8] for line in lines} == {job[:8] for job in jobs}
    for count, job in zip(COUNTS, jobs):
        assert f"{job[:8]}  {count} of {count} tasks finished, 0 failed" in lines


def test_the_last_counters_are_reported(slow):
    ran = slow.run(f"{COUNTS[1]}.toml")
    counted = [event for event in ran.events if event["event"] == "progress"]
    assert (counted[-1]["succeeded"], counted[-1]["total"]) == (COUNTS[1], COUNTS[1])


def test_usage_errors_speak_json(slow):
    for command in (["rnu"], ["run"], ["list", "--nothing"]):
        failed = slow.longshore(*command, "--json")
        assert (failed.code, failed.out) == (2, "")
        said = json.loads(failed.err)
        assert said["exit"] == 2 and not said["error"].startswith("error")
    assert slow.longshore("--help", "--json").code == 0
    plain = slow.longshore("rnu")
    assert plain.code == 2 and plain.err.startswith("error: unrecognized subcommand")
