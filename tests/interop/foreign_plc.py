"""tests/interop/foreign_plc.py -- Debian's python3-pymodbus as a Modbus TCP server on a free port.

Prints "listening PORT" and "wrote TABLE ADDRESS [VALUES]" for each write. Reads "set ADDRESS VALUE..." (holding registers) and "coil ADDRESS 0|1".
"""
import asyncio
import sys
import threading

from pymodbus.datastore import ModbusSequentialDataBlock, ModbusServerContext, ModbusSlaveContext
from pymodbus.server import StartAsyncTcpServer


class Block(ModbusSequentialDataBlock):
    def __init__(self, name, values):
        super().__init__(0, values)
        self.name = name

    def setValues(self, address, values):
        super().setValues(address, values)
        print("wrote", self.name, address, list(values), flush=True)


holding = Block("holding", [0] * 100)
coils = Block("coil", [False] * 100)
inputs = ModbusSequentialDataBlock(0, [0] * 100)
discretes = ModbusSequentialDataBlock(0, [False] * 100)


def commands():
    for line in sys.stdin:
        word, *rest = line.split()
        at, values = int(rest[0]), [int(v) for v in rest[1:]]
        block = {"set": holding, "coil": coils, "input": inputs, "discrete": discretes}[word]
        ModbusSequentialDataBlock.setValues(block, at, [bool(v) for v in values] if word in ("coil", "discrete") else values)


async def main():
    port = int(sys.argv[1])
    slave = ModbusSlaveContext(di=discretes, co=coils, hr=holding, ir=inputs, zero_mode=True)
    threading.Thread(target=commands, daemon=True).start()
    await StartAsyncTcpServer(context=ModbusServerContext(slaves=slave, single=True), address=("127.0.0.1", port))


asyncio.run(main())
