"""A foreign PLC (Debian's python3-pymodbus) feeds plantree-edge: all types and both word orders read, writes land, its death is a device's death."""
import os
import struct
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))
from rig import EDGE, GROUP, Failed, Rig, free_port, skip  # noqa: E402

PYTHON = "/usr/bin/python3"  # the one that has Debian's packages


def words(fmt, value, swap=False):
    raw = struct.pack(">" + fmt, value)
    got = list(struct.unpack(f">{len(raw) // 2}H", raw))
    return got[::-1] if swap else got


# name, register, type, order, words in the PLC, value
ROWS = [
    ("i16", "holding:0", "Int16", "big", words("h", -12345), -12345),
    ("u16", "holding:1", "UInt16", "big", words("H", 54321), 54321),
    ("i32", "holding:2", "Int32", "big", words("i", -2000000001), -2000000001),
    ("u32", "holding:4", "UInt32", "big", words("I", 4000000001), 4000000001),
    ("i64", "holding:6", "Int64", "big", words("q", -9000000000000001), -9000000000000001),
    ("u64", "holding:10", "UInt64", "big", words("Q", 9000000000000001), 9000000000000001),
    ("f32", "holding:14", "Float", "big", words("f", -2.75), -2.75),
    ("f64", "holding:16", "Double", "big", words("d", 3.141592653589793), 3.141592653589793),
    ("f32s", "holding:20", "Float", "word-swap", words("f", 1234.5, True), 1234.5),
    ("i32s", "holding:22", "Int32", "word-swap", words("i", -77777, True), -77777),
    ("in16", "input:5", "UInt16", "big", [4711], 4711),
]


def main():
    if subprocess.run([PYTHON, "-c", "import pymodbus.server"], capture_output=True).returncode != 0:
        skip("python3-pymodbus is not installed")
    with Rig("foreign-plc") as rig:
        rig.broker()
        rig.host()
        port = free_port()
        plc = rig.run("foreign", [PYTHON, os.path.join(HERE, "foreign_plc.py"), str(port)], stdin=subprocess.PIPE)
        rig.until_listening(port, plc)

        def fill():
            for name, register, _, _, regs, _ in ROWS:
                table, at = register.split(":")
                plc.send(f"{'set' if table == 'holding' else table} {at} {' '.join(map(str, regs))}")
            plc.send("coil 3 1")
            plc.send("discrete 4 1")
        fill()
        rows = "".join(f"      - {{ name: {name}, register: '{register}', type: {kind}, order: {order}, write: true }}\n" if register.startswith("holding")
                       else f"      - {{ name: {name}, register: '{register}', type: {kind}, order: {order} }}\n"
                       for name, register, kind, order, _, _ in ROWS)
        rig.edge(f"  - id: foreign\n    driver: modbus-tcp\n    address: 127.0.0.1:{port}\n    unit: 1\n    poll: 100ms\n    tags:\n{rows}"
                 "      - { name: valve, register: 'coil:3', type: Boolean, write: true }\n"
                 "      - { name: door, register: 'discrete:4', type: Boolean }\n")
        device = f"{GROUP}/{EDGE}/foreign"

        def right():
            for name, _, kind, _, _, want in ROWS + [("valve", "", "Boolean", "", [], True), ("door", "", "Boolean", "", [], True)]:
                got = rig.read(f"{device}/{name}")
                if got["value"] != want or got["type"] != kind or got["quality"] != "GOOD":
                    raise Failed(f"{name}: {got}, want {kind} {want!r}")
            return True
        rig.until("every register is read right", 30, right)

        # the first seconds after its start a host sends no commands
        rig.until("a write is confirmed", 20, lambda: rig.cli("write", f"{device}/f32s", "-0.5", "--wait", "5s") is not None)
        rig.until("the PLC saw the Float, low word first", 5, lambda: "wrote holding 20 [0, 48896]" in plc.log())
        rig.cli("write", f"{device}/u16", "7", "--wait", "5s")
        rig.until("the PLC saw the word", 5, lambda: "wrote holding 1 [7]" in plc.log())
        rig.cli("write", f"{device}/valve", "false", "--wait", "5s")
        rig.until("the PLC saw the coil", 5, lambda: "wrote coil 3 [False]" in plc.log())
        rig.until("what was written is read back", 5, lambda: rig.read(f"{device}/f32s")["value"] == -0.5 and rig.read(f"{device}/valve")["value"] is False)

        def state():
            n = rig.node()
            return n["state"], [d["state"] for d in n["devices"] if d["device"] == "foreign"]
        plc.kill()
        rig.until("kill -9 of the PLC takes only the device down", 30, lambda: state() == ("online", ["offline"]))
        plc.start()
        rig.until_listening(port, plc)
        fill()
        rig.until("it comes back by itself", 60, lambda: state() == ("online", ["online"]))
        rig.until("with its values", 10, right)


main()
