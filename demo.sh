#!/usr/bin/env bash
# demo.sh -- see the whole thing work: a simulated PLC, an edge node polling it, a broker, and a host with history and web UI.
#
#   ./demo.sh              install what is missing, build, run until Ctrl-C; leaves nothing running
#   ./demo.sh --check      run by itself: a PLC value must reach history, a write must reach the PLC, history must replay; exit 0 or 1
#   ./demo.sh --dir DIR    keep data and logs in DIR (else they are thrown away); the next run with it goes on from there
#
# A program that dies is started again, as systemd would do it: kill -9 what you like.
set -euo pipefail
cd "$(dirname "$0")"
. packaging/deps.sh

check= dir=
while [ $# -gt 0 ]; do
  case $1 in
    --check) check=1 ;;
    --dir) [ $# -ge 2 ] || { echo "demo.sh: --dir needs a folder" >&2; exit 2; }; dir=$2; shift ;;
    --dir=*) dir=${1#--dir=} ;;
    -h | --help) sed -n '2,9s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) echo "demo.sh: unknown option '$1'; see ./demo.sh --help" >&2; exit 2 ;;
  esac
  shift
done

if [ -n "${PLANTREE_BIN-}" ]; then # programs built elsewhere; the test of this script does that
  bin=$PLANTREE_BIN
else
  # shellcheck disable=SC2086
  pt_install $PT_BUILD_PACKAGES $PT_RUN_PACKAGES curl
  pt_install_node
  pt_build build "-DCMAKE_BUILD_TYPE=RelWithDebInfo -DPLANTREE_WERROR=ON -DPLANTREE_WEB=ON -DPLANTREE_SANITIZE=none" \
    plantree-plc plantree-edge plantree-host plantree
  bin=$PWD/build/bin
fi

# ---- folders, ports, configuration ----

keep=
if [ -n "$dir" ]; then
  mkdir -p "$dir"
  dir=$(cd "$dir" && pwd)
  keep=1
else
  dir=$(mktemp -d "${TMPDIR:-/tmp}/plantree-demo.XXXXXX")
fi

declare -A pid_of=() failures=()

# Stop one program: ask, wait up to 10 s, insist.
stop_program() {
  local pid=${pid_of[$1]-} i
  [ -n "$pid" ] || return 0
  kill -TERM "$pid" 2>/dev/null || true
  for ((i = 0; i < 100; i++)); do
    kill -0 "$pid" 2>/dev/null || break
    sleep 0.1
  done
  kill -KILL "$pid" 2>/dev/null || true
  wait "$pid" 2>/dev/null || true
  unset "pid_of[$1]"
}

cleanup() {
  local rc=$? f
  trap - EXIT
  trap '' INT TERM HUP
  stop_program edge
  stop_program host
  stop_program plc
  if [ -n "$keep" ]; then pt_say "Data and logs are in $dir"
  elif [ $rc != 0 ] && [ -d "$dir/log" ]; then
    for f in "$dir"/log/*.log; do printf -- '--- %s\n' "${f##*/}" >&2; tail -15 "$f" >&2; done
    rm -rf "$dir"
  else rm -rf "$dir"
  fi
  exit $rc
}
trap cleanup EXIT
# Being stopped is how the demo ends; a check that is stopped has not succeeded.
trap 'echo; pt_say "Stopping"; [ -z "$check" ] || exit 130; exit 0' INT TERM HUP

mkdir -p "$dir/log"
exec 9>"$dir/.lock"
flock -n 9 || pt_die "another demo runs in $dir"

taken() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
used=" "
# pick_port NAME WANTED: the wanted port, or a free one when somebody listens there. Sets $port.
pick_port() {
  port=$2
  while taken "$port" || [[ $used == *" $port "* ]]; do port=$((20000 + RANDOM % 12000)); done
  used="$used$port "
  [ "$port" = "$2" ] || pt_say "Port $2 is taken: $1 uses $port"
}
pick_port "the PLC" 1502; plc_port=$port
pick_port "the broker" 1883; mqtt_port=$port
pick_port "the edge node's status page" 8081; edge_port=$port
pick_port "the UI" 8080; ui_port=$port

for name in edge host; do
  sed -e "s/127\.0\.0\.1:1502/127.0.0.1:$plc_port/; s/127\.0\.0\.1:1883/127.0.0.1:$mqtt_port/" \
    -e "s/127\.0\.0\.1:8081/127.0.0.1:$edge_port/; s/127\.0\.0\.1:8080/127.0.0.1:$ui_port/" \
    -e "s|demo-data/|$dir/|" "config/demo-$name.yaml" >"$dir/$name.yaml"
  mkdir -p "$dir/$name"
  faults=$("$bin/plantree-$name" --config "$dir/$name.yaml" --check 2>&1) || pt_die "config/demo-$name.yaml is not valid: $faults"
done

# ---- programs ----

launch() {
  (
    exec 9>&- </dev/null >>"$dir/log/$1.log" 2>&1
    trap - INT TERM HUP
    case $1 in
      plc) exec "$bin/plantree-plc" --listen "127.0.0.1:$plc_port" ;;
      edge) exec "$bin/plantree-edge" --config "$dir/edge.yaml" ;;
      host) exec "$bin/plantree-host" --config "$dir/host.yaml" ;;
    esac
  ) &
  pid_of[$1]=$!
}

# Start again whatever has ended; give up when one fails ten times.
tend() {
  local name pid rc
  for name in "${!pid_of[@]}"; do
    pid=${pid_of[$name]}
    if ! kill -0 "$pid" 2>/dev/null; then
      rc=0
      wait "$pid" 2>/dev/null || rc=$?
      failures[$name]=$((${failures[$name]:-0} + 1))
      [ "${failures[$name]}" -le 10 ] || pt_die "plantree-$name ended ten times, the last time with $rc"
      pt_say "plantree-$name has ended ($rc); starting it again"
      launch "$name"
    fi
  done
}

# pause SECONDS: sleep and keep the programs running.
pause() {
  sleep "$1" &
  wait $! || true
  tend
}

cli() { "$bin/plantree" --url "http://127.0.0.1:$ui_port" "$@"; }

# until_ok SECONDS WHAT COMMAND...: try again until the command succeeds.
until_ok() {
  local deadline=$((SECONDS + $1)) what=$2
  shift 2
  until "$@"; do
    [ $SECONDS -lt $deadline ] || pt_die "timed out: $what"
    pause 0.2
  done
}


# json EXPRESSION: of the JSON on standard input, called d; fails when it is empty, false or no JSON.
json() {
  node -e 'let s = ""; process.stdin.on("data", c => s += c).on("end", () => {
    try { const v = (d => eval(process.argv[1]))(JSON.parse(s)); if (v === undefined || v === null || v === false || v === "") process.exit(1); console.log(String(v)); }
    catch (e) { process.exit(1); } });' "$1"
}
value_of() { cli read "$1" --json 2>/dev/null | json 'd[0].quality == "GOOD" ? d[0].value : null'; }
history_count() { cli history "$1" --from now-1h --to now+1m --json 2>/dev/null | json 'd.series[0].t.length'; }
has_value() { value_of "$1" >/dev/null; }
has_history() { local n; n=$(history_count "$1") && [ "$n" -ge "$2" ]; }
answers() { curl -fsS -o /dev/null --max-time 2 "$1" 2>/dev/null; }

line=Acme/gw-1/filler
pt_say "Starting plantree-plc, plantree-host with a private mosquitto, plantree-edge"
launch plc
launch host
until_ok 30 "plantree-host answers on port $ui_port" answers "http://127.0.0.1:$ui_port/healthz"
launch edge
until_ok 30 "the PLC's tank level arrives at the host" has_value "$line/Level/PV"
until_ok 30 "the tank level is in history" has_history "$line/Level/PV" 3

if [ -n "$check" ]; then
  before=$(value_of "$line/Level/PV")
  target=$(json 'd < 3 ? 4 : 1.5' <<<"$before")
  written() { cli write "$line/Level/SP" "$target" --reason "demo.sh --check" --wait 5s --json >"$dir/log/write.json" 2>&1; }
  until_ok 20 "a write of $line/Level/SP is confirmed" written
  grep -q 'PLC-WRITE .*holding:2' "$dir/log/plc.log" || pt_die "the host says the write is confirmed, but the PLC has seen none"
  moved() { local now; now=$(value_of "$line/Level/PV") && json "Math.abs(d - $before) > 0.1" <<<"$now" >/dev/null; }
  until_ok 30 "the level moves towards its new set-point" moved
  after=$(value_of "$line/Level/PV")
  samples=$(history_count "$line/Level/PV")
  # The replay reads the data directory itself, as another program would.
  replayed() { "$bin/plantree" --data "$dir/host" replay run --from now-1h --to now+1m --select "$line/**" --speed max --to-stdout jsonl >"$dir/replay.jsonl" 2>"$dir/log/replay.log"; }
  until_ok 20 "history replays" replayed
  items=$(grep -c '"kind":"value"' "$dir/replay.jsonl" || true)
  [ "$items" -ge "$samples" ] || pt_die "history holds $samples samples of the level alone, the replay has only $items values"
  nodes=$(cli nodes --json | json 'd.map(n => n.group + "/" + n.edge + " " + n.state).join(", ")')
  pt_say "check ok: $nodes; $samples samples of $line/Level/PV in history; set-point $target written and confirmed; level went from $before to $after m; $items values replayed"
  exit 0
fi

show() { printf '    %-34s %s\n' "$1" "$(cli read "$line/$1" --json 2>/dev/null | json 'd[0].value + " " + (d[0].unit ?? "")' || echo '-')"; }
cat <<END

  Plantree is running.   UI:  http://127.0.0.1:$ui_port/

$(show Level/PV; show Level/SP; show Conveyor/Speed; show Filler/Count; show Batch/Id)

  In another terminal:
$([ "$ui_port" = 8080 ] || echo "    export PLANTREE_URL=http://127.0.0.1:$ui_port")
    build/bin/plantree nodes
    build/bin/plantree tree
    build/bin/plantree watch '$line/Level/*'
    build/bin/plantree history $line/Level/PV --from now-1m --to now
    build/bin/plantree write $line/Level/SP 4

  PLC: Modbus TCP on port $plc_port. Broker: MQTT on port $mqtt_port. Edge node: http://127.0.0.1:$edge_port/api/v1/status
  Data and logs: $dir
  Ctrl-C stops everything.
END
while :; do pause 0.5; done
