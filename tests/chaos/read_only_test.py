"""The file system beneath a running host turns read-only and, later, writable again: the host says so, goes on showing live values, keeps what
arrives in its buffer, and when it can write again history has all of it."""
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from rig import EDGE, FILLER_TAGS, GROUP, Failed, Ledger, Rig, filler_device  # noqa: E402

DEVICE = f"{GROUP}/{EDGE}/filler"


def main():
    with Rig("read-only") as rig:
        rig.broker()
        plc = rig.plc("--record", rig.path("ledger.csv"), "--scan", "150", "--speed", "5")
        flag = rig.path("read-only")
        os.environ.update(LD_PRELOAD=os.environ["PLANTREE_READ_ONLY_LIB"], PT_READ_ONLY_FLAG=flag, PT_READ_ONLY_DIR=rig.path("data"),
                          ASAN_OPTIONS=os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0")
        host = rig.host()
        del os.environ["LD_PRELOAD"]
        rig.until("the host is ready, so that it sees the birth", 30, lambda: not not_ready(rig))
        edge = rig.edge(filler_device(plc.port))
        started = int(time.time() * 1000)

        def status():
            return rig.get(rig.url + "/api/v1/status")["historian"]

        def live_after(ms):
            got = rig.read(f"{DEVICE}/Filler/Total")
            return got["quality"] == "GOOD" and got["timestamp_ms"] > ms and got

        rig.until("data flows into history", 60, lambda: status()["stored"] > 100 and live_after(started))
        for turn in range(2):
            rig.write("read-only", "")
            failing = rig.until("the host says that it cannot write", 30, lambda: (lambda h: h["state"] != "ok" and h)(status()))
            if not failing.get("failing_since_ms"):
                raise Failed(f"since when is not said: {failing}")
            rig.until("the log names the error", 10, lambda: "HIST-" in host.log() and "read-only" in host.log().lower() or "readonly" in host.log().lower())
            rig.until("readiness is withdrawn", 10, lambda: not_ready(rig))
            now = int(time.time() * 1000)
            rig.until("live values go on", 30, lambda: live_after(now))
            rig.until("what arrives is kept", 30, lambda: status()["buffered"] > failing["buffered"] + 100)
            os.unlink(flag)
            rig.until("it writes again by itself", 60, lambda: (lambda h: h["state"] == "ok" and h["last_commit_ms"] > now and h)(status()))
            if status()["lost"] or not host.running():
                raise Failed(f"turn {turn}: {status()}")
            stored = status()["stored"]
            rig.until("and goes on", 30, lambda: status()["stored"] > stored + 100)
        edge.stop()
        rig.until("the graceful end is seen", 30, lambda: rig.node()["state"] == "offline")
        samples = rig.node()["samples"]
        host.stop()
        plc.stop()
        if samples["lost"] or samples["rejected"]:
            raise Failed(f"the accounts: {samples}")

        # Each change of the counter that the edge saw is one step of it; a hole would show as a change that the PLC showed and nobody stored.
        ledger = Ledger(rig.path("ledger.csv"))
        register = next(r for n, r, _, _ in FILLER_TAGS if n == "Filler/Total")
        points = rig.history(f"{DEVICE}/Filler/Total", started - 60000, int(time.time() * 1000) + 60000, data=rig.path("data"))
        for (a, _), (b, _) in zip(points, points[1:]):
            if len(set(ledger.visible(register, a + 500, b - 500))) > 3:
                raise Failed(f"nothing of Filler/Total was stored between {a} and {b}, the PLC went through {ledger.visible(register, a, b)}")
        for t, value in points:
            if not ledger.agrees(register, "UInt64", t, value, 500):
                raise Failed(f"Filler/Total = {value} at {t} was never shown")
        rig.cli("verify", data=rig.path("data"))
        print(f"{len(points)} samples of Filler/Total, {samples}", flush=True)


def not_ready(rig):
    try:
        rig.get(rig.url + "/readyz")
        return False
    except Failed as e:
        return ": 503 " in str(e)


main()
