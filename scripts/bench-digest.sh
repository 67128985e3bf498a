#!/usr/bin/env bash
# The compliance report of one file, made by `handler digest`, by pandas the way people write it, and by DuckDB: wall time,
# CPU time and peak memory, each tool in turn and ROUNDS times, the best of each. A tool that is not installed is left out.
# First the answers are held to each other: a faster tool with another answer is not faster. The others evaluate no rules, so
# ours is `handler digest --no-rules`; the line "rules" is what evaluating them takes.
#
#   scripts/bench-digest.sh [BYTES] [SEED]     BYTES: 300MB by default, such as 1GB or 4GB
#
# Needs GNU time for the memory. pandas: apt-get install python3-pandas. DuckDB: npm install @duckdb/node-api in a folder
# that DUCKDB_HOME names. PYTHON names the interpreter that has pandas.
set -euo pipefail
cd "$(dirname "$0")/.."

bytes=${1:-300MB} seed=${2:-1} rounds=${ROUNDS:-3}
work=${BENCH_DIR:-${TMPDIR:-/tmp}/auditbell-bench}
python=${PYTHON:-python3}
mkdir -p "$work"
file="$work/month-$bytes-$seed.jsonl"

go build -o "$work/handler" ./handler
[ -s "$file" ] || go run ./handler/digest/generate -bytes "$bytes" -seed "$seed" -o "$file"
echo "$(stat -c %s "$file") bytes, $(wc -l <"$file") entries, $(nproc) processors, load $(cut -d' ' -f1 /proc/loadavg)"

tools=(ours rules)
"$python" -c 'import pandas' 2>/dev/null && tools+=(pandas) || echo "pandas is not installed: left out"
(cd "${DUCKDB_HOME:-.}" && node -e 'require.resolve("@duckdb/node-api")' 2>/dev/null) && tools+=(duckdb) || echo "DuckDB is not installed: left out"

command_of() {
  case $1 in
    ours) echo "$work/handler" digest --no-rules --progress never --format json "$file" ;;
    rules) echo "$work/handler" digest --progress never --format json "$file" ;;
    pandas) echo "$python" scripts/bench-digest/pandas_report.py "$file" ;;
    duckdb) echo node scripts/bench-digest/duckdb_report.mjs "$file" ;;
  esac
}

: >"$work/times"
for round in $(seq "$rounds"); do
  for tool in "${tools[@]}"; do
    # shellcheck disable=SC2046 # words are wanted
    /usr/bin/env time -o "$work/time" -f '%e %U %S %M' $(command_of "$tool") >"$work/$tool.json"
    read -r wall user system peak <"$work/time"
    echo "$tool $wall $(echo "$user $system" | awk '{print $1 + $2}') $((peak / 1024))" | tee -a "$work/times" |
      awk -v r="$round" '{printf "round %s  %-8s wall %7.2f s  cpu %7.2f s  peak %5d MiB\n", r, $1, $2, $3, $4}'
  done
done

for tool in "${tools[@]:2}"; do
  printf '%-8s ' "$tool"
  "$python" scripts/bench-digest/compare.py "$work/ours.json" "$work/$tool.json"
done

awk '
  { if (!($1 in wall) || $2 < wall[$1]) wall[$1] = $2; if (!($1 in cpu) || $3 < cpu[$1]) cpu[$1] = $3; if ($4 > peak[$1]) peak[$1] = $4 }
  END { for (t in wall) if (t != "ours") printf "%-8s / ours   wall %5.1f   cpu %5.1f   memory %5.1f\n", t, wall[t] / wall["ours"], cpu[t] / cpu["ours"], peak[t] / peak["ours"]
        printf "ours            wall %5.2f s cpu %5.2f s peak %d MiB\n", wall["ours"], cpu["ours"], peak["ours"] }' "$work/times"
