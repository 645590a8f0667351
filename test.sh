#!/usr/bin/env bash
# test.sh -- install what is missing, build, run all tests. Non-zero when anything fails; ctest's summary stands last.
set -euo pipefail
cd "$(dirname "$0")"
. packaging/deps.sh

# Long options, each with what it does. One at most.
options="
(none)   everything: the tests, --tidy, those of what threads share under ThreadSanitizer, all but the browser's under ASan and UBSan, and --fuzz
--quick  the tests without chaos and browser tests, without clang-tidy and without the sanitizer and fuzz builds
--tidy   clang-tidy over the product, nothing else: files that have not changed since they were clean are not looked at again
--fuzz   the fuzz targets, nothing else: each over its corpus (tests/fuzz/corpus) and on from there for five seconds
--help   this text
"
mode=${1-"(none)"}
[ $# -le 1 ] || { echo "test.sh: one option at most; see ./test.sh --help" >&2; exit 2; }
case "$mode" in
  -h | --help) printf 'usage: ./test.sh [OPTION]\n%s' "$options"; exit 0 ;;
  "(none)" | --quick | --tidy | --fuzz) ;;
  *) echo "test.sh: unknown option '$mode'; see ./test.sh --help" >&2; exit 2 ;;
esac
quick=
[ "$mode" != --quick ] || quick=1

# Another compiler than the tests' own, so that both compilers' warnings are errors.
fuzz() {
  # shellcheck disable=SC2086
  pt_install $PT_BUILD_PACKAGES $PT_RUN_PACKAGES $PT_TEST_PACKAGES $PT_FUZZ_PACKAGES
  local clang
  clang=$(command -v clang-14 || command -v clang) || pt_die "no clang"
  pt_build build-fuzz "-DCMAKE_C_COMPILER=$clang -DCMAKE_BUILD_TYPE=RelWithDebInfo -DPLANTREE_WERROR=ON -DPLANTREE_WEB=OFF -DPLANTREE_FUZZ=ON" \
    fuzz_targets
  tests/fuzz/run build-fuzz 5
}
if [ "$mode" = --fuzz ]; then
  fuzz
  exit
fi
tidy() {
  # shellcheck disable=SC2086
  pt_install $PT_BUILD_PACKAGES $PT_TEST_PACKAGES $PT_TIDY_PACKAGES
  # headers that are generated are all that must be built
  pt_build build-tidy "-DCMAKE_BUILD_TYPE=Debug -DPLANTREE_WEB=OFF" edge-node/nanopb/sparkplug_b.pb.h sparkplug/gen/sparkplug_b_bytes.pb-c.h
  JOBS=$(pt_jobs) tests/tidy_check build-tidy
}
if [ "$mode" = --tidy ]; then
  tidy
  exit
fi

# shellcheck disable=SC2086
pt_install $PT_BUILD_PACKAGES $PT_RUN_PACKAGES $PT_TEST_PACKAGES
pt_install_node
[ -n "$quick" ] || pt_install_browser

# Packages that tests need and the programs do not: foreign peers, and what drives the browser.
npm_folder() {
  [ "$1/package-lock.json" -nt "$1/node_modules/.installed" ] || return 0
  pt_say "Fetching the npm packages of $1"
  npm ci --prefix "$1" --ignore-scripts --no-audit --no-fund --no-update-notifier --loglevel=error </dev/null >/dev/null || pt_die "npm ci failed in $1"
  touch "$1/node_modules/.installed"
}
npm_folder tests/interop
[ -n "$quick" ] || npm_folder tests/web

# A test whose tools are missing skips itself when run by hand; here everything has been installed, so skipping is failing.
export PLANTREE_TEST_STRICT=1
# shellcheck disable=SC2054
run=(ctest --output-on-failure --no-tests=error -j "$(pt_jobs)")

pt_build build "-DCMAKE_BUILD_TYPE=RelWithDebInfo -DPLANTREE_WERROR=ON -DPLANTREE_WEB=ON -DPLANTREE_SANITIZE=none"
if [ -n "$quick" ]; then
  exec "${run[@]}" --test-dir build -E '^(chaos|browser)/' </dev/null
fi
"${run[@]}" --test-dir build </dev/null
tidy

# The compiler's warnings have spoken in the first build; with sanitizers gcc adds false ones.
pt_build build-tsan "-DCMAKE_BUILD_TYPE=RelWithDebInfo -DPLANTREE_WERROR=OFF -DPLANTREE_WEB=OFF -DPLANTREE_SANITIZE=thread" thread_tests
TSAN_OPTIONS=second_deadlock_stack=1 "${run[@]}" --test-dir build-tsan -L threads </dev/null

pt_build build-asan "-DCMAKE_BUILD_TYPE=RelWithDebInfo -DPLANTREE_WERROR=OFF -DPLANTREE_WEB=OFF -DPLANTREE_SANITIZE=address,undefined"
export ASAN_OPTIONS=abort_on_error=0:detect_leaks=1:check_initialization_order=1 UBSAN_OPTIONS=print_stacktrace=1
fuzz
exec "${run[@]}" --test-dir build-asan -E '^browser/' </dev/null
