#!/usr/bin/env bash
# test.sh -- install what is missing, build, run all tests. Non-zero when anything fails; ctest's summary stands last.
#
#   ./test.sh           everything: the tests, those of what threads share under ThreadSanitizer, all but the browser's under ASan and UBSan
#   ./test.sh --quick   without chaos and browser tests and without the sanitizer builds
set -euo pipefail
cd "$(dirname "$0")"
. packaging/deps.sh

quick=
case "${1-}" in
  "") ;;
  --quick) quick=1 ;;
  -h | --help) sed -n '2,5s/^# \{0,1\}//p' "$0"; exit 0 ;;
  *) echo "test.sh: unknown option '$1'; see ./test.sh --help" >&2; exit 2 ;;
esac
[ $# -le 1 ] || { echo "test.sh: one option at most" >&2; exit 2; }

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

# The compiler's warnings have spoken in the first build; with sanitizers gcc adds false ones.
pt_build build-tsan "-DCMAKE_BUILD_TYPE=RelWithDebInfo -DPLANTREE_WERROR=OFF -DPLANTREE_WEB=OFF -DPLANTREE_SANITIZE=thread" thread_tests
TSAN_OPTIONS=second_deadlock_stack=1 "${run[@]}" --test-dir build-tsan -L threads </dev/null

pt_build build-asan "-DCMAKE_BUILD_TYPE=RelWithDebInfo -DPLANTREE_WERROR=OFF -DPLANTREE_WEB=OFF -DPLANTREE_SANITIZE=address,undefined"
export ASAN_OPTIONS=abort_on_error=0:detect_leaks=1:check_initialization_order=1 UBSAN_OPTIONS=print_stacktrace=1
exec "${run[@]}" --test-dir build-asan -E '^browser/' </dev/null
