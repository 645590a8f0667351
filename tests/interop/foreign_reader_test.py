"""A foreign reader (npm sparkplug-payload) decodes every message plantree-edge publishes: sequence, names, datatypes and, against the PLC's ledger, values."""
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from rig import EDGE, FILLER_TAGS, GROUP, INTEROP, Failed, Ledger, Rig, filler_device, need_node  # noqa: E402

SLACK_MS = 500  # between a value standing in the PLC's tables and the edge's timestamp of it


def main():
    need_node()
    with Rig("foreign-reader") as rig:
        rig.broker()
        reader = rig.run("reader", ["node", os.path.join(INTEROP, "foreign_reader.js"), str(rig.mqtt_port)])
        rig.until("the reader has subscribed", 20, lambda: reader.lines("subscribed"))
        plc = rig.plc("--record", rig.path("ledger.csv"), "--scan", "150", "--speed", "5")
        # JavaScript readers know UInt32 only in the long field.
        edge = rig.edge(filler_device(plc.port, poll="100ms"), sparkplug=", uint32_encoding: long, aliases: true")

        def metrics():
            return [json.loads(l) for l in reader.lines("metric ")]

        def data_of(name):
            return [m for m in metrics() if m["verb"] == "DDATA" and m["name"] == name]
        rig.until("data flows", 30, lambda: len(data_of("Level/PV")) >= 30 and len(data_of("Filler/Count")) >= 20)

        births = len([m for m in metrics() if m["verb"] == "NBIRTH" and m["name"] == "bdSeq"])
        rig.get(rig.edge_url + "/api/v1/rebirth", method="POST")
        rig.until("a rebirth is decoded too", 20, lambda: len([m for m in metrics() if m["verb"] == "NBIRTH" and m["name"] == "bdSeq"]) > births)
        n = len(data_of("Level/PV"))
        rig.until("data flows on", 20, lambda: len(data_of("Level/PV")) > n + 10)
        edge.stop()
        rig.until("the death is decoded", 20, lambda: [m for m in metrics() if m["verb"] == "NDEATH"])
        plc.stop()

        faults = reader.lines("fault ")
        if faults:
            raise Failed(f"{len(faults)} faults, first: {faults[:3]}")
        got = metrics()
        types = {name: (register, kind) for name, register, kind, _ in FILLER_TAGS}
        born = {m["name"]: m["type"] for m in got if m["verb"] == "DBIRTH"}
        for name, (_, kind) in types.items():
            if born.get(name) != kind:
                raise Failed(f"{name} is born as {born.get(name)}, not {kind}")
        deaths = [m for m in got if m["verb"] == "NDEATH"]
        session = [m for m in got if m["verb"] == "NBIRTH" and m["name"] == "bdSeq"]
        if deaths[-1]["name"] != "bdSeq" or deaths[-1]["value"] != session[-1]["value"] or deaths[-1]["type"] != "Int64":
            raise Failed(f"NDEATH {deaths[-1]} does not fit NBIRTH {session[-1]}")
        ledger = Ledger(rig.path("ledger.csv"))
        compared = 0
        for m in got:
            if m["device"] != "filler" or m["name"] not in types:
                continue
            register, kind = types[m["name"]]
            if not ledger.agrees(register, kind, m["timestamp"], m["value"], SLACK_MS):
                near = ledger.visible(register, m["timestamp"] - SLACK_MS, m["timestamp"] + SLACK_MS)
                raise Failed(f"{m['name']} = {m['value']} at {m['timestamp']}; the PLC held {near}")
            compared += 1
        print(f"{len(got)} metrics decoded, {compared} values compared with the PLC's ledger, {GROUP}/{EDGE}", flush=True)


main()
