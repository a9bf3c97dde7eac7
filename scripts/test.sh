#!/bin/sh
# Install what the tests need, build, and run all of them, in stages from cheap to costly. Reports go to
# ${CTR_TEST_REPORTS:-coverage/reports}/*.json (vitest's JSON). Fails when any stage fails, after having run all.
# As root, the end-to-end tests make unprivileged users and work as those.
set -u
cd "$(dirname "$0")/.."
./scripts/setup.sh --test || exit 1
PATH=$PWD/node_modules/.bin:$PATH
reports=${CTR_TEST_REPORTS:-coverage/reports}
rm -rf "$reports" && mkdir -p "$reports"

status=0
stage() {
  name=$1
  shift
  echo "== $name: $*" >&2
  "$@" || { status=1; echo "== $name: FAILED" >&2; }
}
project() { stage "$1" vitest run --project "$1" --reporter=default --reporter=json --outputFile.json="$reports/$1.json"; }

stage lint biome check .
stage types tsc --noEmit
for name in unit integration platform e2e; do project "$name"; done
exit $status
