"""tests/support/rig.py -- real programs on free loopback ports, for tests that need several of them.

    with Rig("name") as rig:
        broker = rig.broker()
        plc = rig.plc("--scan", "200")
        edge = rig.edge(devices=FILLER.format(plc=plc.port))
        host = rig.host()
        rig.until("the node is online", 30, lambda: rig.node("g", "e")["state"] == "online")

Programs are found in $PLANTREE_BIN, they write their logs into the rig's folder, die with the test (PDEATHSIG), and are ended
by process id. Nothing sleeps a fixed time: everything waits for a condition with a deadline. When a test fails the ends
of all logs are printed. A missing foreign tool is a skip (exit 77), or a failure when PLANTREE_TEST_STRICT is set.
"""
import bisect
import ctypes
import json
import os
import secrets
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

SRC = os.environ.get("PLANTREE_SRC") or os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BIN = os.environ.get("PLANTREE_BIN") or os.path.join(SRC, "build", "bin")
INTEROP = os.path.join(SRC, "tests", "interop")

GROUP, EDGE = "G", "e1"
PATIENCE = 4


class Failed(Exception):
    pass


def skip(why):
    strict = os.environ.get("PLANTREE_TEST_STRICT")
    print(("FAIL: " if strict else "SKIP: ") + why, flush=True)
    sys.exit(1 if strict else 77)


def need_node():
    if not shutil.which("node"):
        skip("node is not installed")
    if not os.path.isdir(os.path.join(INTEROP, "node_modules", "sparkplug-payload")):
        skip("the foreign peers are not there: npm ci --prefix tests/interop")


def free_port():
    """A port that was free a moment ago, below those the kernel gives to outgoing connections: no client of another test takes it while a server is down."""
    for _ in range(1000):
        port = 10000 + secrets.randbelow(20000)
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise Failed("no free port")


def _die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


class Program:
    """One running program: .kill() is kill -9, .stop() asks, .start() starts it (again) with the same arguments."""

    def __init__(self, rig, name, argv, stdin=None, env=None):
        self.rig, self.name, self.argv, self.env = rig, name, argv, env
        self.want_stdin = stdin
        self.log_path = os.path.join(rig.dir, name + ".log")
        self.popen = None
        self.port = None
        self.start()

    def start(self):
        with open(self.log_path, "ab") as log:
            self.popen = subprocess.Popen(self.argv, stdin=self.want_stdin or subprocess.DEVNULL, stdout=log, stderr=log,
                                          preexec_fn=_die_with_parent, env={**os.environ, **(self.env or {})})

    @property
    def pid(self):
        return self.popen.pid

    def running(self):
        return self.popen.poll() is None

    def kill(self):
        self.popen.kill()
        return self.popen.wait()

    def stop(self, timeout=20):
        if self.running():
            self.popen.terminate()
            try:
                self.popen.wait(timeout)
            except subprocess.TimeoutExpired:
                self.kill()
                raise Failed(f"{self.name} did not stop within {timeout} s of SIGTERM")
        return self.popen.returncode

    def send(self, line):
        self.popen.stdin.write((line + "\n").encode())
        self.popen.stdin.flush()

    def log(self):
        with open(self.log_path, "rb") as f:
            return f.read().decode("utf-8", "replace")

    def lines(self, prefix):
        """What the program has printed after `prefix`, line by line."""
        return [l[len(prefix):] for l in self.log().splitlines() if l.startswith(prefix)]


class Rig:
    def __init__(self, name):
        self.name = name
        self.programs = []
        self.mqtt_port = None
        self.url = None
        self.edge_url = None

    def __enter__(self):
        self.dir = tempfile.mkdtemp(prefix="plantree-" + self.name + "-")
        return self

    def __exit__(self, kind, error, trace):
        clean = True
        for p in reversed(self.programs):
            if p.running():
                try:
                    code = p.stop()
                    if code not in (0, -signal.SIGTERM) and kind is None and p.name in ("edge", "host", "plc"):
                        print(f"FAIL: {p.name} ended with {code} after SIGTERM", flush=True)
                        clean = False
                except Failed as e:
                    print(f"FAIL: {e}", flush=True)
                    clean = False
        for p in self.programs:  # a sanitizer's report is a failure even when the test saw nothing
            for mark in ("ERROR: AddressSanitizer", "ERROR: LeakSanitizer", "runtime error:"):
                if mark in p.log():
                    print(f"FAIL: {p.name}: {mark}", flush=True)
                    clean = False
        if kind is not None or not clean:
            for p in self.programs:
                tail = p.log()[-4000:]
                print(f"--- {p.name} ({' '.join(p.argv)})\n{tail}", flush=True)
        shutil.rmtree(self.dir, ignore_errors=True)
        if kind is Failed:
            print(f"FAIL: {error}", flush=True)
            sys.exit(1)
        if not clean:
            sys.exit(1)
        return False

    def path(self, *parts):
        return os.path.join(self.dir, *parts)

    def write(self, name, text):
        with open(self.path(name), "w") as f:
            f.write(text)
        return self.path(name)

    def run(self, name, argv, **kw):
        p = Program(self, name, argv, **kw)
        self.programs.append(p)
        return p

    # ---- waiting ----

    def until(self, what, seconds, condition):
        """Call `condition` until it gives something true; that is returned. Errors of a program that is not there yet count as not yet.
        `seconds` are ample on an idle machine; one that has much else to do, or runs with sanitizers, is given PATIENCE times as long."""
        deadline = time.monotonic() + seconds * PATIENCE
        last = None
        while True:
            try:
                got = condition()
                if got:
                    return got
                last = got
            except (Failed, KeyError, IndexError, TypeError, ValueError, OSError) as e:
                last = f"{type(e).__name__}: {e}"
            if time.monotonic() > deadline:
                raise Failed(f"not within {seconds} s: {what} (last: {last!r})")
            time.sleep(0.05)

    def until_listening(self, port, program):
        def listening():
            if not program.running():
                raise Failed(f"{program.name} has ended with {program.popen.returncode}")
            with socket.create_connection(("127.0.0.1", port), 1):
                return True
        self.until(f"{program.name} listens on {port}", 30, listening)

    # ---- programs ----

    def broker(self):
        self.mqtt_port = free_port()
        conf = self.write("mosquitto.conf", f"listener {self.mqtt_port} 127.0.0.1\nallow_anonymous true\npersistence false\nset_tcp_nodelay true\n")
        binary = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
        p = self.run("broker", [binary, "-c", conf])
        p.port = self.mqtt_port
        self.until_listening(self.mqtt_port, p)
        return p

    def plc(self, *args, name="plc"):
        p = self.run(name, [os.path.join(BIN, "plantree-plc"), "--listen", "127.0.0.1:0", *args])
        line = self.until("the PLC prints its port", 10, lambda: p.lines("listening on "))[0]
        p.port = int(line.rsplit(":", 1)[1])
        p.argv[2] = f"127.0.0.1:{p.port}"  # the same when started again
        return p

    def edge(self, devices, group=GROUP, edge=EDGE, mqtt="", sparkplug="", name="edge"):
        port = free_port()
        conf = self.write(name + ".yaml", f"""version: 1
node: {{ group: '{group}', id: '{edge}' }}
mqtt: {{ servers: ['tcp://127.0.0.1:{self.mqtt_port}']{mqtt} }}
sparkplug: {{ data_datatype: true{sparkplug} }}
spool: {{ dir: '{self.path(name + "-spool")}' }}
http: {{ listen: '127.0.0.1:{port}' }}
devices:
{devices}""")
        os.makedirs(self.path(name + "-spool"), exist_ok=True)
        p = self.run(name, [os.path.join(BIN, "plantree-edge"), "--config", conf])
        p.port = port
        self.edge_url = f"http://127.0.0.1:{port}"
        self.until_listening(port, p)
        return p

    def host(self, embedded=False, extra="", mqtt=""):
        port = free_port()
        if embedded:
            self.mqtt_port = free_port()
        conf = self.write("host.yaml", f"""version: 1
host: {{ id: 'H', role: primary }}
mqtt: {{ servers: ['tcp://127.0.0.1:{self.mqtt_port}'], embedded_broker: {str(embedded).lower()}{mqtt} }}
data: {{ dir: '{self.path("data")}', commit_interval: 100ms }}
http: {{ listen: '127.0.0.1:{port}' }}
{extra}""")
        os.makedirs(self.path("data"), exist_ok=True)
        p = self.run("host", [os.path.join(BIN, "plantree-host"), "--config", conf])
        p.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.until_listening(port, p)
        return p

    # ---- asking ----

    def get(self, url, method="GET", body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(url, data=data, method=method, headers={"Content-Type": "application/json"} if data else {})
        try:
            with urllib.request.urlopen(request, timeout=10) as r:
                text = r.read()
        except urllib.error.HTTPError as e:
            raise Failed(f"{method} {url}: {e.code} {e.read()[:300]!r}")
        return json.loads(text) if text else None

    def cli(self, *args, data=None, expect=0, timeout=60):
        where = ["--data", data] if data else ["--url", self.url]
        r = subprocess.run([os.path.join(BIN, "plantree"), *where, *args], stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout)
        if r.returncode != expect:
            raise Failed(f"plantree {' '.join(args)} gives {r.returncode}, not {expect}: {r.stderr.decode()[-500:]} {r.stdout.decode()[-300:]}")
        return r.stdout.decode()

    def cli_json(self, *args, **kw):
        return json.loads(self.cli(*args, "--json", **kw))

    def node(self, group=GROUP, edge=EDGE):
        for n in self.cli_json("nodes"):
            if n["group"] == group and n["edge"] == edge:
                return n
        raise Failed(f"no node {group}/{edge}")

    def read(self, path):
        got = self.cli_json("read", path)
        if len(got) != 1:
            raise Failed(f"{path}: {len(got)} values")
        return got[0]

    def history(self, path, from_ms, to_ms, **kw):
        """[(timestamp_ms, value)] of one tag."""
        got = self.cli_json("history", path, "--from", str(int(from_ms)), "--to", str(int(to_ms)), **kw)
        series = got["series"]
        if len(series) != 1:
            raise Failed(f"{path}: {len(series)} series")
        return list(zip(series[0]["t"], series[0]["v"]))


# ---- comparing with the PLC's ledger ----

def same(kind, got, text):
    """Is the value `got` (from JSON) the ledger's `text`, as the datatype sees it?"""
    if kind == "Boolean":
        return got is (text == "true")
    if kind == "String":
        return got == text
    if kind == "Float":
        return isinstance(got, (int, float)) and struct.pack("f", got) == struct.pack("f", float(text))
    if kind == "Double":
        return isinstance(got, (int, float)) and float(got) == float(text)
    return not isinstance(got, bool) and int(got) == int(text)


class Ledger:
    """The PLC's own account of what could be read when (docs/plc.md)."""

    def __init__(self, *paths):
        self.changes = {}  # address -> ([time], [text])
        for path in paths:
            with open(path) as f:
                text = f.read()
            for line in text[:text.rindex("\n")].split("\n")[1:]:
                time_ms, address, value, _ = line.split(",")
                t, v = self.changes.setdefault(address, ([], []))
                t.append(int(time_ms))
                v.append(value)

    def visible(self, address, from_ms, to_ms):
        """All values that stood in the tables at some time from from_ms to to_ms."""
        t, v = self.changes[address]
        first = max(bisect.bisect_right(t, from_ms) - 1, 0)
        return v[first:bisect.bisect_right(t, to_ms)]

    def agrees(self, address, kind, time_ms, value, slack_ms):
        return any(same(kind, value, text) for text in self.visible(address, time_ms - slack_ms, time_ms + slack_ms))


# ---- the bottling line's tags, as the edge's configuration and as tests want to see them ----

FILLER_TAGS = [  # name, register, type, writable
    ("Level/PV", "holding:0", "Float", False),
    ("Level/SP", "holding:2", "Float", True),
    ("Batch/Size", "holding:14", "UInt32", True),
    ("Batch/Id", "holding:20", "String", False),
    ("Inflow/PV", "input:2", "Float", False),
    ("Conveyor/Speed", "input:6", "Float", False),
    ("Motor/Temperature", "input:10", "Float", False),
    ("Filler/Count", "input:12", "UInt32", False),
    ("Filler/Total", "input:14", "UInt64", False),
    ("Line/State", "input:21", "UInt16", False),
    ("Filler/Error", "input:22", "Int32", False),
    ("Line/Energy", "input:24", "Double", False),
    ("Ambient/Temperature", "input:28", "Int16", False),
    ("Line/Run", "coil:0", "Boolean", True),
    ("Heartbeat", "discrete:7", "Boolean", False),
]


def filler_device(port, poll="100ms", tags=FILLER_TAGS, device="filler"):
    """The YAML of a device that polls plantree-plc."""
    rows = []
    for name, register, kind, writable in tags:
        more = ", write: true" if writable else ""
        more += ", length: 20" if kind == "String" else ""
        rows.append(f"      - {{ name: '{name}', register: '{register}', type: {kind}{more} }}")
    return f"  - id: {device}\n    driver: modbus-tcp\n    address: 127.0.0.1:{port}\n    unit: 1\n    poll: {poll}\n    tags:\n" + "\n".join(rows) + "\n"
