"""Nonsense on the broker while a plant runs: the host counts it, shows nothing wrong, and neither dies nor loses a sequence number."""
import os
import random
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from rig import EDGE, GROUP, Failed, Rig, filler_device  # noqa: E402


def main():
    seed = int(os.environ.get("PLANTREE_TEST_SEED", time.time_ns() % 1000000))
    chance = random.Random(seed)
    print(f"seed {seed}", flush=True)
    with Rig("garbage") as rig:
        rig.broker()
        plc = rig.plc()
        host = rig.host()
        edge = rig.edge(filler_device(plc.port))
        rig.until("online", 60, lambda: rig.node()["state"] == "online" and rig.node()["devices"][0]["state"] == "online")

        def publish(topic, payload, retain=False):
            with open(rig.path("payload"), "wb") as f:
                f.write(payload)
            argv = ["mosquitto_pub", "-h", "127.0.0.1", "-p", str(rig.mqtt_port), "-q", "1", "-t", topic, "-f", rig.path("payload")]
            if not payload:
                argv[-2:] = ["-n"]
            subprocess.run(argv + (["-r"] if retain else []), check=True, timeout=20)

        birth = bytes.fromhex("0880d095ffbc3112120a0562645365711880d095ffbc312004580712210a144e6f646520436f6e74726f6c2f52656269"
                              "7274681880d095ffbc31200b70001800")  # a minimal NBIRTH
        for verb in ("NBIRTH", "NDEATH", "NDATA", "NCMD", "XBIRTH"):
            publish(f"spBv1.0/{GROUP}/{verb}/other", b"\xff" * 40)
            publish(f"spBv1.0/{GROUP}/{verb}/other", b"")
            publish(f"spBv1.0/{GROUP}/{verb}/other/dev/more", birth)
        for verb in ("DBIRTH", "DDEATH", "DDATA"):
            publish(f"spBv1.0/{GROUP}/{verb}/{EDGE}/ghost", b"\x12\xff\xff\xff\xff\x0f")
            publish(f"spBv1.0/{GROUP}/{verb}/{EDGE}", birth)
        publish("spBv1.0/STATE/H2", b"ONLINE", retain=True)
        publish("spBv1.0/STATE/H2", b'{"online":"yes","timestamp":1.5}')
        publish("spBv1.0", b"x")
        publish(f"spAv1.0/{GROUP}/NBIRTH/old", birth)
        publish(f"spBv1.0/{GROUP}/NBIRTH/retained", birth, retain=True)
        publish(f"spBv1.0/{GROUP}/NDATA/huge", b"\x2a\x80\x80\x80\x01" + bytes(2 * 1024 * 1024))
        for _ in range(100):  # a birth with random bytes changed
            broken = bytearray(birth)
            for _ in range(chance.randrange(1, 5)):
                broken[chance.randrange(len(broken))] = chance.randrange(256)
            publish(f"spBv1.0/{GROUP}/{chance.choice(['NBIRTH', 'NDATA'])}/fuzzed", bytes(broken[:chance.randrange(1, len(broken) + 1)]))
        publish(f"spBv1.0/{GROUP}/NBIRTH/fine", birth)
        rig.until("a right birth after all that is followed", 20, lambda: rig.node(edge="fine")["state"] == "online")

        now = int(time.time() * 1000)
        rig.until("the real node delivers", 20, lambda: (
            lambda v: v["quality"] == "GOOD" and v["timestamp_ms"] > now)(rig.read(f"{GROUP}/{EDGE}/filler/Filler/Total")))
        node = rig.node()
        if node["state"] != "online" or [d["device"] for d in node["devices"] if d["state"] == "online"] != ["filler"]:
            raise Failed(f"the real node has suffered: {node}")
        if not host.running() or not edge.running():
            raise Failed("a daemon has ended")
        for bad in ("huge", "retained"):
            try:
                if rig.node(edge=bad)["state"] == "online" and bad == "huge":
                    raise Failed(f"{bad} is online")
            except Failed as e:
                if "is online" in str(e):
                    raise


main()
