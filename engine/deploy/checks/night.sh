#!/bin/sh
# Runs `night` and `alert` with a `cuadre` that ends as told and a clock that only pauses move, and holds
# exit codes, commands, pauses and what is told against the contract. Takes an empty folder.
set -eu
work=$1 here=$(cd "$(dirname "$0")/.." && pwd)
mkdir -p "$work/bin"
export work PATH="$work/bin:$PATH"

# Each end once, the first first; the last stays.
cat >"$work/bin/cuadre" <<'END'
#!/bin/sh
echo "$*" >>"$work/commands"
[ ! -e /dev/fd/3 ] || cat /dev/fd/3 >>"$work/passphrases"
read -r end rest <"$work/ends"
[ -z "$rest" ] || echo "$rest" >"$work/ends"
exit "$end"
END
cat >"$work/bin/date" <<'END'
#!/bin/sh
[ "$*" = "+%s" ] && exec cat "$work/clock"
exec /bin/date "$@"
END
cat >"$work/bin/sleep" <<'END'
#!/bin/sh
echo "$1" >>"$work/pauses"
echo $(($(cat "$work/clock") + $1)) >"$work/clock"
END
chmod +x "$work"/bin/*

passed=0
is() { # what expected got
    [ "$2" = "$3" ] || { printf '%s: not\n%s\nbut\n%s\n' "$1" "$2" "$3" >&2 && exit 1; }
    passed=$((passed + 1))
}
night() { # time ends expected-exit
    rm -f "$work/commands" "$work/pauses" "$work/passphrases"
    TZ=America/Mexico_City /bin/date -d "2026-11-21 $1" +%s >"$work/clock"
    echo "$2" >"$work/ends"
    code=0
    CUADRE_CONFIG=c.toml CUADRE_FILINGS=series "$here/night" || code=$?
    is "exit of a night from $1 whose runs end with $2" "$3" $code
}

for code in 4 5 64 70 78 137; do
    night 02:00 "$code" "$code"
    is "a run that ends with $code is the only one" 1 "$(wc -l <"$work/commands")"
done
night 02:00 "0 0" 0
is commands "run --config c.toml --date 2026-11-20 --filings series --wait
verify --through 2026-11-20 series" "$(cat "$work/commands")"
night 02:00 "3 0" 3
night 02:00 "3 5" 5
night 02:00 "75 75 75 75 75 3 75 0" 3
is pauses "60 120 240 300 300 60" "$(tr '\n' ' ' <"$work/pauses" | sed 's/ $//')"
# A fault that does not pass: until the deadline, and not beyond.
night 02:00 75 75
is "the time of the last try" 05:57 "$(TZ=America/Mexico_City /bin/date -d "@$(cat "$work/clock")" +%H:%M)"
night 05:58 "75 0 0" 0
night 05:59 75 75
night 14:00 75 75
is "tries after the deadline" 1 "$(wc -l <"$work/commands")"
# 23:30 in Mexico City is the day after in UTC.
night 23:30 "0 0" 0
is "the business date late in the evening" 1 "$(grep -c -- '--date 2026-11-20 ' "$work/commands")"

echo "a secret" >"$work/passphrase"
CREDENTIALS_DIRECTORY=$work night 02:00 "75 0 0" 0
is "every command gets the passphrase" "a secret
a secret
a secret" "$(cat "$work/passphrases")"
code=0
CUADRE_TIME_ZONE=Mexico/Nowhere "$here/night" 2>"$work/err" || code=$?
is "a time zone that is not there" 78 $code

alert() { # code expected
    rm -f "$work/told"
    CUADRE_NOTIFY="sed 's/^/notify: /' >$work/told" CUADRE_CALL="sed 's/^/call: /' >$work/told" "$here/alert" "$@"
    { read -r told <"$work/told"; } 2>/dev/null || told=
}
alert 0 && is "told of 0" "" "$told"
alert 3 2026-11-20
is "told of 3" "notify: cuadre: exit 3: filed partial: the gaps are in the manifest's exceptions (2026-11-20)" "$told"
for code in 4 5 64 70 75 78 137 TERM ""; do
    alert "$code"
    is "who is told of $code" "call: cuadre: exit ${code:-unknown}" "$(echo "$told" | cut -d: -f1-3)"
done
echo "night: $passed passed, 0 failed"
