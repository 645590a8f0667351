"""A foreign edge node (npm sparkplug-client) is followed by plantree-host: right values of every type, commands, deaths, the Will after kill -9."""
import math
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from rig import GROUP, INTEROP, Failed, Rig, need_node  # noqa: E402

EDGE = "foreign"


def expected(n):
    return {
        "Int8": ("Int8", -5 - n), "Int16": ("Int16", -300 - n), "Int32": ("Int32", -70000 - n), "Int64": ("Int64", -9007199254740000 - n),
        "UInt8": ("UInt8", 250 + n), "UInt16": ("UInt16", 65000 + n), "UInt32": ("UInt32", 4000000000 + n), "UInt64": ("UInt64", 9007199254740000 + n),
        "Float": ("Float", 1.5 + n), "Double": ("Double", 0.1 + n), "Boolean": ("Boolean", n % 2 == 0), "String": ("String", f"Größe {n}"),
        "Text": ("Text", f"text {n}"), "DateTime": ("DateTime", 1700000000000 + n), "UUID": ("UUID", f"123e4567-e89b-12d3-a456-42661417400{n}"),
        "folder/below/Deep": ("Int32", n),
    }


def check_values(rig, n):
    for name, (kind, want) in expected(n).items():
        got = rig.read(f"{GROUP}/{EDGE}/dev/{name}")
        value = got["value"]
        right = math.isclose(value, want) if kind == "Double" else value == want and type(value) is type(want)
        if not right or got["type"] != kind or got["quality"] != "GOOD":
            raise Failed(f"{name}: {got}, want {kind} {want!r}")


def states(rig):
    n = rig.node(GROUP, EDGE)
    return n["state"], {d["device"]: d["state"] for d in n["devices"]}


def main():
    need_node()
    with Rig("foreign-edge") as rig:
        rig.broker()
        rig.host()
        foreign = rig.run("foreign", ["node", os.path.join(INTEROP, "foreign_edge.js"), str(rig.mqtt_port), GROUP, EDGE], stdin=subprocess.PIPE)
        rig.until("node and device are online", 30, lambda: states(rig) == ("online", {"dev": "online"}))
        rig.until("the births' values are there", 10, lambda: check_values(rig, 0) is None)
        firmware = rig.read(f"{GROUP}/{EDGE}/Firmware")
        if firmware["value"] != "foreign 1.0":
            raise Failed(f"node metric: {firmware}")

        for n in range(1, 6):
            foreign.send("step")
            rig.until(f"values of step {n}", 10, lambda: check_values(rig, n) is None)
        points = rig.until("all of them are in history", 10, lambda: (
            lambda h: h if len(h) == 6 else None)(rig.history(f"{GROUP}/{EDGE}/dev/UInt64", 0, 2**42)))
        if [v for _, v in points] != [9007199254740000 + n for n in range(6)]:
            raise Failed(f"history of UInt64: {points}")

        births = len(foreign.lines("birth"))
        rig.until("the host may send commands", 10, lambda: rig.cli("rebirth", f"{GROUP}/{EDGE}") is not None)
        rig.until("the foreign node was asked for a rebirth and gave one", 10, lambda: len(foreign.lines("birth")) > births)
        rig.until("still online", 10, lambda: states(rig) == ("online", {"dev": "online"}))

        foreign.send("ddeath")
        rig.until("DDEATH takes only the device down", 10, lambda: states(rig) == ("online", {"dev": "offline"}))
        stale = rig.read(f"{GROUP}/{EDGE}/dev/Int32")
        if stale["quality"] != "STALE" or not stale["stale_since_ms"]:
            raise Failed(f"value of a dead device: {stale}")
        foreign.send("dbirth")
        rig.until("DBIRTH brings it back", 10, lambda: states(rig) == ("online", {"dev": "online"}))
        if rig.node(GROUP, EDGE)["seq_gaps"] != 0:
            raise Failed(f"sequence gaps: {rig.node(GROUP, EDGE)}")

        foreign.kill()
        rig.until("kill -9: the Will takes node and device down", 30, lambda: states(rig) == ("offline", {"dev": "offline"}))
        rig.until("its values are stale", 10, lambda: rig.read(f"{GROUP}/{EDGE}/dev/String")["quality"] == "STALE")
        foreign.start()
        rig.until("started again it is online, though its bdSeq starts at 0 again", 30, lambda: states(rig) == ("online", {"dev": "online"}))
        foreign.send("stop")
        rig.until("its own NDEATH takes it down", 10, lambda: states(rig)[0] == "offline")
        foreign.kill()


main()
