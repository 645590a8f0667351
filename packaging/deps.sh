# packaging/deps.sh -- sourced by demo.sh and test.sh: what must be installed, and installing it when it is not.
#
# Debian 12 and later, Ubuntu 24.04 and later. When everything is there nothing is printed and the package manager is not
# touched: dpkg's own list is read, that is all. Otherwise root or sudo is needed once.

PT_BUILD_PACKAGES="gcc g++ make cmake ninja-build pkg-config libc6-dev
  libpaho-mqtt-dev libprotobuf-c-dev protobuf-c-compiler nanopb libnanopb-dev libsqlite3-dev libcurl4-openssl-dev
  libcunit1-dev libmicrohttpd-dev libyaml-dev libjansson-dev libzstd-dev libxxhash-dev libsodium-dev nettle-dev libmodbus-dev
  zlib1g-dev libsystemd-dev libldap-dev"
PT_RUN_PACKAGES="mosquitto tzdata"
PT_TEST_PACKAGES="mosquitto-clients python3 python3-pymodbus python3-serial python3-serial-asyncio clang-format curl openssl sqlite3 slapd"
# Debian names its clang by version; 14 is Debian 12's, elsewhere the default one does.
if apt-cache show clang-14 >/dev/null 2>&1; then
  PT_FUZZ_PACKAGES="clang-14 libclang-rt-14-dev" PT_TIDY_PACKAGES="clang-tidy-14"
else
  PT_FUZZ_PACKAGES="clang" PT_TIDY_PACKAGES="clang-tidy"
fi

pt_say() { printf '%s\n' "$*"; }
pt_die() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 1; }

# Print the packages of the list that are not installed.
pt_missing() {
  local have p
  have=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' 2>/dev/null | sed -n 's/^installed //p')
  for p in "$@"; do
    grep -qxF -- "$p" <<<"$have" || printf '%s ' "$p"
  done
}

pt_as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"
  elif command -v sudo >/dev/null; then sudo "$@"
  else pt_die "needs root or sudo to run: $*"
  fi
}

# pt_install PACKAGE...: install what is missing of it.
pt_install() {
  local missing policy=
  missing=$(pt_missing "$@")
  [ -n "$missing" ] || return 0
  command -v apt-get >/dev/null || pt_die "not a Debian or Ubuntu system; install by hand: $missing"
  pt_say "Installing packages: $missing"
  # Debian starts a system-wide broker when mosquitto is installed. We bring our own and must not leave that one behind.
  case " $missing " in *" mosquitto "*)
    if [ ! -e /usr/sbin/policy-rc.d ]; then
      policy=/usr/sbin/policy-rc.d
      printf '#!/bin/sh\nexit 101\n' | pt_as_root tee $policy >/dev/null
      pt_as_root chmod 755 $policy
    fi ;;
  esac
  local rc=0 log
  log=$(mktemp)
  { pt_as_root env DEBIAN_FRONTEND=noninteractive apt-get update &&
    # shellcheck disable=SC2086
    pt_as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $missing; } >"$log" 2>&1 </dev/null || rc=$?
  if [ -n "$policy" ]; then
    pt_as_root rm -f $policy
    if [ -d /run/systemd/system ]; then pt_as_root systemctl disable --now mosquitto >/dev/null 2>&1 || true; fi
  fi
  if [ $rc != 0 ]; then
    tail -20 "$log" >&2
    rm -f "$log"
    pt_die "packages could not be installed"
  fi
  rm -f "$log"
}

# Node.js 18 or newer and npm, from wherever they came; Debian's packages otherwise.
pt_install_node() {
  local missing=
  command -v node >/dev/null || missing="nodejs"
  command -v npm >/dev/null || missing="$missing npm"
  # shellcheck disable=SC2086
  [ -z "$missing" ] || pt_install ca-certificates $missing
  [ "$(node -p 'parseInt(process.versions.node)')" -ge 18 ] || pt_die "Node.js 18 or newer is needed, found $(node --version)"
}

# A browser for the UI's tests. On Ubuntu Chromium is a snap and stays the user's business.
pt_install_browser() {
  local b
  for b in chromium chromium-browser google-chrome; do
    if command -v $b >/dev/null; then return 0; fi
  done
  if grep -qi '^ID=ubuntu' /etc/os-release 2>/dev/null; then
    pt_say "No Chromium found: the browser tests will be skipped"
    return 0
  fi
  pt_install chromium
}

pt_jobs() { nproc 2>/dev/null || echo 2; }

# pt_build DIR "CMAKE OPTIONS" [TARGET...]: configure once, build, say little when nothing is to be done. The log stays in DIR/build.log.
pt_build() {
  local dir=$1 options=$2 log=$1/build.log
  shift 2
  mkdir -p "$dir"
  if command -v ccache >/dev/null; then
    export CMAKE_C_COMPILER_LAUNCHER="${CMAKE_C_COMPILER_LAUNCHER:-ccache}" CCACHE_BASEDIR="${CCACHE_BASEDIR:-$PWD}" CCACHE_NOHASHDIR=1
  fi
  # The options are kept beside the build, so that an unchanged second run does not even configure.
  if [ ! -f "$dir/build.ninja" ] || [ "$(cat "$dir/.options" 2>/dev/null)" != "$options" ]; then
    pt_say "Configuring $dir"
    # shellcheck disable=SC2086
    cmake -S . -B "$dir" -G Ninja $options >"$log" 2>&1 || { tail -40 "$log" >&2; pt_die "configuring $dir failed ($log)"; }
    printf '%s' "$options" >"$dir/.options"
  fi
  if cmake --build "$dir" --target "${@:-all}" -- -n 2>/dev/null | grep -q 'no work to do'; then return 0; fi
  pt_say "Building $dir"
  cmake --build "$dir" -j "$(pt_jobs)" --target "${@:-all}" >"$log" 2>&1 || { tail -60 "$log" >&2; pt_die "building $dir failed ($log)"; }
}
