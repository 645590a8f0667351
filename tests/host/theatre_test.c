/* The protocol theatre: a scripted foreign edge node plays one rule or trap of Sparkplug after the other to a complete host,
 * and after each scene the nodes, the values and the published commands are what they should be. Notation: stage.h, wire.h. */
#include "tests/base/client.h"
#include "tests/host/stage.h"
#include "tests/host/wire.h"
#include "tests/support/check.h"
#include "tests/support/wait.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static const struct {
    const char *name, *lines;
} scenes[] = {
    { "a birth: online, bdSeq, values, types, units",
      "NBIRTH g/$ | ts=1000 seq=0 bd=7 T:10=d21.5@900;engUnit:12=sC N:3=i42@900 S:12=shello_world@900\n"
      "node state = \"online\"\nnode bd_seq = 7\nnode seq = 0\nnode metrics = 4\n"
      "value g/$/T = 21.5 GOOD\nvalue g/$/N = 42 GOOD\nvalue g/$/S = \"hello world\" GOOD\nncmd 0" },
    { "a device and its data",
      "NBIRTH g/$ | ts=1000 seq=0 bd=1\nDBIRTH g/$/d | ts=1001 seq=1 L:10=d1@1001\nDDATA g/$/d | ts=1002 seq=2 L=d2@1002\n"
      "device d state = \"online\"\ndevice d metrics = 1\nvalue g/$/d/L = 2 GOOD\nhistory g/$/d/L = [1,2]\nncmd 0" },
    { "data by alias", "NBIRTH g/$ | ts=1000 seq=0 bd=1 A#0:10=d1@1000 B#1:10=d2@1000\nNDATA g/$ | ts=1001 seq=1 #1=d9@1001 #0=d8@1001\n"
                       "value g/$/A = 8 GOOD\nvalue g/$/B = 9 GOOD" },
    { "large aliases",
      "NBIRTH g/$ | ts=1000 seq=0 bd=1 A#18446744073709551615:10=d1@1000\nNDATA g/$ | ts=1001 seq=1 #18446744073709551615=d9@1001\n"
      "value g/$/A = 9 GOOD" },
    { "every integer type",
      "NBIRTH g/$ | ts=1000 seq=0 bd=1 i8:1=i4294967254@1 i16:2=i4294937296@1 i32:3=i4294967295@1 i64:4=l-1@1 u8:5=i200@1 u16:6=i60000@1 u32:7=i4294967295@1 u64:8=l18446744073709551615@1\n"
      "value g/$/i8 = -42 GOOD\nvalue g/$/i16 = -30000 GOOD\nvalue g/$/i32 = -1 GOOD\nvalue g/$/i64 = -1 GOOD\nvalue g/$/u8 = 200 GOOD\n"
      "value g/$/u16 = 60000 GOOD\nvalue g/$/u32 = 4294967295 GOOD" },
    { "UInt32 in long_value, Int8 masked to its width, Int64 in int_value",
      "NBIRTH g/$ | ts=1000 seq=0 bd=1 u:7=l4294967295@1 i:1=i214@1 l:4=i5@1\nvalue g/$/u = 4294967295 GOOD\nvalue g/$/i = -42 GOOD\nvalue g/$/l = 5 GOOD" },
    { "an out-of-range UInt8 is masked and counted, not refused",
      "NBIRTH g/$ | ts=1000 seq=0 bd=1 u:5=i300@1\nvalue g/$/u = 44 GOOD\nnode samples.rejected = 0\nnode samples.masked = 1" },
    { "Float, Boolean, DateTime, Text, UUID",
      "NBIRTH g/$ | ts=1000 seq=0 bd=1 f:9=f1.5@1 b:11=b1@1 t:13=l1700000000000@1 x:14=sabc@1 u:15=s123e4567@1\n"
      "value g/$/f = 1.5 GOOD\nvalue g/$/b = true GOOD\nvalue g/$/t = 1700000000000 GOOD\nvalue g/$/x = \"abc\" GOOD\nvalue g/$/u = \"123e4567\" GOOD" },
    { "NaN and infinity",
      "NBIRTH g/$ | ts=1000 seq=0 bd=1 n:10=dnan@1 i:10=dinf@1\nvalue g/$/n = \"NaN\" GOOD\nvalue g/$/i = \"Infinity\" GOOD" },
    { "Bytes are base64", "NBIRTH g/$ | ts=1000 seq=0 bd=1 b:17=x00ff10@1\nvalue g/$/b = \"AP8Q\" GOOD" },
    { "arrays: Int16, Boolean MSB first, String",
      "NBIRTH g/$ | ts=1000 seq=0 bd=1 a:23=x0100ffff@1 b:32=x03000000a0@1 s:33=x616200630000@1\n"
      "value g/$/a = [1,-1] GOOD\nvalue g/$/b = [true,false,true] GOOD\nvalue g/$/s = [\"ab\",\"c\",\"\"] GOOD" },
    { "an array of a wrong length is a bad metric, the rest stays",
      "NBIRTH g/$ | ts=1000 seq=0 bd=1 a:23=x0100ff@1 ok:10=d1@1\nvalue g/$/ok = 1 GOOD\ncount bad-value 1" },
    { "a DataSet",
      "NBIRTH g/$ | ts=1000 seq=0 bd=1 d:16=D08021201611201621803180b22080a0208070a022801@1\nvalue g/$/d = {\"columns\":[\"a\",\"b\"],\"types\":[\"Int32\",\"Boolean\"],\"rows\":[[7,true]]} GOOD" },
    { "a template instance: members are tags, the definition is none",
      "NBIRTH g/$ | ts=1000 seq=0 bd=1 M:19=T{d}(rpm:10=-!n,on:11=-!n)@1 m1:19=T{M}(rpm:10=d5@1,on:11=b1@1)@1\n"
      "value g/$/m1/rpm = 5 GOOD\nvalue g/$/m1/on = true GOOD\nabsent g/$/M\n"
      "NDATA g/$ | ts=1002 seq=1 m1=T{M}(rpm=d6@2)@2\nvalue g/$/m1/rpm = 6 GOOD\nvalue g/$/m1/on = true GOOD" },
    { "null is a value state",
      "NBIRTH g/$ | ts=1000 seq=0 bd=1 a:10=-@1!n\nvalue g/$/a = null GOOD\nNDATA g/$ | ts=1002 seq=1 a=d1@2\nvalue g/$/a = 1 GOOD" },
    { "quality in and out",
      "NBIRTH g/$ | ts=1000 seq=0 bd=1 a:10=d1@1;Quality:3=i0\nvalue g/$/a = 1 BAD\nNDATA g/$ | ts=1002 seq=1 a=d2@2\nvalue g/$/a = 2 GOOD" },
    { "historical samples go to history and leave the present alone",
      "NBIRTH g/$ | ts=1000 seq=0 bd=1 a:10=d1@900\nNDATA g/$ | ts=1001 seq=1 a=d7@500!h a=d8@600!h\nhistory g/$/a = [7,8,1]\nvalue g/$/a = 1 GOOD\n"
      "node samples.historical = 2" },
    { "transient values are live only",
      "NBIRTH g/$ | ts=1000 seq=0 bd=1 a:10=d1@900\nNDATA g/$ | ts=1001 seq=1 a=d7@950!t\nvalue g/$/a = 7 GOOD\nhistory g/$/a = [1]" },
    { "no timestamp on a metric: the payload's",
      "NBIRTH g/$ | ts=1000 seq=0 bd=1 a:10=d1\nNDATA g/$ | ts=1001 seq=1 a=d2\nhistory g/$/a = [1,2]\nvalue g/$/a = 2 GOOD" },
    { "timestamps frozen at the start are data like others",
      "NBIRTH g/$ | ts=1000 seq=0 bd=1 a:10=d1@5\nNDATA g/$ | ts=1001 seq=1 a=d2@5\nvalue g/$/a = 2 GOOD\nncmd 0" },
    { "an older timestamp, not historical, still becomes current: seq is the order, edges' clocks step",
      "NBIRTH g/$ | ts=1000 seq=0 bd=1 a:10=d1@900\nNDATA g/$ | ts=1001 seq=1 a=d2@300\nvalue g/$/a = 2 GOOD\nhistory g/$/a = [2,1]\nnode samples.historical = 0" },
    { "the same sample twice is one",
      "NBIRTH g/$ | ts=1000 seq=0 bd=1 a:10=d1@5\nNBIRTH g/$ | ts=1001 seq=0 bd=1 a:10=d1@5\nhistory g/$/a = [1]\nnode samples.duplicate = 1" },
    { "NDEATH: offline, stale, the value stays",
      "NBIRTH g/$ | ts=1000 seq=0 bd=4 a:10=d1@900\nNDEATH g/$ | bd=4\nnode state = \"offline\"\nvalue g/$/a = 1 STALE\nncmd 0" },
    { "NDEATH takes the devices along",
      "NBIRTH g/$ | ts=1000 seq=0 bd=4\nDBIRTH g/$/d | ts=1001 seq=1 a:10=d1@900\nNDEATH g/$ | bd=4\ndevice d state = \"offline\"\n"
      "value g/$/d/a = 1 STALE\nevents ndeath 1" },
    { "NDEATH of a session nobody knows: doubtful, and off line when the node does not answer",
      "NBIRTH g/$ | ts=1000 seq=0 bd=4 a:10=d1@900\nNDEATH g/$ | bd=3\ncount death-of-other-session 1\nvalue g/$/a = 1 STALE\n"
      "ncmd 1\nevents doubtful 1\nnode state = \"offline\"\nnode rebirths.last_cause = \"doubtful-death\"\nevents ndeath 1" },
    { "NDEATH without bdSeq, and the node lives",
      "NBIRTH g/$ | ts=1000 seq=0 bd=4 a:10=d1@900\nNDEATH g/$ | x=i4\nvalue g/$/a = 1 STALE\nNDATA g/$ | ts=1001 seq=1 a=d2@950\n"
      "value g/$/a = 2 GOOD\nnode state = \"online\"\nhistory g/$/a = [1,2]" },
    { "NDEATH before the new NBIRTH's predecessor is late",
      "NBIRTH g/$ | ts=1000 seq=0 bd=4 a:10=d1@900\nNBIRTH g/$ | ts=1001 seq=0 bd=5 a:10=d2@901\nNDEATH g/$ | bd=4\n"
      "count death-of-other-session 1\nnode phase = \"doubtful\"\nvalue g/$/a = 2 STALE\nNDATA g/$ | ts=1002 seq=1 a=d3@902\n"
      "value g/$/a = 3 GOOD\nnode phase = \"online\"" },
    { "NDEATH without datatype, in int_value",
      "NBIRTH g/$ | ts=1000 seq=0 bd=4 a:10=d1@900\nNDEATH g/$ | bdSeq=i4\nnode state = \"offline\"" },
    { "NDEATH twice",
      "NBIRTH g/$ | ts=1000 seq=0 bd=4\nNDEATH g/$ | bd=4\nNDEATH g/$ | bd=4\nnode deaths = 1\nnode messages.rejected = 0" },
    { "a birth after the death",
      "NBIRTH g/$ | ts=1000 seq=0 bd=4 a:10=d1@900\nNDEATH g/$ | bd=4\nNBIRTH g/$ | ts=2000 seq=0 bd=5 a:10=d2@1900\nnode state = \"online\"\nvalue g/$/a = 2 GOOD\nncmd 0" },
    { "DDEATH",
      "NBIRTH g/$ | ts=1000 seq=0 bd=4 n:10=d1@1\nDBIRTH g/$/d | ts=1001 seq=1 a:10=d1@900\nDDEATH g/$/d | ts=1500 seq=2\ndevice d state = \"offline\"\n"
      "device d since_ms = 1500\nvalue g/$/d/a = 1 STALE\nvalue g/$/n = 1 GOOD\nNDATA g/$ | ts=1600 seq=3 n=d2@2\nvalue g/$/n = 2 GOOD\nncmd 0" },
    { "a device between NBIRTH and its DBIRTH is dead",
      "NBIRTH g/$ | ts=1000 seq=0 bd=4\nDBIRTH g/$/d | ts=1001 seq=1 a:10=d1@900\nNBIRTH g/$ | ts=1002 seq=0 bd=4\n"
      "device d state = \"offline\"\nvalue g/$/d/a = 1 STALE\nDBIRTH g/$/d | ts=1003 seq=1 a:10=d1@900\nvalue g/$/d/a = 1 GOOD" },
    { "data of an unknown node: one rebirth request, nothing invented",
      "NDATA g/$ | ts=1000 seq=5 a:10=d1@1 #17=d2@1\nncmd 1\nabsent g/$/a\nabsent g/$/alias_17\n"
      "node phase = \"rebirth-wanted\"\nnode rebirths.last_cause = \"unknown-node\"" },
    { "a DBIRTH of an unknown node", "DBIRTH g/$/d | ts=1000 seq=5 a:10=d1@1\nncmd 1\nabsent g/$/d/a" },
    { "an answered request",
      "NDATA g/$ | ts=1000 seq=5 a:10=d1@1\nncmd 1\nNBIRTH g/$ | ts=1001 seq=0 bd=1 a:10=d1@1\nnode state = \"online\"\npause 1300\nncmd 1" },
    { "an unanswered request is repeated, slowly", "NDATA g/$ | ts=1000 seq=5 a:10=d1@1\nncmd 1\npause 1300\nncmd 2" },
    { "an NDEATH of an unknown node asks for nothing", "NDEATH g/$ | bd=1\nnode state = \"offline\"\nncmd 0" },
    { "commands of others ask for nothing", "NCMD g/$ | ts=1 a=i1\nDCMD g/$/d | ts=1 a=i1\npause 100\nncmd 1" },
    { "DDATA for a device that was never born",
      "NBIRTH g/$ | ts=1000 seq=0 bd=1\nDDATA g/$/x | ts=1001 seq=1 a=d1@1\nncmd 1\nnode rebirths.last_cause = \"data-before-birth\"\nnode state = \"online\"" },
    { "an unknown alias: skipped, the rest kept",
      "NBIRTH g/$ | ts=1000 seq=0 bd=1 a#1:10=d1@1\nNDATA g/$ | ts=1001 seq=1 #9=d5@2 #1=d2@2\nvalue g/$/a = 2 GOOD\nncmd 1\n"
      "count unknown-alias 1\nnode rebirths.last_cause = \"unknown-alias\"" },
    { "an unknown name",
      "NBIRTH g/$ | ts=1000 seq=0 bd=1 a:10=d1@1\nNDATA g/$ | ts=1001 seq=1 z:10=d5@2 a=d2@2\nvalue g/$/a = 2 GOOD\nabsent g/$/z\nncmd 1" },
    { "an alias of another device",
      "NBIRTH g/$ | ts=1000 seq=0 bd=1\nDBIRTH g/$/a | ts=1001 seq=1 t#1:10=d1@1\nDBIRTH g/$/b | ts=1001 seq=2 t#2:10=d1@1\nDDATA g/$/a | ts=1001 seq=3 #2=d9@2\n"
      "count foreign-alias 1\nvalue g/$/b/t = 1 GOOD\nvalue g/$/a/t = 1 GOOD\nncmd 1" },
    { "one alias for two metrics: never a wrong value",
      "NBIRTH g/$ | ts=1000 seq=0 bd=1 a#1:10=d1@1 b#1:10=d2@1\nNDATA g/$ | ts=1002 seq=1 #1=d9@2\ncount ambiguous-alias 1\n"
      "value g/$/a = 1 GOOD\nvalue g/$/b = 2 GOOD" },
    { "a DBIRTH with a taken alias",
      "NBIRTH g/$ | ts=1000 seq=0 bd=1\nDBIRTH g/$/a | ts=1001 seq=1 t#1:10=d1@1\nDBIRTH g/$/b | ts=1001 seq=2 t#1:10=d2@1\ncount duplicate-alias 2\nncmd 1\nabsent g/$/b/t" },
    { "aliases change with the birth",
      "NBIRTH g/$ | ts=1000 seq=0 bd=1 a#1:10=d1@1 b#2:10=d2@1\nNBIRTH g/$ | ts=1001 seq=0 bd=1 a#2:10=d1@1 b#1:10=d2@1\nNDATA g/$ | ts=1002 seq=1 #1=d9@2\n"
      "value g/$/b = 9 GOOD\nvalue g/$/a = 1 GOOD" },
    { "a straggler is no gap",
      "NBIRTH g/$ | ts=1000 seq=0 bd=1 a:10=d1@1\nNDATA g/$ | ts=1 seq=2 a=d3@3\nNDATA g/$ | ts=1002 seq=1 a=d2@2\nhistory g/$/a = [1,2]\nnode seq_gaps = 0\ncount old-session 2" },
    { "two messages in the wrong order",
      "NBIRTH g/$ | ts=1000 seq=0 bd=1 a:10=d1@1\nNDATA g/$ | ts=1002 seq=2 a=d3@3\nNDATA g/$ | ts=1001 seq=1 a=d2@2\nvalue g/$/a = 3 GOOD\nhistory g/$/a = [1,2,3]\n"
      "node seq_gaps = 1\nnode messages.reordered = 1\npause 600\nncmd 0" },
    { "a missing message that never comes",
      "NBIRTH g/$ | ts=1000 seq=0 bd=1 a:10=d1@1\nNDATA g/$ | ts=1002 seq=2 a=d3@3\nncmd 1\nvalue g/$/a = 1 STALE\nhistory g/$/a = [1]\n"
      "node rebirths.last_cause = \"reorder-timeout\"\ncount reorder-discarded 2\nnode messages.missing = 1" },
    { "a whole reorder story",
      "NBIRTH g/$ | ts=1000 seq=0 bd=1 a:10=d1@1\nNDATA g/$ | ts=1002 seq=2 a=d3@3\nncmd 1\nNBIRTH g/$ | ts=2000 seq=0 bd=1 a:10=d5@1999\nNDATA g/$ | ts=2002 seq=2 a=d7@2002\n"
      "NDATA g/$ | ts=2001 seq=1 a=d6@2001\nvalue g/$/a = 7 GOOD\npause 600\nncmd 1\nhistory g/$/a = [1,5,6,7]" },
    { "duplicates by seq",
      "NBIRTH g/$ | ts=1000 seq=0 bd=1 a:10=d1@1\nNDATA g/$ | ts=1001 seq=1 a=d2@2\nNDATA g/$ | ts=1001 seq=1 a=d2@2\nnode duplicates = 1\nncmd 0\nhistory g/$/a = [1,2]" },
    { "seq wraps from 255 to 0",
      "NBIRTH g/$ | ts=1000 seq=254 bd=1 a:10=d1@1\nNDATA g/$ | ts=1001 seq=255 a=d2@2\nNDATA g/$ | ts=1002 seq=0 a=d3@3\nvalue g/$/a = 3 GOOD\nnode seq_gaps = 0" },
    { "an NBIRTH never waits",
      "NBIRTH g/$ | ts=1000 seq=0 bd=1 a:10=d1@1\nNDATA g/$ | ts=1002 seq=9 a=d3@3\nNBIRTH g/$ | ts=2000 seq=0 bd=1 a:10=d5@1999\nvalue g/$/a = 5 GOOD\npause 600\nncmd 0" },
    { "data of the run before the rebirth",
      "NBIRTH g/$ | ts=2000 seq=0 bd=1 a:10=d5@1999\nNDATA g/$ | ts=1500 seq=1 a=d3@1500\ncount old-session 2\nNDATA g/$ | ts=2001 seq=1 a=d6@2001\nvalue g/$/a = 6 GOOD\nncmd 0" },
    { "no seq in DATA, seq 256",
      "NBIRTH g/$ | ts=1000 seq=0 bd=1 a:10=d1@1\nNDATA g/$ | ts=1001 a=d2@2\nNDATA g/$ | ts=1001 seq=256 a=d2@2\ncount no-seq 2\ncount bad-seq 2\nvalue g/$/a = 1 GOOD" },
    { "no seq in NBIRTH", "NBIRTH g/$ | ts=1000 bd=1 a:10=d1@1\ncount no-seq 3\nnode state = \"offline\"\nncmd 1" },
    { "an NBIRTH without bdSeq",
      "NBIRTH g/$ | ts=1000 seq=0 a:10=d1@1\nnode state = \"online\"\nnode bd_seq = null\nNDEATH g/$ | bd=9\nnode state = \"offline\"" },
    { "payloads that do not decode",
      "NBIRTH g/$ | ts=1000 seq=0 bd=1 a:10=d1@1\nhex spBv1.0/g/NDATA/$ | 12ff\nraw spBv1.0/g/NDATA/$ | {\"json\":1}\ncount malformed 2\nvalue g/$/a = 1 GOOD" },
    { "an NBIRTH that does not decode ends what was known",
      "NBIRTH g/$ | ts=1000 seq=0 bd=1 a#1:10=d1@1\nhex spBv1.0/g/NBIRTH/$ | 12ff\nvalue g/$/a = 1 STALE\nncmd 1\nNDATA g/$ | ts=1001 seq=1 #1=d9@2\n"
      "count not-born 2\nvalue g/$/a = 1 STALE" },
    { "a retained birth is not believed", "retain NBIRTH g/$ | ts=1000 seq=0 bd=1 a:10=d1@1\nnode state = \"online\"" },
    { "unknown datatypes",
      "NBIRTH g/$ | ts=1000 seq=0 bd=1 a:99=d1@1 b=d1@1 ok:10=d2@1\nvalue g/$/ok = 2 GOOD\ncount bad-type 2\nabsent g/$/a" },
    { "DATA with another datatype: the birth's word",
      "NBIRTH g/$ | ts=1000 seq=0 bd=1 a:3=i1@1\nNDATA g/$ | ts=1002 seq=1 a:7=i4294967295@2\nvalue g/$/a = -1 GOOD\nncmd 1\nnode rebirths.last_cause = \"type-mismatch\"" },
    { "names: blanks, umlauts, slashes, percent, plus",
      "NBIRTH g/$ | ts=1000 seq=0 bd=1 My_Tank/Level:10=d1@1 T\\xc3\\xbcr:11=b1@1 a+b:10=d3@1\nvalue g/$/My%20Tank/Level = 1 GOOD\n"
      "value g/$/T%C3%BCr = true GOOD\nvalue g/$/a%252Bb = 3 GOOD" },
    { "a leaf that is a folder too",
      "NBIRTH g/$ | ts=1000 seq=0 bd=1 A:10=d1@1 A/B:10=d2@1\nvalue g/$/A = 1 GOOD\nvalue g/$/A/B = 2 GOOD" },
    { "a name that is no UTF-8", "NBIRTH g/$ | ts=1000 seq=0 bd=1 bad\\xff:10=d1@1 ok:10=d2@1\nvalue g/$/ok = 2 GOOD\ncount bad-name 1" },
    { "metrics come, go and change their type",
      "NBIRTH g/$ | ts=1000 seq=0 bd=1 a:10=d1@1 b:10=d1@1\nNBIRTH g/$ | ts=1001 seq=0 bd=1 a:3=i7@2 c:10=d3@2\nvalue g/$/a = 7 GOOD\nvalue g/$/c = 3 GOOD\n"
      "events metadata-changed 1" },
    { "two nodes under one id",
      "NBIRTH g/$ | ts=1000 seq=0 bd=1\nNBIRTH g/$ | ts=1001 seq=0 bd=90\nNBIRTH g/$ | ts=1002 seq=0 bd=1\nevents duplicate-node 1" },
    { "a clock that is wrong", "NBIRTH g/$ | ts=1000 seq=0 bd=1\nevents clock-skew 1" },
    { "an operator's rebirth",
      "NBIRTH g/$ | ts=1000 seq=0 bd=1\nnode state = \"online\"\npost /api/v1/nodes/g/$/rebirth {} = 202\nncmd 1\nnode rebirths.last_cause = \"operator\"" },
    { "writes that are refused",
      "NBIRTH g/$ | ts=1000 seq=0 bd=1 a:3=i1@1 r:10=d1@1;readOnly:11=b1 lim:10=d1@1;engLow:10=d0;engHigh:10=d5 s:12=sx@1\nvalue g/$/s = \"x\" GOOD\n"
      "post /api/v1/writes {\"path\":\"g/$/a\",\"value\":1.5} = 422\npost /api/v1/writes {\"path\":\"g/$/a\",\"value\":99999999999} = 422\n"
      "post /api/v1/writes {\"path\":\"g/$/r\",\"value\":2} = 403\npost /api/v1/writes {\"path\":\"g/$/lim\",\"value\":9} = 422\n"
      "post /api/v1/writes {\"path\":\"g/$/s\",\"value\":9} = 422\npost /api/v1/writes {\"path\":\"g/$/none\",\"value\":9} = 404\n"
      "post /api/v1/writes {\"path\":\"g/$/a\"} = 400\npost /api/v1/writes nonsense = 400\nncmd 0\n"
      "NDEATH g/$ | bd=1\nnode state = \"offline\"\npost /api/v1/writes {\"path\":\"g/$/a\",\"value\":2} = 409" },
    { "a write nobody answers",
      "NBIRTH g/$ | ts=1000 seq=0 bd=1 a:3=i1@1\nvalue g/$/a = 1 GOOD\npost /api/v1/writes {\"path\":\"g/$/a\",\"value\":2} = 200\nncmd 1\nevents write 2" },
    { "topics that are none",
      "raw spBv1.0/g/NDATA | x\nraw spBv1.0/g/XDATA/$ | x\nraw spBv1.0/g/NDATA/$/d | x\nraw spBv1.0/g/DDATA/$ | x\nraw spBv1.0/STATE/a/b | x\nncmd 0" },
};

static stage st;

static void every_scene_ends_as_it_should(void)
{
    stage_open(&st, NULL, NULL);
    stage_start(&st);
    for (size_t i = 0; i < PT_COUNT_OF(scenes); i++)
        stage_play(&st, scenes[i].name, scenes[i].lines);
    stage_close(&st);
}

/* ---- our own STATE, as a foreign reader sees it ---- */

#define STATE_TOPIC "spBv1.0/STATE/stage"

static const pt_observed *nth(const char *topic, size_t n)
{
    for (size_t i = 0; i < pt_observer_count(st.observer); i++) {
        const pt_observed *m = pt_observer_at(st.observer, i);
        if (strcmp(m->topic, topic) == 0 && n-- == 0) return m;
    }
    return NULL;
}

/* The n-th STATE: exactly these bytes; returns its timestamp. */
static uint64_t state_at(size_t n, bool online)
{
    CHECK_WITHIN_FATAL(10000, nth(STATE_TOPIC, n) != NULL);
    const pt_observed *m = nth(STATE_TOPIC, n);
    char want[80];
    unsigned long long t = 0;
    char *text = pt_slice_dup(m->payload);
    CHECK_FATAL(sscanf(text, online ? "{\"online\":true,\"timestamp\":%llu}" : "{\"online\":false,\"timestamp\":%llu}", &t) == 1);
    snprintf(want, sizeof want, "{\"online\":%s,\"timestamp\":%llu}", online ? "true" : "false", t);
    CHECK_STR(m->payload, want);
    CHECK_INT(m->qos, 1);
    CHECK(m->retain);
    free(text);
    return t;
}

static bool first_is_state(void)
{
    const pt_observed *m = pt_observer_at(st.observer, 0);
    return m && strcmp(m->topic, STATE_TOPIC) == 0;
}

/* tck-id-host-topic-phid-birth-message, -birth-qos, -birth-retain, -birth-topic, -birth-payload, -birth-payload-timestamp,
 * tck-id-message-flow-hid-sparkplug-state-message-delivered, tck-id-host-topic-phid-death-*, tck-id-payloads-state-* */
static void state_is_born_corrected_willed_and_ended_as_the_specification_says(void)
{
    stage_open(&st, NULL, NULL);
    stage_start(&st);
    uint64_t t1 = state_at(0, true);
    CHECK(first_is_state());
    CHECK(t1 + 60000 > (uint64_t)pt_wall_ms(pt_clock_system()) && t1 <= (uint64_t)pt_wall_ms(pt_clock_system()));

    /* somebody says we are off line: corrected with the same timestamp, at once */
    char text[80];
    snprintf(text, sizeof text, "{\"online\":false,\"timestamp\":%llu}", (unsigned long long)t1);
    pt_broker_publish(st.broker, STATE_TOPIC, pt_cstr(text), 1, false);
    CHECK_WITHIN_FATAL(5000, pt_observer_count_topic(st.observer, STATE_TOPIC) >= 3);
    CHECK_INT(state_at(2, true), t1);

    /* garbage is counted and nothing else happens */
    pt_broker_publish(st.broker, STATE_TOPIC, PT_LIT("ONLINE?"), 1, false);
    pt_broker_publish(st.broker, STATE_TOPIC, PT_LIT("{\"online\":\"no\"}"), 1, false);
    host_session_stats ss;
    CHECK_WITHIN(5000, (host_session_stats_get(st.app.sessions[0], &ss), ss.state_garbage >= 2));

    /* another client takes our client id: the broker publishes our Will, we come back with a later timestamp */
    CHECK_WITHIN_FATAL(5000, pt_observer_count_topic(st.observer, STATE_TOPIC) == 5);
    size_t before = 5;
    char cmd[300];
    snprintf(cmd, sizeof cmd, "mosquitto_pub -h 127.0.0.1 -p %d -i plantree-host-stage -t x -m x", pt_broker_port(st.broker));
    CHECK_FATAL(system(cmd) == 0);
    CHECK_WITHIN_FATAL(10000, pt_observer_count_topic(st.observer, STATE_TOPIC) >= before + 2);
    CHECK_INT(state_at(before, false), t1);
    uint64_t t2 = state_at(before + 1, true);
    CHECK(t2 > t1);

    /* the end: a death with the time of the end, not taken back */
    before = pt_observer_count_topic(st.observer, STATE_TOPIC);
    stage_halt(&st);
    CHECK_WITHIN_FATAL(5000, pt_observer_count_topic(st.observer, STATE_TOPIC) >= before + 1);
    CHECK(state_at(before, false) >= t2);
    pt_broker_publish(st.broker, "spBv1.0/x/NCMD/x", PT_LIT("x"), 0, false);
    CHECK_WITHIN(5000, pt_observer_count_topic(st.observer, "spBv1.0/x/NCMD/x") == 1);
    CHECK_INT(pt_observer_count_topic(st.observer, STATE_TOPIC), before + 1);
    stage_close(&st);
}

/* ---- writes ---- */

typedef struct posting {
    const char *body, *key;
    answer a;
    pthread_t thread;
} posting;

static void *post_main(void *arg)
{
    posting *p = arg;
    p->a = client_ask(st.app.http_port, (ask){ .method = "POST",
                                               .target = "/api/v1/writes",
                                               .body = p->body,
                                               .headers = { "Content-Type: application/json", p->key },
                                               .timeout_ms = 10000 });
    return NULL;
}

static void publish_to(const pt_broker *broker, const char *topic, const char *words)
{
    pt_buf b;
    pt_buf_init(&b, 1 << 16);
    wire_payload(words, &b);
    pt_broker_publish(broker, topic, pt_buf_view(&b), 0, false);
    pt_buf_fini(&b);
}

static void publish(const char *topic, const char *words)
{
    publish_to(st.broker, topic, words);
}

/* tck-id-topics-dcmd-mqtt, -timestamp, -payload, tck-id-payloads-dcmd-seq, tck-id-operational-behavior-data-commands-dcmd-* */
static void a_write_is_a_dcmd_and_its_outcome_is_what_the_plant_says(void)
{
    stage_open(&st, NULL, NULL);
    stage_start(&st);
    stage_play(&st, "births",
               "NBIRTH g/w | ts=1000 seq=0 bd=1\nDBIRTH g/w/d | ts=1001 seq=1 SP#5:10=d1@1001 N:7=i1@1001\nvalue g/w/d/SP = 1 GOOD");

    static posting p; /* not on the stack: its thread outlives a test that is broken off */
    p = (posting){ .body = "{\"path\":\"g/w/d/SP\",\"value\":2.5,\"reason\":\"test\"}", .key = "Idempotency-Key: k1" };
    CHECK_FATAL(pthread_create(&p.thread, NULL, post_main, &p) == 0);
    CHECK_WITHIN_FATAL(5000, nth("spBv1.0/g/DCMD/w/d", 0) != NULL);
    const pt_observed *m = nth("spBv1.0/g/DCMD/w/d", 0);
    CHECK_INT(m->qos, 0);
    CHECK(!m->retain);
    pt_arena arena;
    spb_payload pl;
    pt_arena_init(&arena, 1 << 20);
    CHECK_OK_FATAL(spb_payload_decode_pbc(m->payload, &spb_limits_default, &arena, &pl, NULL));
    CHECK(pl.has_timestamp && !pl.has_seq && pl.n_metrics == 1);
    CHECK_STR(pl.metrics[0].name, "SP");
    CHECK(!(pl.metrics[0].flags & SPB_HAS_ALIAS) && pl.metrics[0].datatype == SPB_DOUBLE && pl.metrics[0].wire == SPB_WIRE_DOUBLE);
    CHECK(pl.metrics[0].value.f64 == 2.5);
    pt_arena_fini(&arena);
    publish("spBv1.0/g/DDATA/w/d", "ts=1002 seq=2 #5=d2.5@1002");
    pthread_join(p.thread, NULL);
    CHECK_INT(p.a.status, 200);
    CHECK(client_has(&p.a, "\"state\":\"confirmed\""));
    client_release(&p.a);

    /* the same key again: the same answer, nothing sent */
    post_main(&p);
    CHECK(client_has(&p.a, "\"state\":\"confirmed\""));
    CHECK_INT(pt_observer_count_topic(st.observer, "spBv1.0/g/DCMD/w/d"), 1);
    client_release(&p.a);

    /* the plant says something else */
    static posting q;
    q = (posting){ .body = "{\"path\":\"g/w/d/N\",\"value\":4294967295}", .key = "Idempotency-Key: k2" };
    CHECK_FATAL(pthread_create(&q.thread, NULL, post_main, &q) == 0);
    CHECK_WITHIN_FATAL(5000, nth("spBv1.0/g/DCMD/w/d", 1) != NULL);
    publish("spBv1.0/g/DDATA/w/d", "ts=1003 seq=3 N=i7@1003");
    pthread_join(q.thread, NULL);
    CHECK(client_has(&q.a, "\"state\":\"deviates\"") && client_has(&q.a, "\"reported\":7"));
    client_release(&q.a);

    /* the value that stands there: a node that reports by exception has nothing to say */
    static posting s;
    s = (posting){ .body = "{\"path\":\"g/w/d/N\",\"value\":7}", .key = "Idempotency-Key: k3" };
    post_main(&s);
    CHECK_INT(pt_observer_count_topic(st.observer, "spBv1.0/g/DCMD/w/d"), 3);
    CHECK(client_has(&s.a, "\"state\":\"confirmed\"") && client_has(&s.a, "\"unchanged\":true") && client_has(&s.a, "\"reported\":7"));
    client_release(&s.a);

    /* unless it dies meanwhile, or another value was on its way */
    s = (posting){ .body = "{\"path\":\"g/w/d/N\",\"value\":7}", .key = "Idempotency-Key: k4" };
    CHECK_FATAL(pthread_create(&s.thread, NULL, post_main, &s) == 0);
    CHECK_WITHIN_FATAL(5000, nth("spBv1.0/g/DCMD/w/d", 3) != NULL);
    publish("spBv1.0/g/DDATA/w/d", "ts=1004 seq=4 N=i8@1004");
    pthread_join(s.thread, NULL);
    CHECK(client_has(&s.a, "\"state\":\"deviates\"") && client_has(&s.a, "\"reported\":8"));
    client_release(&s.a);
    s = (posting){ .body = "{\"path\":\"g/w/d/N\",\"value\":8}", .key = "Idempotency-Key: k5" };
    CHECK_FATAL(pthread_create(&s.thread, NULL, post_main, &s) == 0);
    CHECK_WITHIN_FATAL(5000, nth("spBv1.0/g/DCMD/w/d", 4) != NULL);
    publish("spBv1.0/g/DDEATH/w/d", "ts=1005 seq=5");
    pthread_join(s.thread, NULL);
    CHECK(client_has(&s.a, "\"state\":\"timeout\""));
    client_release(&s.a);
    stage_close(&st);
}

static void a_passive_host_publishes_nothing_at_all(void)
{
    stage_open(&st, "host: { id: stage, role: passive }\nsparkplug: { hold_off: 0ms }\n", NULL);
    stage_start(&st);
    stage_play(
        &st, "passive",
        "NDATA g/$ | ts=1000 seq=5 a:10=d1@1\nNBIRTH g/$ | ts=1000 seq=0 bd=1 a:10=d1@1\nvalue g/$/a = 1 GOOD\nNDATA g/$ | ts=1001 seq=9 #77=d1@1\n"
        "post /api/v1/writes {\"path\":\"g/$/a\",\"value\":2} = 403\npost /api/v1/nodes/g/$/rebirth {} = 403\nncmd 0");
    stage_halt(&st);
    CHECK_INT(pt_observer_count_topic(st.observer, STATE_TOPIC), 0);
    stage_close(&st);
}

static void an_active_host_sends_commands_and_shows_no_state(void)
{
    stage_open(
        &st,
        "host: { id: stage, role: active }\nsparkplug: { hold_off: 0ms, rebirth: { jitter: 0ms } }\nwrites: { confirm_timeout: 300ms }\n",
        NULL);
    stage_start(&st);
    stage_play(
        &st, "active",
        "NDATA g/$ | ts=1000 seq=5 a:10=d1@1\nncmd 1\nNBIRTH g/$ | ts=1000 seq=0 bd=1 a:10=d1@1\nvalue g/$/a = 1 GOOD\npost /api/v1/writes {\"path\":\"g/$/a\",\"value\":2} = 200\nncmd 2");
    stage_halt(&st);
    CHECK_INT(pt_observer_count_topic(st.observer, STATE_TOPIC), 0);
    stage_close(&st);
    stage_open(&st, "host: { id: stage, role: active, state: always }\nsparkplug: { hold_off: 0ms }\n", NULL);
    stage_start(&st);
    (void)state_at(0, true);
    stage_halt(&st);
    (void)state_at(1, false);
    stage_close(&st);
}

static void a_primary_host_can_be_told_to_show_no_state(void)
{
    stage_open(&st, "host: { id: stage, role: primary, state: never }\nsparkplug: { hold_off: 0ms, rebirth: { jitter: 0ms } }\n", NULL);
    stage_start(&st);
    stage_play(&st, "silent", "NDATA g/$ | ts=1000 seq=5 a:10=d1@1\nncmd 1"); /* commands go out all the same */
    stage_halt(&st);
    stage_publish(&st, "spBv1.0/x/NCMD/end", "ts=1");
    CHECK_WITHIN(5000, pt_observer_count_topic(st.observer, "spBv1.0/x/NCMD/end") == 1);
    CHECK_INT(pt_observer_count_topic(st.observer, STATE_TOPIC), 0);
    stage_close(&st);
}

static void no_command_goes_out_before_the_hold_off_is_over(void)
{
    host_session_stats ss;
    pt_error err = { 0, "" };
    stage_open(&st, "host: { id: stage, role: primary }\nsparkplug: { hold_off: 1m, rebirth: { jitter: 0ms } }\n", NULL);
    CHECK_OK_FATAL(host_app_open(&st.app, &st.config, pt_clock_system(), &st.log.log, &err));
    st.up = true;
    CHECK_OK_FATAL(host_app_start(&st.app, &err));
    (void)state_at(0, true);
    CHECK_WITHIN_FATAL(10000, (host_session_stats_get(st.app.sessions[0], &ss),
                               ss.phase == HOST_BORN && ss.mqtt.send_pending == 0)); /* acknowledged */
    stage_play(&st, "waiting", "NDATA g/$ | ts=1000 seq=5 a:10=d1@1\nnode phase = \"rebirth-wanted\"");
    host_app_tick(&st.app);
    host_session_stats_get(st.app.sessions[0], &ss);
    CHECK(ss.phase == HOST_BORN && ss.commands == 0 && ss.commands_refused == 0);
    stage_close(&st);
}

/* Sparkplug 2.x edges look at STATE/<id>: the same moments, the old words, retained, beside the new topic. */
static void the_old_state_topic_is_spoken_on_request(void)
{
    stage_open(&st, "host: { id: stage, role: primary }\nsparkplug: { hold_off: 0ms, legacy_state: true }\n", NULL);
    pt_observer *old = pt_observer_start(st.broker, "STATE/#");
    stage_start(&st);
    CHECK_WITHIN_FATAL(5000, pt_observer_count(old) >= 1);
    const pt_observed *m = pt_observer_at(old, 0);
    CHECK(strcmp(m->topic, "STATE/stage") == 0 && m->qos == 1 && m->retain);
    CHECK_STR(m->payload, "ONLINE");
    (void)state_at(0, true);
    stage_halt(&st);
    CHECK_WITHIN(5000, pt_observer_count(old) >= 2);
    CHECK_STR(pt_observer_at(old, pt_observer_count(old) - 1)->payload, "OFFLINE");
    pt_observer_stop(old);
    stage_close(&st);
}

/* tck-id-operational-behavior-primary-application-state-with-multiple-servers-state, -host-application-multi-server-timestamp */
static void each_server_has_its_own_state_and_losing_one_leaves_the_other_alone(void)
{
    stage_open(&st, NULL, NULL);
    pt_broker *other = pt_broker_start(NULL);
    pt_observer *there = pt_observer_start(other, "spBv1.0/#");
    const char *servers[] = { pt_broker_url(st.broker), pt_broker_url(other) };
    st.config.mqtt.servers = (pt_config_list){ .items = (void *)servers, .n = 2 };
    stage_start(&st);
    CHECK_WITHIN_FATAL(10000, pt_observer_count_topic(there, STATE_TOPIC) == 1);
    uint64_t here = state_at(0, true);
    stage_play(&st, "here", "NBIRTH g/$ | ts=1000 seq=0 bd=1 a:10=d1@1\nvalue g/$/a = 1 GOOD\nnode server = 0");
    publish_to(other, "spBv1.0/g/NBIRTH/there", "ts=1000 seq=0 bd=1 a:10=d1@1");
    stage_play(&st, "there", "value g/there/a = 1 GOOD");
    pt_observer_stop(there);
    pt_broker_kill9(other);
    stage_play(&st, "lost", "value g/there/a = 1 STALE");
    CHECK_INT(pt_observer_count_topic(st.observer, STATE_TOPIC), 1);
    pt_broker_restart(other);
    there = pt_observer_start(other, "spBv1.0/#");
    CHECK_WITHIN(10000, pt_observer_count_topic(there, STATE_TOPIC) >= 1);
    spb_state again = { .online = false };
    CHECK_OK(spb_state_parse(pt_observer_at(there, 0)->payload, &again, NULL));
    CHECK(again.online && again.timestamp_ms > here);
    CHECK_INT(pt_observer_count_topic(st.observer, STATE_TOPIC), 1);
    stage_halt(&st);
    pt_observer_stop(there);
    pt_broker_stop(other);
    stage_close(&st);
}

/* ---- the broker dies ---- */

/* Time enough for a message that shows continuity to come, on a machine that has much else to do, before a node is asked for its birth. */
static const char patient[] =
    "host: { id: stage, role: primary }\nsparkplug: { reorder_timeout: 400ms, hold_off: 0ms, birth_wait: 4s, rebirth: { per_node: 1s, jitter: 0ms } }\n";

static void after_a_broker_death_everything_is_stale_and_sessions_that_go_on_are_recognised(void)
{
    stage_open(&st, patient, NULL);
    stage_start(&st);
    stage_play(
        &st, "births",
        "NBIRTH g/b | ts=1000 seq=0 bd=1 a:10=d1@1000\nNBIRTH g/c | ts=1000 seq=0 bd=1 a:10=d1@1000\nvalue g/b/a = 1 GOOD\nvalue g/c/a = 1 GOOD\npause 3000");
    pt_observer_stop(st.observer);
    st.observer = NULL;
    pt_broker_kill9(st.broker);
    stage_play(&st, "stale", "value g/b/a = 1 STALE\nvalue g/c/a = 1 STALE");
    pt_broker_restart(st.broker);
    st.observer = pt_observer_start(st.broker, "spBv1.0/#");
    host_session_stats ss;
    CHECK_WITHIN_FATAL(10000, (host_session_stats_get(st.app.sessions[0], &ss), ss.phase == HOST_ONLINE));
    /* b goes on with the next seq; c is silent and is asked */
    publish("spBv1.0/g/NDATA/b", "ts=1001 seq=1 a=d2@1001");
    stage_play(&st, "resumed", "value g/b/a = 2 GOOD");
    CHECK_WITHIN(15000, pt_observer_count_topic(st.observer, "spBv1.0/g/NCMD/c") >= 1);
    CHECK_INT(pt_observer_count_topic(st.observer, "spBv1.0/g/NCMD/b"), 0);
    stage_close(&st);
}

/* A restart goes on without a rebirth where the next message proves continuity, and asks only where it does not */
static void a_restarted_host_goes_on_where_nothing_was_missed(void)
{
    stage_open(&st, patient, NULL);
    stage_start(&st);
    stage_play(
        &st, "births",
        "NBIRTH g/r1 | ts=1000 seq=0 bd=1 a#1:10=d1@1000 q:10=d5@1000;Quality:3=i0\nDBIRTH g/r1/d | ts=1000 seq=1 x#2:3=i7@1000\nDDATA g/r1/d | ts=1001 seq=2 #2=i8@1001\n"
        "NBIRTH g/r2 | ts=1000 seq=0 bd=1 a#1:10=d1@1000\nvalue g/r1/d/x = 8 GOOD\nvalue g/r2/a = 1 GOOD\npause 3000");
    stage_halt(&st);
    publish("spBv1.0/g/NDATA/r2", "ts=1001 seq=1 #1=d2@1001"); /* nobody is there to hear it */
    stage_start(&st);
    stage_play(&st, "stale at first", "value g/r1/d/x = 8 STALE\nvalue g/r1/a = 1 STALE");
    publish("spBv1.0/g/DDATA/r1/d", "ts=1002 seq=3 #2=i9@1002");
    publish("spBv1.0/g/NDATA/r2", "ts=1002 seq=2 #1=d3@1002");
    stage_play(&st, "resumed", "value g/r1/d/x = 9 GOOD\nvalue g/r1/a = 1 GOOD\nvalue g/r1/q = 5 BAD\nvalue g/r2/a = 1 STALE");
    CHECK_WITHIN(15000, pt_observer_count_topic(st.observer, "spBv1.0/g/NCMD/r2") >= 1);
    CHECK_INT(pt_observer_count_topic(st.observer, "spBv1.0/g/NCMD/r1"), 0);
    publish("spBv1.0/g/NBIRTH/r2", "ts=1003 seq=0 bd=1 a#1:10=d4@1003");
    stage_play(&st, "reborn", "value g/r2/a = 4 GOOD\nhistory g/r1/d/x = [7,8,9]\nhistory g/r2/a = [1,4]");
    stage_close(&st);
}

static void nodes_that_are_down_while_the_host_restarts_are_still_known(void)
{
    stage_open(&st, NULL, NULL);
    stage_start(&st);
    stage_play(&st, "a death",
               "NBIRTH g/down | ts=1000 seq=0 bd=1\nDBIRTH g/down/d | ts=1000 seq=1 a:10=d1@1000\nvalue g/down/d/a = 1 GOOD\n"
               "NDEATH g/down | bd=1\nvalue g/down/d/a = 1 STALE");
    json_t *before = stage_json(&st, "/api/v1/nodes/g/down");
    CHECK_STR(pt_cstr(json_string_value(json_object_get(before, "state"))), "offline");
    stage_halt(&st);
    stage_start(&st);
    json_t *after = stage_json(&st, "/api/v1/nodes/g/down"), *device = json_array_get(json_object_get(after, "devices"), 0);
    CHECK_STR(pt_cstr(json_string_value(json_object_get(after, "state"))), "offline");
    CHECK_STR(pt_cstr(json_string_value(json_object_get(device, "device"))), "d");
    CHECK_STR(pt_cstr(json_string_value(json_object_get(device, "state"))), "offline");
    static const char *const same[] = { "since_ms", "last_message_ms", "metrics", "bd_seq" };
    for (size_t i = 0; i < PT_COUNT_OF(same); i++)
        CHECK_ROW(same[i], json_integer_value(json_object_get(before, same[i])) == json_integer_value(json_object_get(after, same[i])));
    /* it may have come back while nobody listened: asked once, and no more */
    CHECK_WITHIN(15000, pt_observer_count_topic(st.observer, "spBv1.0/g/NCMD/down") == 1);
    stage_play(&st, "patience", "pause 2500");
    CHECK_INT(pt_observer_count_topic(st.observer, "spBv1.0/g/NCMD/down"), 1);
    json_decref(before);
    json_decref(after);
    stage_close(&st);
}

static void a_host_starts_without_a_broker_and_a_data_directory_has_one_owner(void)
{
    stage_open(&st, NULL, NULL);
    pt_observer_stop(st.observer);
    st.observer = NULL;
    pt_broker_halt(st.broker);
    pt_error err = { 0, "" };
    CHECK_OK_FATAL(host_app_open(&st.app, &st.config, pt_clock_system(), &st.log.log, &err));
    st.up = true;
    CHECK_OK_FATAL(host_app_start(&st.app, &err));
    answer a = client_ask(st.app.http_port, (ask){ .method = "GET", .target = "/readyz" });
    CHECK_INT(a.status, 503);
    CHECK(client_has(&a, "\"name\":\"broker\",\"ok\":false"));
    client_release(&a);
    a = client_ask(st.app.http_port, (ask){ .method = "GET", .target = "/healthz" });
    CHECK_INT(a.status, 200);
    client_release(&a);
    static host_app second;
    CHECK_STATUS(host_app_open(&second, &st.config, pt_clock_system(), &st.log.log, &err), PT_EBUSY);
    CHECK(strstr(err.text, "process") || strstr(err.text, "pid"));
    stage_halt(&st);
    pt_broker_restart(st.broker);
    st.observer = pt_observer_start(st.broker, "spBv1.0/#");
    stage_close(&st);
}

int main(int argc, char **argv)
{
    static const pt_test tests[] = {
        PT_TEST(every_scene_ends_as_it_should),
        PT_TEST(state_is_born_corrected_willed_and_ended_as_the_specification_says),
        PT_TEST(a_write_is_a_dcmd_and_its_outcome_is_what_the_plant_says),
        PT_TEST(a_passive_host_publishes_nothing_at_all),
        PT_TEST(an_active_host_sends_commands_and_shows_no_state),
        PT_TEST(a_primary_host_can_be_told_to_show_no_state),
        PT_TEST(no_command_goes_out_before_the_hold_off_is_over),
        PT_TEST(the_old_state_topic_is_spoken_on_request),
        PT_TEST(each_server_has_its_own_state_and_losing_one_leaves_the_other_alone),
        PT_TEST(after_a_broker_death_everything_is_stale_and_sessions_that_go_on_are_recognised),
        PT_TEST(a_restarted_host_goes_on_where_nothing_was_missed),
        PT_TEST(nodes_that_are_down_while_the_host_restarts_are_still_known),
        PT_TEST(a_host_starts_without_a_broker_and_a_data_directory_has_one_owner),
    };
    return pt_test_main("host/theatre", tests, PT_COUNT_OF(tests), argc, argv);
}
