"""kill -9 of host, edge and broker in turn while data flows: everything recovers by itself, and history afterwards holds
no (tag, timestamp) twice and no value the PLC did not show at that time."""
import os
import random
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from rig import EDGE, FILLER_TAGS, GROUP, Failed, Ledger, Rig, filler_device  # noqa: E402

SLACK_MS = 500
DEVICE = f"{GROUP}/{EDGE}/filler"


def main():
    seed = int(os.environ.get("PLANTREE_TEST_SEED", time.time_ns() % 1000000))
    chance = random.Random(seed)
    print(f"seed {seed} (PLANTREE_TEST_SEED={seed} repeats the order)", flush=True)
    with Rig("chaos-kill") as rig:
        broker = rig.broker()
        plc = rig.plc("--record", rig.path("ledger.csv"), "--scan", "150", "--speed", "5")
        host = rig.host()
        edge = rig.edge(filler_device(plc.port), mqtt=", keep_alive: 5s")
        started = int(time.time() * 1000)

        def fresh(since_ms):
            """A value sampled after `since_ms` is current, and in history."""
            got = rig.read(f"{DEVICE}/Filler/Total")
            if got["quality"] != "GOOD" or got["timestamp_ms"] <= since_ms:
                raise Failed(f"not fresh: {got}")
            return any(t > since_ms for t, _ in rig.history(f"{DEVICE}/Filler/Total", since_ms, since_ms + 600000))

        rig.until("data flows", 60, lambda: fresh(started))
        victims = [host, edge, broker] * 2
        chance.shuffle(victims)
        for victim in victims:
            # let some data through at an arbitrary point of every cycle
            until = int(time.time() * 1000) + chance.randrange(200, 1500)
            rig.until("data flows before the kill", 30, lambda: fresh(until))
            print(f"kill -9 {victim.name}", flush=True)
            victim.kill()
            victim.start()
            now = int(time.time() * 1000)
            begun = time.monotonic()
            rig.until(f"data flows again after kill -9 of {victim.name}", 90, lambda: fresh(now))
            print(f"  recovered after {time.monotonic() - begun:.1f} s", flush=True)
        node = rig.node()
        if node["state"] != "online" or any(d["state"] != "online" for d in node["devices"]):
            raise Failed(f"not all online: {node}")
        edge.stop()
        rig.until("the graceful end is seen", 30, lambda: rig.node()["state"] == "offline")
        host.stop()
        broker.stop()
        plc.stop()

        ledger = Ledger(rig.path("ledger.csv"))
        total = 0
        for name, register, kind, _ in FILLER_TAGS:
            points = rig.history(f"{DEVICE}/{name}", started - 60000, int(time.time() * 1000) + 60000, data=rig.path("data"))
            times = [t for t, _ in points]
            if len(set(times)) != len(times):
                raise Failed(f"{name}: duplicate timestamps in history")
            if times != sorted(times):
                raise Failed(f"{name}: history is not in order")
            for t, value in points:
                if value is None or not ledger.agrees(register, kind, t, value, SLACK_MS):
                    raise Failed(f"{name} = {value!r} at {t}; the PLC held {ledger.visible(register, t - SLACK_MS, t + SLACK_MS)}")
            if name == "Filler/Total" and [v for _, v in points] != sorted(v for _, v in points):
                raise Failed("Filler/Total falls in history")
            total += len(points)
        rig.cli("verify", data=rig.path("data"))
        print(f"{total} samples of {len(FILLER_TAGS)} tags compared with the PLC's ledger", flush=True)


main()
