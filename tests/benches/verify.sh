#!/bin/sh
# Verifying a series beside sha256sum over the same files, each on one core: the median of five runs in turn.
#   tests/benches/verify.sh target/release/cuadre [MIB]
set -eu
cuadre=$(realpath -- "$1") mib=${2:-1200}
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT
cd "$work"
"$cuadre" demo demo >made 2>&1 || [ $? -eq 3 ] || { cat made && exit 1; }
# Objects of 100 MiB of random bytes, as large extracts would be.
for _ in $(seq $((mib / 100))); do
    head -c 104857600 /dev/urandom >object
    digest=$(sha256sum <object | cut -c1-64)
    folder=demo/filings/archive/sha256/$(echo "$digest" | cut -c1-2)
    mkdir -p "$folder" && mv object "$folder/$digest"
done
seconds() {
    start=$(date +%s.%N)
    taskset -c 0 "$@" >out 2>&1 || { cat out && exit 1; }
    echo "$start $(date +%s.%N)" | awk '{ printf "%.2f\n", $2 - $1 }'
}
find demo/filings -type f >files
for _ in 1 2 3 4 5; do
    seconds xargs -a files sha256sum >>sums
    seconds "$cuadre" verify demo/filings >>verifies
done
median() { sort -n "$1" | sed -n 3p; }
echo "$(du -sm demo/filings | cut -f1) MiB: sha256sum $(median sums) s, cuadre verify $(median verifies) s," \
    "ratio of speeds $(echo "$(median sums) $(median verifies)" | awk '{ printf "%.2f", $1 / $2 }')"
