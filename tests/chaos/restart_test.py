"""kill -9 of the host, twice, under the load of 50 nodes. Thirty of them are plantree-edge, which can be asked for what was missed; ten foreign ones
go on talking; ten foreign ones have nothing to say while the host is away, so their sessions continue.

After each restart every value is there at once; DATA by alias lands on the right metric; exactly the nodes whose messages were missed are asked for
a rebirth, once; and at the end the history of the nodes with backfill has no hole, that of the quiet ones every value they sent."""
import os
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from foreign import Foreign  # noqa: E402
from rig import GROUP, Failed, Rig  # noqa: E402

EDGES, TALKERS, QUIET = 30, 10, 10
SIM = "  - id: sim\n    driver: sim\n    poll: 100ms\n    tags:\n" \
      "      - { name: Count, type: UInt32, signal: counter }\n      - { name: Level, type: Double, signal: sine, period: 3s, low: 0, high: 10 }\n"


def main():
    with Rig("restart") as rig:
        broker = rig.broker()
        host = rig.host(extra="sparkplug: { birth_wait: 2m, hold_off: 0ms, rebirth: { jitter: 50ms } }")
        rig.until("the host is ready", 60, lambda: rig.get(rig.url + "/readyz"))
        edges = [f"e{i}" for i in range(EDGES)]
        running = [rig.edge(SIM, edge=e, name=e) for e in edges]
        plant = Foreign(broker.port)
        # Aliases in another order on every node: one that slips shows.
        talkers = [plant.node(GROUP, f"t{i}", {"A": 3 + i, "B": 1 + i}) for i in range(TALKERS)]
        quiet = [plant.node(GROUP, f"q{i}", {"A": 9 - i, "B": 10 + i, "C": 30 - i}) for i in range(QUIET)]
        everyone = set(edges) | {n.edge for n in talkers + quiet}
        stop = threading.Event()

        def talk():
            step = 0.0
            while not stop.wait(0.05):
                step += 1
                for n in talkers:
                    n.send(A=step)

        talking = threading.Thread(target=talk, daemon=True)
        talking.start()

        def nodes():
            return {n["edge"]: n for n in rig.get(rig.url + "/api/v1/nodes")}

        def values():
            return {v["path"]: v for v in rig.get(rig.url + f"/api/v1/values?paths={GROUP}/**")}

        rig.until("all 50 are on line", 120, lambda: everyone <= {e for e, n in nodes().items() if n["state"] == "online"})
        rig.until("every device, too", 60, lambda: all(d["state"] == "online" for n in nodes().values() for d in n["devices"]))
        begun = time.monotonic()
        downs = []
        longest = 3.0  # how long a restart takes here; a session is believed when it was known for longer than the host was away
        for turn in range(2):
            rig.until("the load goes on", 60, lambda: time.monotonic() - begun > 3 * longest * (turn + 1))
            marks = {n.edge: 100 * turn + i + 0.5 for i, n in enumerate(quiet)}
            for n in quiet:
                n.send(B=marks[n.edge])
            rig.until("the quiet ones are heard", 30, lambda: all(values()[f"{GROUP}/{e}/B"]["value"] == v for e, v in marks.items()))
            heard = time.time()
            rig.until("the session table has it", 30, lambda: os.stat(rig.path("data", "sessions.seq")).st_mtime > heard + 1.2)
            known = {path: v["value"] for path, v in values().items()}
            killed = int(time.time() * 1000)
            host.kill()
            away = time.monotonic()
            rig.until("some messages are missed", 10, lambda: time.monotonic() - away > 1.0)
            host.start()
            rig.until_listening(host.port, host)

            now = values()
            if set(now) != set(known):
                raise Failed(f"turn {turn}: not all tags are there at once: {sorted(set(known) ^ set(now))[:10]}")
            for n in quiet:
                for name, value in n.values.items():
                    v = now[f"{GROUP}/{n.edge}/{name}"]
                    if v["value"] != value or v["quality"] not in ("STALE", "GOOD"):
                        raise Failed(f"turn {turn}: {v} at once, not {value}")
            rig.until("the host is ready again", 60, lambda: rig.get(rig.url + "/readyz"))
            for i, n in enumerate(quiet):
                n.send(A=1000 * (turn + 1) + i)
            longest = max(longest, time.monotonic() - away)
            downs.append((killed, int(time.time() * 1000)))

            def right(n):
                got = values()
                return all(got[f"{GROUP}/{n.edge}/{name}"]["value"] == value and got[f"{GROUP}/{n.edge}/{name}"]["quality"] == "GOOD" for name, value in n.values.items())

            for n in quiet:
                rig.until(f"{n.edge} goes on", 30, lambda: right(n))
            rig.until("everybody is on line again", 90, lambda: everyone == {e for e, n in nodes().items() if n["state"] == "online" and
                                                                               all(d["state"] == "online" for d in n["devices"])})
            rig.until("what was missed is backfilled", 120, lambda: all(nodes()[e]["backfills"] == 1 for e in edges) and
                      len([e for e in events(rig, killed, "backfill") if e["detail"]["state"] == "done"]) == EDGES)
            asked = {}
            for e in events(rig, killed, "rebirth-request"):
                asked.setdefault(e["node"].split("/")[1], []).append(e["detail"]["cause"])
            expected = {e: ["host-restart"] for e in edges + [n.edge for n in talkers]}
            if asked != expected:
                raise Failed(f"turn {turn}: rebirth requests {[(e, asked.get(e), expected.get(e)) for e in sorted(everyone) if asked.get(e) != expected.get(e)]}")
            for e, n in nodes().items():
                m, s = n["messages"], n["samples"]
                if m["received"] != m["accepted"] + m["rejected"] + m["held"] or s["lost"]:
                    raise Failed(f"turn {turn}: the accounts of {e}: {m} {s}")
            print(f"turn {turn}: back after {longest:.1f} s, {len(asked)} of {len(everyone)} asked for a rebirth", flush=True)
        stop.set()
        talking.join(10)
        if plant.failed:
            raise Failed(f"the foreign nodes: {plant.failed}")
        for e in running:
            e.stop()
        rig.until("the graceful ends are seen", 60, lambda: all(nodes()[e]["state"] == "offline" for e in edges))
        plant.close()
        host.stop()

        end = int(time.time() * 1000) + 60000
        total = 0
        for e in edges:  # the counter goes up by one each poll and every reading is reported: a hole is a number that is missing
            counts = [int(v) for _, v in rig.history(f"{GROUP}/{e}/sim/Count", 0, end, data=rig.path("data"))]
            if counts != list(range(counts[0], counts[0] + len(counts))):
                holes = [(a, b) for a, b in zip(counts, counts[1:]) if b != a + 1]
                raise Failed(f"{e}: the history of Count has holes at {holes[:5]}")
            total += len(counts)
        for n in quiet:
            for name in n.metrics:
                got = rig.history(f"{GROUP}/{n.edge}/{name}", 0, end, data=rig.path("data"))
                if got != n.sent[name]:
                    raise Failed(f"{n.edge}/{name}: sent {n.sent[name]}, stored {got}")
        for n in talkers:  # they keep nothing: what was sent to nobody is gone, and nothing else
            stored = {t for t, _ in rig.history(f"{GROUP}/{n.edge}/A", 0, end, data=rig.path("data"))}
            lost = [t for t, _ in n.sent["A"] if t not in stored and not any(a - 1500 < t < b + 3000 for a, b in downs)]
            if lost:
                raise Failed(f"{n.edge}: sent while the host was up and not stored: {lost[:10]}")
        print(f"{total} counter values of {EDGES} nodes without a hole, {sum(n.rebirths for n in talkers + quiet)} rebirths of foreign nodes", flush=True)


def events(rig, from_ms, kind):
    return rig.get(rig.url + f"/api/v1/events?from={from_ms}&type={kind}&limit=5000")


main()
