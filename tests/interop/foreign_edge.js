// tests/interop/foreign_edge.js -- a Sparkplug edge node made of npm's sparkplug-client, driven by lines on standard input.
//
//   node foreign_edge.js PORT GROUP EDGE
//
// Prints: "birth" after each NBIRTH and DBIRTH; "cmd NAME=VALUE" for each command metric. Reads: "step" (publish DDATA with the
// next values), "ddeath", "dbirth", "stop" (NDEATH and disconnect).
"use strict";
const sparkplug = require("sparkplug-client");
const Long = require("long");
const [port, group, edge] = process.argv.slice(2);
let step = 0;

const values = {
  "Int8": ["Int8", n => -5 - n], "Int16": ["Int16", n => -300 - n], "Int32": ["Int32", n => -70000 - n],
  "Int64": ["Int64", n => Long.fromString("-9007199254740000").sub(n)],
  "UInt8": ["UInt8", n => 250 + n], "UInt16": ["UInt16", n => 65000 + n], "UInt32": ["UInt32", n => 4000000000 + n],
  "UInt64": ["UInt64", n => Long.fromString("9007199254740000", true).add(n)],
  "Float": ["Float", n => 1.5 + n], "Double": ["Double", n => 0.1 + n],
  "Boolean": ["Boolean", n => n % 2 === 0], "String": ["String", n => "Größe " + n], "Text": ["Text", n => "text " + n],
  "DateTime": ["DateTime", n => 1700000000000 + n], "UUID": ["UUID", n => "123e4567-e89b-12d3-a456-42661417400" + n],
  "folder/below/Deep": ["Int32", n => n],
};
const metrics = () => Object.entries(values).map(([name, [type, f]]) => ({ name, type, value: f(step), timestamp: Date.now() }));

const client = sparkplug.newClient({
  serverUrl: "tcp://127.0.0.1:" + port, username: "", password: "", groupId: group, edgeNode: edge,
  clientId: "foreign-" + edge, version: "spBv1.0", keepalive: 5, publishDeath: true,
});
function birth() {
  client.publishNodeBirth({ timestamp: Date.now(), metrics: [
    { name: "Node Control/Rebirth", type: "Boolean", value: false, timestamp: Date.now() },
    { name: "Firmware", type: "String", value: "foreign 1.0", timestamp: Date.now() } ] });
  client.publishDeviceBirth("dev", { timestamp: Date.now(), metrics: metrics() });
  console.log("birth");
}
client.on("birth", birth);
client.on("error", e => { console.log("error " + e.message); process.exit(1); });
const commands = (where, payload) => {
  for (const m of payload.metrics || []) {
    console.log("cmd " + where + m.name + "=" + m.value);
    if (m.name === "Node Control/Rebirth" && m.value === true) birth();
  }
};
client.on("ncmd", p => commands("", p));
client.on("dcmd", (device, p) => commands(device + ":", p));

require("readline").createInterface({ input: process.stdin }).on("line", line => {
  if (line === "step") { step++; client.publishDeviceData("dev", { timestamp: Date.now(), metrics: metrics() }); }
  else if (line === "ddeath") client.publishDeviceDeath("dev", { timestamp: Date.now() });
  else if (line === "dbirth") client.publishDeviceBirth("dev", { timestamp: Date.now(), metrics: metrics() });
  else if (line === "stop") client.stop();
});
