"""demo.sh itself: --check succeeds; what is killed during the demo is started again; nothing is left running."""
import os
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from rig import BIN, SRC, Failed, Rig, skip  # noqa: E402
import shutil  # noqa: E402

LEVEL = "Acme/gw-1/filler/Level/PV"


def processes(folder):
    """{pid: command line} of everything alive that was started for `folder`."""
    found = {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit() or int(entry) == os.getpid():
            continue
        try:
            with open(f"/proc/{entry}/cmdline", "rb") as f:
                line = f.read().replace(b"\0", b" ").decode("utf-8", "replace").strip()
            with open(f"/proc/{entry}/environ", "rb") as f:
                mine = f"PLANTREE_DEMO_TEST={folder}".encode() in f.read().split(b"\0")
        except OSError:
            continue
        if line and mine:
            found[int(entry)] = line
    return found


def demo(rig, name, *args):
    folder = rig.path(name)
    env = {"PLANTREE_BIN": BIN, "PLANTREE_DEMO_TEST": folder}
    return folder, rig.run(name + "-sh", ["bash", os.path.join(SRC, "demo.sh"), "--dir", folder, *args], env=env)


def main():
    if not shutil.which("node") or not shutil.which("curl"):
        skip("node or curl is not installed")
    with Rig("demo") as rig:
        folder, check = demo(rig, "check", "--check")
        rig.until("--check ends", 180, lambda: not check.running())
        if check.popen.returncode != 0 or not check.lines("check ok"):
            raise Failed(f"demo.sh --check gives {check.popen.returncode}")
        print(check.lines("check ok")[0], flush=True)
        rig.until("nothing is left running", 5, lambda: not processes(folder))

        folder, shell = demo(rig, "run")
        rig.until("the demo is up", 120, lambda: shell.lines("  Plantree is running."))
        rig.url = shell.lines("  Plantree is running.")[0].split()[-1].rstrip("/")

        def fresh(since_ms):
            got = rig.read(LEVEL)
            return got["quality"] == "GOOD" and got["timestamp_ms"] > since_ms

        def running(program):
            return [pid for pid, line in processes(folder).items() if os.path.basename(line.split()[0]) == program]

        def count(program):
            return len(running(program))

        for victim in ("plantree-edge", "mosquitto", "plantree-plc", "plantree-host"): # the host last: nothing may outlive it
            pids = running(victim)
            if len(pids) != 1:
                raise Failed(f"{victim} runs {len(pids)} times: {processes(folder)}")
            os.kill(pids[0], signal.SIGKILL)
            now = int(time.time() * 1000)
            rig.until(f"values are fresh again after kill -9 of {victim}", 90, lambda: fresh(now))
            rig.until("one broker runs, not also the one of a killed host", 30, lambda: count("mosquitto") == 1)
            print(f"{victim}: recovered", flush=True)
        shell.popen.send_signal(signal.SIGINT)
        rig.until("Ctrl-C ends the demo", 60, lambda: not shell.running())
        if shell.popen.returncode != 0:
            raise Failed(f"the demo ended with {shell.popen.returncode}")
        rig.until("nothing is left running", 5, lambda: not processes(folder))


main()
