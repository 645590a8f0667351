"""tests/support/foreign.py -- edge nodes that are none of ours: MQTT 3.1.1 and Sparkplug B written byte by byte.

    plant = Foreign(port)
    node = plant.node("G", "f1", {"Level": 3, "Speed": 7})   # metric -> alias; all of type Double
    node.send(Level=1.5)                                      # NDATA by alias alone
    plant.close()                                             # DISCONNECT comes without NDEATH: call node.die() for that

A node is born when it connects, and again for each rebirth request (counted in node.rebirths). One thread serves all of them;
send() may be called from any other. Nothing is backfilled: these nodes keep nothing.
"""
import select
import socket
import struct
import threading
import time

DOUBLE, INT64 = 10, 4


def varint(n):
    out = b""
    while n >= 0x80:
        out += bytes([n & 0x7F | 0x80])
        n >>= 7
    return out + bytes([n])


def field(number, wire, body):
    return varint(number << 3 | wire) + (varint(len(body)) + body if wire == 2 else body)


def metric(timestamp, value, name=None, alias=None, kind=None):
    m = field(1, 2, name.encode()) if name is not None else b""
    m += field(2, 0, varint(alias)) if alias is not None else b""
    m += field(3, 0, varint(timestamp))
    m += field(4, 0, varint(kind)) if kind is not None else b""
    if isinstance(value, bool):
        m += field(14, 0, varint(value))
    elif isinstance(value, int):
        m += field(11, 0, varint(value))
    else:
        m += field(13, 1, struct.pack("<d", value))
    return field(2, 2, m)


def packet(kind, body):
    return bytes([kind]) + varint(len(body)) + body


def text(s):
    b = s if isinstance(s, bytes) else s.encode()
    return struct.pack(">H", len(b)) + b


class Node:
    def __init__(self, port, group, edge, metrics, bd_seq):
        self.group, self.edge, self.metrics, self.bd_seq = group, edge, metrics, bd_seq
        self.values = {name: 0.0 for name in metrics}
        self.sent = {name: [] for name in metrics}  # [(timestamp, value)] of births and data
        self.rebirths, self.seq, self.last_ms = 0, 0, 0
        self.lock = threading.Lock()
        self.buffer = b""
        self.socket = socket.create_connection(("127.0.0.1", port), 10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        will = text(self.topic("NDEATH")) + text(field(1, 0, varint(self.now())) + metric(self.now(), bd_seq, "bdSeq", kind=INT64))
        self.write(packet(0x10, text("MQTT") + bytes([4, 0x2 | 0x4 | 0x8]) + struct.pack(">H", 60) + text(f"{group}-{edge}") + will))
        self.write(packet(0x82, struct.pack(">H", 1) + text(self.topic("NCMD")) + b"\1"))
        self.birth()

    def topic(self, verb):
        return f"spBv1.0/{self.group}/{verb}/{self.edge}"

    def now(self):
        """The clock in ms, never the same twice: every value has a time of its own."""
        self.last_ms = max(int(time.time() * 1000), self.last_ms + 1)
        return self.last_ms

    def write(self, data):
        self.socket.sendall(data)

    def publish(self, verb, payload):
        self.write(packet(0x30, text(self.topic(verb)) + payload))

    def birth(self):
        with self.lock:
            t, self.seq = self.now(), 0
            body = field(1, 0, varint(t)) + metric(t, self.bd_seq, "bdSeq", kind=INT64) + metric(t, False, "Node Control/Rebirth", kind=11)
            for name, alias in self.metrics.items():
                body += metric(t, self.values[name], name, alias, DOUBLE)
                self.sent[name].append((t, self.values[name]))
            self.publish("NBIRTH", body + field(3, 0, varint(0)))

    def send(self, **values):
        with self.lock:
            t, self.seq = self.now(), (self.seq + 1) % 256
            body = field(1, 0, varint(t))
            for name, value in values.items():
                body += metric(t, float(value), alias=self.metrics[name])
                self.values[name] = float(value)
                self.sent[name].append((t, float(value)))
            self.publish("NDATA", body + field(3, 0, varint(self.seq)))
            return t

    def die(self):
        with self.lock:
            self.publish("NDEATH", field(1, 0, varint(self.now())) + metric(self.now(), self.bd_seq, "bdSeq", kind=INT64))
            self.write(b"\xe0\0")

    def receive(self):
        """What has come; PUBLISH packets are looked at for a rebirth request."""
        got = self.socket.recv(65536)
        if not got:
            raise OSError("the broker closed the connection")
        self.buffer += got
        while True:
            n, at = 0, 1
            while at < len(self.buffer) and self.buffer[at] & 0x80:
                at += 1
            if at >= len(self.buffer):
                return
            for i in range(at, 0, -1):
                n = n << 7 | self.buffer[i] & 0x7F
            if len(self.buffer) < at + 1 + n:
                return
            kind, body = self.buffer[0] >> 4, self.buffer[at + 1:at + 1 + n]
            self.buffer = self.buffer[at + 1 + n:]
            if kind == 3 and b"Node Control/Rebirth" in body:
                self.rebirths += 1
                self.birth()


class Foreign:
    def __init__(self, port):
        self.port, self.nodes, self.failed, self.stopping = port, [], None, False
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def node(self, group, edge, metrics, bd_seq=0):
        n = Node(self.port, group, edge, metrics, bd_seq)
        self.nodes.append(n)
        return n

    def serve(self):
        ping = time.monotonic()
        try:
            while not self.stopping:
                by_socket = {n.socket: n for n in list(self.nodes)}
                for s in select.select(list(by_socket), [], [], 0.05)[0]:
                    by_socket[s].receive()
                if time.monotonic() - ping > 20:
                    ping = time.monotonic()
                    for n in list(self.nodes):
                        with n.lock:
                            n.write(b"\xc0\0")
        except OSError as e:
            if not self.stopping:
                self.failed = e

    def close(self):
        self.stopping = True
        self.thread.join(10)
        for n in self.nodes:
            n.socket.close()
