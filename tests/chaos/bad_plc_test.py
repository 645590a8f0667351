"""A PLC that is absent, slow, silent or answers exceptions: its device dies, the edge node and its other devices live, and all comes back by itself.
A broker that is absent at start: both daemons wait for it."""
import os
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from rig import EDGE, GROUP, Failed, Rig, filler_device, free_port  # noqa: E402


def main():
    with Rig("bad-plc") as rig:
        rig.mqtt_port = free_port()  # nobody listens there yet
        host = rig.host()
        slow = rig.plc("--fault", "delay=20000", name="slow")
        silent = rig.plc("--fault", "drop-every=1", name="silent")
        refusing = rig.plc("--fault", "exception=4@holding:0", name="refusing")
        good = rig.plc(name="good")
        absent_port = free_port()
        names = {"slow": slow.port, "silent": silent.port, "refusing": refusing.port, "good": good.port, "absent": absent_port}
        edge = rig.edge("".join(filler_device(port, device=name) for name, port in names.items()))
        rig.until("the edge answers although there is no broker", 20, lambda: rig.get(rig.edge_url + "/api/v1/status"))
        if not host.running() or not edge.running():
            raise Failed("a daemon has ended because the broker is absent")
        port = rig.mqtt_port
        conf = rig.write("late.conf", f"listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\n")
        rig.run("broker", ["/usr/sbin/mosquitto", "-c", conf])

        def states():
            n = rig.node()
            return {"node": n["state"], **{d["device"]: d["state"] for d in n["devices"]}}

        def flows(device):
            now = int(time.time() * 1000)
            return rig.until(f"{device} delivers", 20, lambda: (
                lambda v: v["quality"] == "GOOD" and v["timestamp_ms"] > now)(rig.read(f"{GROUP}/{EDGE}/{device}/Filler/Total")))
        rig.until("the node and the good device are online", 60, lambda: states()["node"] == "online" and states()["good"] == "online")
        flows("good")
        got = states()
        for bad in ("slow", "silent", "absent"):
            if got.get(bad, "offline") != "offline":
                raise Failed(f"{bad} is {got[bad]}")

        # the register that answers an exception must not look good
        try:
            level = rig.read(f"{GROUP}/{EDGE}/refusing/Level/PV")
            if level["quality"] == "GOOD":
                raise Failed(f"a register that answers exceptions has good quality: {level}")
        except Failed as e:
            if "good quality" in str(e):
                raise
        for program in (slow, silent, refusing):
            os.kill(program.pid, signal.SIGUSR1)  # faults off
        late = rig.run("absent", [good.argv[0], "--listen", f"127.0.0.1:{absent_port}"])
        rig.until("all devices come back by themselves", 90, lambda: all(s == "online" for s in states().values()) and len(states()) == 6)
        for device in names:
            flows(device)
        rig.until("the register is good again", 20, lambda: rig.read(f"{GROUP}/{EDGE}/refusing/Level/PV")["quality"] == "GOOD")

        os.kill(slow.pid, signal.SIGUSR1)  # and slow again, while running
        late.kill()
        rig.until("the two die again, the others live", 60, lambda: states() == {
            "node": "online", "slow": "offline", "absent": "offline", "silent": "online", "refusing": "online", "good": "online"})
        flows("good")


main()
