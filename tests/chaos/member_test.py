"""A member of a template instance is written from the host's command line to the PLC's register and confirmed by what the PLC then says; the other member
stays as it is. A member that may not be written is not confirmed within the time the host's reloaded configuration gives."""
import json
import os
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from rig import EDGE, GROUP, Failed, Rig  # noqa: E402

TEMPLATES = """templates:
  - name: LoopT
    version: '1'
    members:
      - {{ name: sp, type: Float, unit: m, write: true }}
      - {{ name: size, type: UInt32, write: true }}
      - {{ name: speed, type: Float }}
devices:
  - id: filler
    driver: modbus-tcp
    address: 127.0.0.1:{port}
    unit: 1
    poll: 100ms
    tags:
      - name: Loop1
        type: Template
        template: LoopT
        members: {{ sp: {{ register: 'holding:2' }}, size: {{ register: 'holding:14' }}, speed: {{ register: 'input:6' }} }}
"""


def main():
    with Rig("member") as rig:
        rig.broker()
        plc = rig.plc()
        # the rig's configuration ends with "devices:"; templates stand beside it
        edge = rig.edge(TEMPLATES.format(port=plc.port).split("devices:\n", 1)[1] + TEMPLATES.format(port=plc.port).split("devices:\n", 1)[0])
        host = rig.host(extra="writes: { confirm_timeout: 500s }")
        rig.until("commands may be sent", 60, lambda: "HOST-ONLINE" in host.log())
        loop = f"{GROUP}/{EDGE}/filler/Loop1/"
        rig.until("the instance's members are there", 60, lambda: rig.read(loop + "sp")["quality"] == "GOOD" and rig.read(loop + "size")["quality"] == "GOOD")
        size = rig.read(loop + "size")["value"]
        answer = rig.cli_json("write", loop + "sp", "2.75", "--reason", "recipe 7")
        if answer.get("state") != "confirmed":
            raise Failed(f"the write is {answer}")
        if rig.read(loop + "sp")["value"] != 2.75:
            raise Failed(f"{loop}sp is {rig.read(loop + 'sp')} after a confirmed write")
        if rig.read(loop + "size")["value"] != size:
            raise Failed("the member beside it has changed")
        answer = rig.cli_json("write", loop + "size", "77")
        if answer.get("state") != "confirmed" or rig.read(loop + "size")["value"] != 77 or rig.read(loop + "sp")["value"] != 2.75:
            raise Failed(f"the second member's write is {answer}")
        # what may not be written gets no confirmation: the time to wait for one is that of the configuration as it is now
        with open(rig.path("host.yaml")) as f:
            text = f.read()
        rig.write("host.yaml", text.replace("500s", "500ms"))
        os.kill(host.pid, signal.SIGHUP)
        rig.until("the host has taken the new time", 20, lambda: "HOST-RELOAD" in host.log())
        answer = json.loads(rig.cli("write", loop + "speed", "1", "--json", expect=4, timeout=60))
        if answer.get("state") != "timeout":
            raise Failed(f"a member that may not be written: {answer}")
        rig.until("the edge node says why", 20, lambda: "EDGE-WRITE-READONLY" in edge.log())


main()
