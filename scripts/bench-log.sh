#!/usr/bin/env bash
# What the transparency log costs: DAYS of a month of EVENTS are stored, rolled up and logged in one process. From the third day on,
# all that the function rollup takes is added up in its CPU profile, with its connections (over TLS, as in Azure), and what of
# that is the log's: hashing records, lists, trees, reading and writing. The digest itself is left out; it would make the share
# smaller. So are the stand-ins, which are in the same process. A share within one run does not depend on how busy the machine is,
# as long as nothing is interrupted for another goroutine: such a signal brings the profile's own with it, most of all to loops
# that allocate nothing, as hashing does.
# Memory: all that is allocated for an hour's list, tree and entry.
#
#   scripts/bench-log.sh [EVENTS] [DAYS]     1000000 and 3 by default: some minutes
set -euo pipefail
cd "$(dirname "$0")/.."

events=${1:-1000000} days=${2:-3}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

go test -c -o "$work/cli" ./handler/cli
(cd handler/cli && GODEBUG=asyncpreemptoff=1 AUDITBELL_LOG=1 AUDITBELL_TLS=1 AUDITBELL_SCALE=$events AUDITBELL_DAYS=$days AUDITBELL_PROFILE="$work/profile" \
  "$work/cli" -test.run 'TestMonthAtScale$' -test.v -test.timeout 4h | grep --line-buffered -v '^=== RUN')

# cpu REGEXP: milliseconds of the profile below functions of these names.
cpu() {
  go tool pprof -top -unit ms -nodefraction=0 -focus "$1" "$work/cli" "$work/profile" 2>/dev/null |
    sed -n 's/.*accounting for \([0-9.]*\)ms.*/\1/p'
}
all=$(cpu 'handler/digest/publish\.|net/http\.\(\*persistConn\)')
log=$(cpu 'handler/tlog\.|publish\.\(\*Log\)|publish\.\(\*rolledUp\)|publish\.\(\*hashedRecords\)\.(add|text)|store\.\(\*Store\)\.saveSums')
tree=$(cpu 'handler/tlog\.')
awk -v all="$all" -v log_="$log" -v tree="$tree" 'BEGIN {
  printf "CPU: rollups %.0f ms, of which the log %.0f ms (%.1f %%): hashes, trees and proofs %.0f ms (%.1f %%)\n", all, log_, 100 * log_ / all, tree, 100 * tree / all
}'

go test ./handler/digest/publish -run '^$' -bench 'BenchmarkHour/' -benchtime 20x -benchmem |
  awk '/rolled_up/ { alone = $5 } /and_logged/ { printf "memory: %.1f MiB are allocated for an hour of a thousand and a half records\n", ($5 - alone) / 1048576 }'
