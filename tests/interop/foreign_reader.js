// tests/interop/foreign_reader.js -- reads everything an edge node publishes with npm's sparkplug-payload and says what it understood.
//
//   node foreign_reader.js PORT
//
// One line of JSON per metric: {"verb","topic","device","seq","name","type","value","timestamp"}; "fault TEXT" for what it cannot
// accept: a payload that does not decode, a metric without type or value, an alias no birth has announced, a seq that jumps.
"use strict";
const mqtt = require("mqtt");
const payloads = require("sparkplug-payload").get("spBv1.0");
// The library's own protobuf schema: its decoded metrics do not tell "null" from "no value".
const { Payload } = require("sparkplug-payload/lib/sparkplugPayloadProto").org.eclipse.tahu.protobuf;
const port = process.argv[2];
const births = new Map(); // group/edge -> { names: Map(alias -> [device, name, type]), seq }
const fault = text => console.log("fault " + text);
const plain = v => v === null || v === undefined ? null : typeof v === "object" && "low" in v ? v.toString() : typeof v === "bigint" ? v.toString() : v;

const client = mqtt.connect("tcp://127.0.0.1:" + port, { clientId: "foreign-reader" });
client.on("connect", () => client.subscribe("spBv1.0/#", { qos: 1 }, e => console.log(e ? "fault subscribe " + e.message : "subscribed")));
client.on("message", (topic, bytes, packet) => {
  const [, group, verb, edge, device = ""] = topic.split("/");
  if (group === "STATE" || verb.endsWith("CMD")) return;
  if (packet.retain) fault(topic + " is retained");
  let p;
  try { p = payloads.decodePayload(bytes); } catch (e) { fault(topic + " does not decode: " + e.message); return; }
  const key = group + "/" + edge;
  if (verb === "NBIRTH") births.set(key, { names: new Map(), seq: 255 });
  const node = births.get(key);
  const seq = p.seq === undefined || p.seq === null ? null : Number(plain(p.seq));
  if (verb !== "NDEATH") {
    if (!node) { fault(topic + " before any NBIRTH"); return; }
    if (seq !== (node.seq + 1) % 256) fault(topic + " seq " + seq + " after " + node.seq);
    node.seq = seq;
    if (!p.timestamp) fault(topic + " has no timestamp");
  } else if (seq !== null && seq !== 0) fault("NDEATH with seq " + seq);
  const raw = Payload.decode(bytes).metrics;
  for (const [i, m] of (p.metrics || []).entries()) {
    const isNull = raw[i].hasOwnProperty("isNull") && raw[i].isNull === true;
    const alias = m.alias === undefined || m.alias === null ? null : String(plain(m.alias));
    let name = m.name, type = m.type;
    if (verb.endsWith("BIRTH")) {
      if (!name || !type) fault(topic + " birth metric without name or type: " + JSON.stringify(m));
      if (alias !== null && node.names.has(alias) && node.names.get(alias)[0] !== device) fault(topic + " alias " + alias + " is taken");
      if (alias !== null) node.names.set(alias, [device, name, type]);
    } else if (verb.endsWith("DATA")) {
      if (!name && alias !== null) {
        const known = node.names.get(alias);
        if (!known || known[0] !== device) { fault(topic + " unknown alias " + alias); continue; }
        name = known[1];
        if (type && type !== known[2]) fault(topic + " " + name + " is " + type + ", was born " + known[2]);
      }
      if (!name) fault(topic + " metric without name and alias");
    }
    if (!type) fault(topic + " " + name + " has no type on the wire");
    if (!isNull && (m.value === null || m.value === undefined)) fault(topic + " " + name + " (" + type + ") has no value");
    console.log("metric " + JSON.stringify({ verb, topic, device, seq, name, type, value: plain(m.value), timestamp: Number(plain(m.timestamp)) }));
  }
  if (!(p.metrics || []).length) console.log("metric " + JSON.stringify({ verb, topic, device, seq, name: null }));
});
