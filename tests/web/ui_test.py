"""The browser UI on the real programs: plantree-plc, plantree-edge, a broker and plantree-host, seen through Chromium.

The scenes are in ui_scenes.mjs; here the programs are started, and killed and started again when a scene asks."""
import os
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))
from rig import EDGE, GROUP, Failed, Rig, filler_device, skip  # noqa: E402

SCENES_S = 240


def need_browser():
    if not any(shutil.which(b) for b in ("chromium", "chromium-browser", "google-chrome")):
        print("SKIP: no Chromium is installed", flush=True)  # also under PLANTREE_TEST_STRICT: not every system has a package
        sys.exit(77)
    if not os.path.isdir(os.path.join(HERE, "node_modules", "playwright-core")):
        skip("the browser tools are not there: npm ci --prefix tests/web")


def obey(command, programs):
    verb, name = command.split()
    if verb == "kill":
        programs[name].kill()
    elif verb == "start":
        programs[name].start()
    else:
        raise Failed(f"no such command: {command}")


def main():
    need_browser()
    with Rig("ui") as rig:
        rig.broker()
        host = rig.host()
        plc = rig.plc("--seed", "7")
        edge = rig.edge(devices=filler_device(plc.port))
        env = {**os.environ, "PLANTREE_URL": rig.url, "PLANTREE_PREFIX": f"{GROUP}/{EDGE}/filler", "PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD": "1"}
        scenes = subprocess.Popen(["node", os.path.join(HERE, "ui_scenes.mjs")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env, text=True)
        try:
            for line in scenes.stdout:
                if line.startswith("@"):
                    obey(line[1:].strip(), {"edge": edge, "host": host})
                    scenes.stdin.write("ok\n")
                    scenes.stdin.flush()
                else:
                    print(line, end="", flush=True)
            code = scenes.wait(SCENES_S)
        finally:
            if scenes.poll() is None:
                scenes.kill()
                scenes.wait()
        if code != 0:
            raise Failed(f"the scenes end with {code}")


if __name__ == "__main__":
    main()
