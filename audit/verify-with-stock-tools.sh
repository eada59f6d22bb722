#!/bin/sh
# Judges a series of filings as `cuadre verify` does, with nothing but the tools of any Linux: a POSIX shell, coreutils,
# find, grep, sed, awk, jq, OpenSSH (9.1 or newer where keys have windows of validity), OpenSSL (3.0 or newer where
# there are time stamps), and tzdata (where there is a calendar).
#
# It reads the series and writes nothing but a folder of its own under TMPDIR.
set -uf
LC_ALL=C TZ=UTC0 OPENSSL_CONF=/dev/null
export LC_ALL TZ OPENSSL_CONF
unset CDPATH POSIXLY_CORRECT

usage() {
    cat >&2 <<'USAGE'
Usage: verify-with-stock-tools.sh [OPTION]... DIR
  DIR              the series: the folder that holds LOG
  -a MANIFEST      a manifest kept from an earlier day; may be given several times
  -s FILE          allowed signers kept elsewhere, to judge signatures, time stamps and deadlines by
  -r FILE          root signers kept elsewhere, to judge changes of trust by
  -d YYYY-MM-DD    until when every day of the calendar must have a filing
  -t               fail also where a day's first filing is not proven to have been in time
  -x               pass over the archive
  -q               stop at the first failure, and print nothing else
Prints a line per check: verdict, name, what it is about. The names are those of `cuadre verify`.
Exits with 0 when the series verifies, 5 when it does not, 64 on wrong usage, 70 where a tool is missing.
USAGE
    exit 64
}
needs() {
    for tool; do command -v "$tool" >/dev/null || { echo "$tool is needed, and not there" >&2 && exit 70; }; done
}
absolute() { case $1 in /*) printf '%s\n' "$1" ;; *) printf '%s\n' "$PWD/$1" ;; esac }

anchors='' given_signers='' given_root='' through='' timely='' without_archive='' quiet=''
while getopts :a:s:r:d:txq option; do
    case $option in
        a) anchors="$anchors$(absolute "$OPTARG")
" ;;
        s) given_signers=$(absolute "$OPTARG") ;;
        r) given_root=$(absolute "$OPTARG") ;;
        d) through=$OPTARG ;;
        t) timely=1 ;;
        x) without_archive=1 ;;
        q) quiet=1 ;;
        *) usage ;;
    esac
done
shift $((OPTIND - 1))
if [ $# -ne 1 ] || ! [ -d "$1" ]; then usage; fi
[ -z "$through" ] || [ "$(date -d "$through" +%F 2>&1)" = "$through" ] || usage
needs awk base64 cmp comm date find grep jq mktemp od sed sha256sum sort ssh-keygen xargs
cd -- "$1" || exit 64

failures=0 filings=0 late=0 unproven=0 work=''
trap '[ -z "$work" ] || rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' HUP TERM

say() { [ -n "$quiet" ] || printf '  %-8s  %-10s  %s\n' "$1" "$2" "$3"; }
failed() {
    failures=$((failures + 1))
    [ -z "$quiet" ] || finish "$1: $2"
    say FAILED "$1" "$2"
}
# check NAME SUBJECT WORDS [DETAIL]: passes where the command before it has succeeded.
check() { if [ "$?" -eq 0 ]; then say passed "$1" "$2${4:+: $4}"; else failed "$1" "$2: $3"; fi; }
# finish [WORDS]: the last line, and the exit.
finish() {
    if [ "$failures" -gt 0 ]; then
        echo "Verification FAILED: ${1:-$failures checks}"
        exit 5
    fi
    [ -n "$quiet" ] || echo "Verified: $filings filings; timeliness: $late late, $unproven unproven"
    exit 0
}
some() { head -n 3 "$1" | tr '\n' ' '; }
hex() { od -An -v -tx1 | tr -d ' \n' && echo; }

# --- LOG, and what it names ------------------------------------------------------------------------------------------

name='[A-Za-z0-9_][A-Za-z0-9._-]*'
if [ -L LOG ] || ! [ -f LOG ] || ! [ -s LOG ]; then
    failed log 'LOG: it is not there as a regular file, or is empty'
    finish
fi
if grep -aqvE "^[0-9a-f]{64}  $name(/$name)*\$" LOG || [ -n "$(tail -c 1 LOG)" ]; then
    failed log 'LOG: a line is not "<sha256>  <path>"'
    finish
fi
absent=''
while read -r _ path; do
    if [ -L "$path" ] || ! [ -f "$path" ]; then absent="$absent $path"; fi
done <LOG
if [ -n "$absent" ]; then
    failed files "LOG: it names what is not there as a regular file:$absent"
    finish
fi
sums=$(sha256sum --check --quiet --strict LOG 2>&1)
check files LOG "$sums"

work=$(mktemp -d) || exit 70
cut -c67- LOG >"$work/paths"
sort "$work/paths" >"$work/sorted"
uniq -d "$work/sorted" >"$work/twice"
! [ -s "$work/twice" ]
check log LOG "named twice: $(some "$work/twice")" "$(wc -l <LOG) lines"

# What a run is just preparing, or uses to keep runs on object storage apart, is no part of the series.
find . -mindepth 1 \( -path './filings/.staging-*' -o -path './trust/.staging-*' \) -prune -o \
    -name '*[!A-Za-z0-9._-]*' -prune -printf 'odd %y %h/?\n' -o -printf '%y %p\n' |
    grep -avE '^(f \./archive/\.incoming-[^/]*|[fd] \./claims(/[0-9]+)?)$' >"$work/found"
{
    echo 'f ./LOG'
    echo 'f ./LOCK'
    sed 's|^|f ./|' "$work/sorted"
    printf 'd ./%s\n' trust filings archive
    sed -n 's|/[^/]*$||p' "$work/sorted" | uniq | sed 's|^|d ./|'
} | sort -u >"$work/known"
grep -avE '^(odd )?[a-z] \./archive/' "$work/found" | sort | comm -23 - "$work/known" >"$work/strays"
! [ -s "$work/strays" ]
check strays . "LOG does not name $(some "$work/strays")" 'every file is accounted for'

sed -n 's|^f \./\(archive/sha256/\(..\)/\(\2[0-9a-f]*\)\)$|\3  \1|p' "$work/found" | grep -E '^[0-9a-f]{64} ' |
    sort >"$work/objects"
cut -c1-64 "$work/objects" >"$work/named_objects"
if [ -z "$without_archive" ]; then
    grep -aE '^(odd )?[a-z] \./archive/' "$work/found" |
        grep -avE '^d \./archive/sha256(/[0-9a-f][0-9a-f])?$' | sed 's|^f \./\(.*/\(.*\)\)$|\2  \1|' | sort |
        comm -23 - "$work/objects" >"$work/strays"
    sums=''
    if [ -s "$work/strays" ]; then
        failed archive "archive: it does not belong there: $(some "$work/strays")"
    else
        [ ! -s "$work/objects" ] || sums=$(sha256sum --check --quiet --strict "$work/objects" 2>&1)
        check archive archive "$sums" "$(wc -l <"$work/objects") objects"
    fi
else
    say unproven archive 'archive: it was not read'
fi

# The lines of LOG by what came into it together: "T first last" for a generation of trust,
# "F first last id number expected supersedes" for a filing, "? line" for what is neither.
awk '
    function flush() {
        if (kind == "T") print "T", first, last
        if (kind == "F") {
            split(id, part, "."); day = part[1]
            print "F", first, last, id, part[2], latest[day] + 1, (day in manifest ? manifest[day] : "null")
            latest[day] = part[2]; manifest[day] = own
        }
        kind = ""
    }
    function is_day(text,   part) {
        split(text, part, "-")
        days = part[2] == 2 ? 28 + (part[1] % 4 == 0 && (part[1] % 100 != 0 || part[1] % 400 == 0)) : \
            30 + (part[2] + (part[2] > 7)) % 2
        return part[1] > 0 && part[2] >= 1 && part[2] <= 12 && part[3] >= 1 && part[3] <= days
    }
    {
        path = substr($0, 67); now = "?"
        if (path ~ /^filings\/[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]\.[1-9][0-9]*\/[^\/]*$/ && \
            is_day(substr(path, 9, 10))) now = "F"
        if (path ~ /^trust\/(root_signers|allowed_signers\.[1-9][0-9]*(\.sig)?|tsa-[a-z0-9][a-z0-9-]*\.pem)$/ && \
            length(path) <= 78) now = "T"
        if (now == "?") { flush(); print "?", NR; next }
        split(path, step, "/")
        if (now != kind || (now == "F" && step[2] != id) || (now == "T" && ended)) {
            flush(); first = NR; kind = now; id = step[2]; own = "none"; ended = 0
        }
        last = NR
        if (now == "T" && path ~ /allowed_signers\.[0-9]*$/) ended = 1
        if (now == "F" && step[3] == "manifest.json") own = substr($0, 1, 64)
    }
    END { flush() }' LOG >"$work/blocks"
! grep '^?' "$work/blocks" >"$work/strays"
check lines LOG "it belongs to no filing, and not to trust: line $(some "$work/strays" | tr -d '?')"

# --- Signers and signatures ------------------------------------------------------------------------------------------

# Reads a file of allowed signers, plain or with the head of a generation of trust, and prints what counts in it.
# shellcheck disable=SC2016 # The fields are those of awk.
allowed_signers='
    function refuse() { bad = 1; exit 1 }
    function is_hex(text) { return length(text) == 64 && text !~ /[^0-9a-f]/ }
    function is_day(year, month, day) {
        year += 0; month += 0; day += 0
        days = month == 2 ? 28 + (year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)) : 30 + (month + (month > 7)) % 2
        return year > 0 && month >= 1 && month <= 12 && day >= 1 && day <= days
    }
    # 20261125120000Z
    function is_instant(text) {
        return length(text) == 15 && text ~ /^[0-9]*Z$/ && text >= "1970" && \
            is_day(substr(text, 1, 4), substr(text, 5, 2), substr(text, 7, 2)) && \
            substr(text, 9, 2) < "24" && substr(text, 11, 2) < "60" && substr(text, 13, 2) < "60"
    }
    function is_date(text) {
        return length(text) == 10 && text ~ /^[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]$/ && \
            is_day(substr(text, 1, 4), substr(text, 6, 2), substr(text, 9, 2))
    }
    # What is said at the head of a generation, in its order.
    function head(value) {
        if ($2 == "generation" && state == 1 && value ~ /^[1-9][0-9]*$/ && value + 0 < 4294967296) state = 2
        else if ($2 == "history" && state == 2 && value ~ /^(0|[1-9][0-9]*) / && is_hex(substr(value, index(value, " ") + 1)) && \
            index(value, " ") < 17) state = 3
        else if ($2 == "issued" && state ~ /[23]/ && value ~ /^[0-9]+-[0-9]+-[0-9]+T[0-9]+:[0-9]+:[0-9]+Z$/) {
            instant = value; gsub(/[T:-]/, "", instant)
            if (length(value) != 20 || !is_instant(instant)) refuse()
            state = 4
        } else if ($2 == "deadline" && state == 4 && value ~ /^([01][0-9]|2[0-3]):[0-5][0-9] [A-Za-z0-9_+\/-]+$/) state = 5
        else if ($2 == "closed" && state == 5) {
            # Weekdays come first, then dates, each once and in order.
            weekday = index(" monday tuesday wednesday thursday friday saturday sunday ", " " value " ")
            if (!weekday && !is_date(value)) refuse()
            order = weekday ? sprintf("0 %02d", weekday) : "1 " value
            if (order <= closed) refuse()
            closed = order
        } else if ($2 == "time-stamps" && state ~ /[56]/) {
            n = split(value, word, " ")
            if (n != 3 || word[1] !~ /^[a-z0-9][a-z0-9-]*$/ || length(word[1]) > 64 || word[1] in authorities) refuse()
            if (word[2] !~ /^(any|[0-9]+(\.[0-9]+)*)$/ || !is_hex(word[3])) refuse()
            authorities[word[1]]; state = 6
        } else refuse()
        print
    }
    function line(   principal, options, key, after, before, all) {
        if ($0 ~ /[^\t -~]/) refuse()
        sub(/^[ \t]+/, "")
        principal = $1; options = ""; key = 2
        if ($2 !~ /^(ssh-|ecdsa-|sk-)/) { options = $2; key = 3 }
        if (principal ~ /["*?!,]/ || $key !~ /^(ssh-|ecdsa-|sk-)/) refuse()
        if (headed && (principal ~ /[^A-Za-z0-9._@+-]/ || length(principal) > 255)) refuse()
        all = options
        while (options != "") {
            if (!match(options, /^(namespaces="[^"*?!]*"|valid-(after|before)="[0-9]*Z")/)) refuse()
            option = substr(options, 1, RLENGTH); options = substr(options, RLENGTH + 1)
            if (options != "" && options !~ /^,./) refuse()
            options = substr(options, 2)
            value = substr(option, index(option, "=") + 2, length(option) - index(option, "=") - 2)
            if (option ~ /^n/) { if (named++) refuse() }
            else if (!is_instant(value)) refuse()
            else if (option ~ /^valid-a/) { if (after != "") refuse(); after = value }
            else { if (before != "") refuse(); before = value }
        }
        named = 0
        if (after != "" && before != "" && after >= before) refuse()
        if ($key == "ssh-ed25519") {
            if (length($(key + 1)) != 68 || $(key + 1) !~ /^AAAAC3NzaC1lZDI1NTE5AAAAI[A-P][A-Za-z0-9+\/]*$/) refuse()
            print principal (all == "" ? "" : " " all) " ssh-ed25519 " $(key + 1)
        } else if (headed) refuse()
    }
    NR == 1 && /^# cuadre-trust/ { if ($0 != "# cuadre-trust 1") refuse(); headed = state = 1; print; next }
    headed && state < 7 && /^# [a-z-]+ / { head(substr($0, length($2) + 4)); next }
    /^[ \t]*(#|$)/ { if (headed) refuse(); next }
    { if (headed && state < 5) refuse(); state = 7; line() }
    END { exit bad || (headed && state < 5) }'
# reads FILE OUT: is the file of signers understood as a whole? OUT is then what counts in it.
reads() {
    [ -f "$1" ] && awk -F '[ \t]+' "$allowed_signers" "$1" >"$2" || return 1
    zone=$(head_of "$2" deadline)
    [ -n "$zone" ] || return 0
    # A generation of trust has one way to be written, and a zone that is known.
    case ${zone#* } in posix/* | right/* | posixrules | localtime | */../* | ../*) return 1 ;; esac
    cmp -s "$1" "$2" && [ "$(head -c 4 "${TZDIR:-/usr/share/zoneinfo}/${zone#* }" 2>/dev/null)" = TZif ]
}
# head_of FILE NAME: the values of the lines "# NAME value" at the head of what was read of a generation of trust.
head_of() {
    while read -r mark word value; do
        [ "$mark" = '#' ] || break
        [ "$word" != "$2" ] || printf '%s\n' "$value"
    done <"$1"
}
seconds() { date -d "$1" +%s; }
compact() { date -d "@$1" +%Y%m%d%H%M%SZ; }

# armored SIGNATURE: is it written as `ssh-keygen -Y sign` writes it, with an Ed25519 key? Whatever else reads as the
# same signature would be another file.
armored() {
    { cat "$1" && echo end; } | awk '
        BEGIN { digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"; hexes = "0123456789abcdef" }
        NR == 1 { if ($0 != "-----BEGIN SSH SIGNATURE-----") { bad = 1; exit 1 } next }
        after { if (after++ > 1 || $0 != "end") { bad = 1; exit 1 } next }
        $0 == "-----END SSH SIGNATURE-----" { after = 1; next }
        # Lines of 70 digits of Base64, the last of them perhaps shorter.
        short || length($0) > 70 || length($0) == 0 { bad = 1; exit 1 }
        { short = length($0) < 70; text = text $0 }
        END {
            if (bad || after != 2 || length(text) % 4) exit 1
            padding = text ~ /==$/ ? 2 : text ~ /=$/
            for (at = 1; at <= length(text) - padding; at++) {
                six = index(digits, substr(text, at, 1)) - 1
                if (six < 0) exit 1
                bits = bits * 64 + six; held += 6
                while (held >= 4) {
                    held -= 4; unit = 2 ^ held; four = int(bits / unit)
                    hex = hex substr(hexes, four + 1, 1); bits -= four * unit
                }
            }
            # What is left over is zero.
            if (bits || (length(hex) % 2 && hex !~ /0$/)) exit 1
            hex = substr(hex, 1, length(hex) - length(hex) % 2)
            key = "0000000b7373682d65643235353139"
            if (substr(hex, 1, 66) != "53534853494700000001" "00000033" key "00000020") exit 1
            n = length(hex) - 128
            if (substr(hex, n - 45, 46) != "00000053" key "00000040") exit 1
            hash = substr(hex, n - 73, 28)
            if (hash != "0000000000000006736861323536" && hash != "0000000000000006736861353132") exit 1
            # The second half is a number, last byte first, and smaller than the order of the group.
            for (at = n + 127; at > n + 64; at -= 2) number = number substr(hex, at, 2)
            exit (number "") >= "1000000000000000000000000000000014def9dea2f79cd65812631a5cf5d3ed"
        }'
}
# vouch SIGNERS NAMESPACE SIGNATURE FILE SECONDS: did one of the signers sign the file at that time? Who, in $by.
vouch() {
    [ -f "$3" ] && armored "$3" || return 1
    who=' ' window=''
    while read -r by options; do
        case $by in '#'*) continue ;; esac
        case $options in *valid-*) window=1 ;; esac
        case $who in *" $by "*) ;; *) who="$who$by " ;; esac
    done <"$1"
    [ -z "$window" ] || window="-Overify-time=$(compact "$5")"
    for by in $who; do
        ssh-keygen -Y verify -f "$1" -I "$by" -n "$2" -s "$3" ${window:+"$window"} <"$4" >/dev/null 2>&1 && return 0
    done
    return 1
}

# --- Trust -----------------------------------------------------------------------------------------------------------

root=''
if [ -n "$given_root" ]; then
    root=$work/root
    reads "$given_root" "$root" || { : >"$root" && false; }
    check trust "$given_root" 'it is not understood' 'generations of trust are judged by it'
elif grep -qx 'trust/root_signers' "$work/sorted"; then
    root=$work/root
    reads trust/root_signers "$root" || { : >"$root" && false; }
    check trust trust/root_signers 'it is not understood' 'compare it with a copy kept elsewhere'
fi
generation=0 last_before=0 issued_before=0 signers=''
: >"$work/generations"
while read -r kind first last _; do
    [ "$kind" = T ] || continue
    generation=$((generation + 1))
    file=trust/allowed_signers.$generation read=$work/trust.$generation
    if ! [ "$(sed -n "${last}p" "$work/paths")" = "$file" ] || ! reads "$file" "$read"; then
        failed trust "$file: it is not the next generation of trust, or is not understood"
        break
    fi
    issued=$(head_of "$read" issued) own=$(head_of "$read" generation)
    issued=$(seconds "${issued:-1970-01-01T00:00:00Z}")
    wrong='' by=''
    pinned=$(head_of "$read" history) since=$last
    [ "${own:-1}" = "$generation" ] && [ "$issued" -ge "$issued_before" ] ||
        wrong='it is not this generation, or was issued before the one it follows'
    if [ "$generation" = 1 ]; then
        [ -z "$pinned" ] || wrong='it pins lines, and is the first'
    else
        since=${pinned%% *}
        [ -n "$since" ] && [ "$since" -ge "$last_before" ] && [ "$since" -lt "$first" ] &&
            [ "$since $(head -n "$since" LOG | sha256sum | cut -c1-64)" = "$pinned" ] ||
            wrong='it does not pin the lines in front of it'
    fi
    vouchers=${root:-$signers} signature=''
    if [ -n "$vouchers" ]; then
        signature=$file.sig
        vouch "$vouchers" cuadre-trust-v1 "$signature" "$file" "$issued" || wrong='nobody entitled has signed it'
    fi
    # The lines are those of the certificates that are new, the root signers, the signature: no more, no fewer.
    awk -v first="$first" -v last="$last" -v file="$file" -v signature="$signature" '
        FILENAME != "LOG" { if ($1 == "#" && $2 == "time-stamps") needed["trust/tsa-" $3 ".pem"] = $5; next }
        FNR > last { exit }
        { path = $2; is_needed = path in needed && needed[path] == $1; if (is_needed) { delete needed[path] } }
        FNR < first || is_needed || path == file || (path == "trust/root_signers" && file ~ /[.]1$/) { next }
        path == signature { signature = ""; next }
        { bad = 1 }
        END { for (path in needed) bad = 1; exit bad || signature != "" }' "$read" LOG ||
        wrong='its lines in LOG are not those of its files'
    [ -z "$wrong" ]
    check trust "$file" "$wrong" "${by:+signed by $by}"
    issued_before=$issued last_before=$last signers=$read
    echo "$last $issued ${since:-$last} $read" >>"$work/generations"
done <"$work/blocks"
[ "$generation" -gt 0 ] || failed trust 'LOG: it does not begin with trust/allowed_signers.1'
if [ -n "$given_signers" ]; then
    signers=$work/given
    reads "$given_signers" "$signers" || { : >"$signers" && false; }
    check trust "$given_signers" 'it is not understood' 'signatures are judged by it'
fi

# --- Time stamps -----------------------------------------------------------------------------------------------------

# Reads two lines of hexadecimal digits, a certificate and an answer of a time stamping authority, in DER. Prints the
# token without what nobody signed (certificates, revocation lists, unsigned attributes), in octal, and then what the
# time stamp says: policy, digest algorithm, digest, time; and from when until when the certificate is valid.
# shellcheck disable=SC2016 # The fields are those of awk.
time_stamp='
    function byte(at) { return 16 * index(digits, substr(hex, at, 1)) + index(digits, substr(hex, at + 1, 1)) - 17 }
    # Goes to the value of the element at `pos`, which must have that tag and lie before `end`.
    function enter(wanted,   n, count, least) {
        if (pos >= end || substr(hex, pos, 2) != wanted) exit 1
        n = byte(pos + 2); from = pos + 4; least = 0
        if (n == 128 || n > 131) exit 1
        if (n > 128) {
            least = n == 129 ? 128 : n == 130 ? 256 : 65536
            count = n - 128
            for (n = 0; count > 0; count--) { n = n * 256 + byte(from); from += 2 }
        }
        to = from + 2 * n
        if (n < least || to > end) exit 1
    }
    # Passes over an element: all of it is then in `whole`, what it holds in `value`.
    function take(wanted) {
        enter(wanted); whole = substr(hex, pos, to - pos); value = substr(hex, from, to - from); pos = to
        return whole
    }
    # The text of an element.
    function ascii(text,   at, pair, all) {
        for (at = 1; at < length(text); at += 2) {
            pair = substr(text, at, 2)
            all = all (pair ~ /^3[0-9]$/ ? substr(pair, 2) : pair == "2e" ? "." : pair == "5a" ? "Z" : "?")
        }
        return all
    }
    # A time of the certificate, as `date` reads it.
    function instant(   text) {
        if (next_is("17")) { take("17"); text = ascii(value); text = (substr(text, 1, 2) < 50 ? 20 : 19) text }
        else { take("18"); text = ascii(value) }
        if (length(text) != 15 || text !~ /^[0-9]*Z$/) exit 1
        return written(text)
    }
    function written(text) {
        return substr(text, 1, 4) "-" substr(text, 5, 2) "-" substr(text, 7, 2) "T" \
            substr(text, 9, 2) ":" substr(text, 11, 2) ":" substr(text, 13, 2) "Z"
    }
    function next_is(tag) { return pos < end && substr(hex, pos, 2) == tag }
    # Is every element up to `pos` in DER as far as tags and lengths go?
    function is_der(at, last,   tag) {
        while (at < last) {
            pos = at; end = last; tag = substr(hex, at, 2); enter(tag)
            if (tag !~ /^(0[1-6cd]|1[2-9ab]|30|31|[89ab].)$/) exit 1
            at = to
            if (tag ~ /^[3ab]/) is_der(from, to)
        }
    }
    # Goes into an element that is the last.
    function open(wanted) { enter(wanted); if (to != end) exit 1; pos = from }
    function within(text) { hex = text; pos = 1; end = length(text) + 1 }
    function wrap(tag, text,   n, size) {
        n = length(text) / 2; size = sprintf("%02x", n)
        if (n > 127) { size = sprintf("%x", n); if (length(size) % 2) size = "0" size; size = sprintf("%02x", 128 + length(size) / 2) size }
        return tag size text
    }
    # Which digest of SHA-2 an identifier names, with the parameter null or none.
    function hash_of(identifier) {
        if (identifier ~ /^300b06096086480165030402/) return hashes[substr(identifier, 25)]
        if (identifier ~ /^300d06096086480165030402..0500$/) return hashes[substr(identifier, 25, 2)]
        return ""
    }
    BEGIN { digits = "0123456789abcdef"; hashes["01"] = "sha256"; hashes["02"] = "sha384"; hashes["03"] = "sha512" }
    NR == 1 {
        within($0); open("30"); enter("30"); end = to; pos = from
        if (next_is("a0")) take("a0")
        serial = take("02"); take("30"); pinned = take("30") serial
        take("30"); validity = value; take("30"); take("30")
        # Its key must be one that counts: on P-256 or P-384, or RSA of 2048 to 8192 bits.
        within(value); take("30"); algorithm = value; take("03"); bits = substr(value, 3)
        if (algorithm ~ /^06072a8648ce3d0201/) { if (algorithm !~ /(06082a8648ce3d030107|06052b81040022)$/) exit 1 }
        else if (algorithm !~ /^06092a864886f70d01010[1a]/) exit 1
        else {
            within(bits); open("30"); take("02"); sub(/^00/, "", value)
            bits = 4 * length(value) - (value ~ /^[0-7]/) - (value ~ /^[0-3]/) - (value ~ /^[01]/)
            if (bits < 2048 || bits > 8192) exit 1
        }
        within(validity); start = instant(); stop = instant()
        next
    }
    {
        within($0); open("30")
        if (next_is("30")) {
            # Granted, perhaps in words, and without a reason to refuse.
            take("30")
            if (value !~ /^02010[01]/) exit 1
            rest = substr(value, 7); at = pos; last = end; answer = hex
            if (rest != "") { within(rest); open("30") }
            hex = answer; pos = at; end = last; open("30")
        }
        if (take("06") != "06092a864886f70d010702") exit 1
        open("a0"); open("30")
        if (take("02") != "020103") exit 1
        announced = take("31"); algorithms = value
        content = take("30")
        if (next_is("a0")) take("a0")
        if (next_is("a1")) take("a1")
        open("31"); open("30")
        version = take("02")
        if (next_is("30")) { named = take("30"); if (version != "020101" || value != pinned) exit 1 }
        else { named = take("80"); if (version != "020103") exit 1 }
        digest = take("30"); attributes = take("a0"); inner = value; way = take("30"); signature = take("04")
        if (next_is("a1")) take("a1")
        if (pos != end) exit 1

        # OpenSSL writes the attributes anew before it judges the signature: they must be written so already.
        within(inner); is_der(1, end)

        # The digests and signatures that count, and no others.
        hash = hash_of(digest)
        if (hash == "" || algorithms == "") exit 1
        within(algorithms)
        while (pos < end) if (hash_of(take("30")) != hash) exit 1
        n = hash == "sha256" ? "01" : hash == "sha384" ? "02" : "03"
        rsa = "06092a864886f70d0101"; pss = "300[bd]06096086480165030402" n "(0500)?"
        salt = hash == "sha256" ? "20" : hash == "sha384" ? "30" : "40"
        known = way == "300a06082a8648ce3d0403" (n == "01" ? "02" : "03") && n != "03"
        known = known || way ~ "^30(0b|0d)" rsa "(01|" (n == "01" ? "0b" : n == "02" ? "0c" : "0d") ")(0500)?$"
        if (way ~ "^30.." rsa "0a") known = way ~ "^30.." rsa "0a30..a0.." pss "a1..30..06092a864886f70d010108" pss "a2030201" salt "$"
        if (!known) exit 1

        within(content); open("30")
        if (take("06") != "060b2a864886f70d0109100104") exit 1
        open("a0"); open("04"); open("30")
        if (take("02") != "020101") exit 1
        take("06"); policy = value; imprint = take("30"); words = value; take("02"); take("18"); time = value
        while (pos < end) {
            if (substr(hex, pos, 2) != "a1") { take(substr(hex, pos, 2)); continue }
            # What is critical among its extensions is not understood.
            open("a1")
            while (pos < end) { take("30"); if (value ~ /^06(0.|1.|2.)[0-9a-f]*0101ff04/) exit 1 }
        }
        within(words); said = hash_of(take("30")); open("04")
        if (said == "") exit 1
        imprint = substr(hex, pos, end - pos)

        within(policy)
        first = byte(1); arc = 0; oid = ""
        for (; pos < end; pos += 2) {
            arc = arc * 128 + byte(pos) % 128
            if (byte(pos) > 127) continue
            if (oid == "") { top = arc < 80 ? int(arc / 40) : 2; oid = top "." (arc - 40 * top) } else oid = oid "." arc
            arc = 0
        }
        made = ascii(time)
        if (made !~ /^[0-9]+(\.[0-9]+)?Z$/ || index(made "Z", "Z") > 25) exit 1
        split(made, part, "[.Z]")
        if (length(part[1]) != 14 || substr(made, 13, 2) > 59) exit 1

        signer = wrap("30", version named digest attributes way signature)
        hex = wrap("30", "020103" announced content wrap("31", signer))
        hex = wrap("30", "06092a864886f70d010702" wrap("a0", hex))
        for (at = 1; at < length(hex); at += 2) printf "\\0%03o", byte(at)
        print ""
        print oid, said, imprint, written(made), (made ~ /\..*[1-9]/), start, stop
    }'

# pinned AUTHORITY: is its certificate the pinned one? Once for each authority of a generation.
pinned() {
    pin=$pins/$1
    [ ! -f "$pin" ] || return 0
    [ -n "$stampers" ] && mkdir -p "$pins" || return 1
    head_of "$stampers" time-stamps | grep "^$1 " >"$work/pinned" && read -r _ policy sum <"$work/pinned" || return 1
    [ -f "trust/tsa-$1.pem" ] && [ "$(sha256sum <"trust/tsa-$1.pem")" = "$sum  -" ] || return 1
    needs openssl
    # The one certificate in it, whatever is around it.
    tr -d '\000' <"trust/tsa-$1.pem" | awk '
        { text = text $0 "\n" }
        END {
            if (split(text, part, "-----BEGIN CERTIFICATE-----") != 2) exit 1
            end = index(part[2], "-----END CERTIFICATE-----")
            if (!end) exit 1
            text = substr(part[2], 1, end - 1); gsub(/[ \t\r\n\f]/, "", text); print text
        }' | base64 -d >"$pin.der" 2>/dev/null
    { echo '-----BEGIN CERTIFICATE-----' && base64 "$pin.der" && echo '-----END CERTIFICATE-----'; } >"$pin.pem"
    hex <"$pin.der" >"$pin.hex"
    echo "$policy" >"$pin"
}
# stamped TOKEN SIGNATURE AUTHORITY: is it a time stamp of the signature by that authority? It was then made in the
# seconds from $made to $made_up.
stamped() {
    pinned "$3" || { why='the series trusts no time stamps of it' && return 1; }
    read -r policy <"$pins/$3"
    why='it is not written as RFC 3161 demands'
    { cat "$pins/$3.hex" && hex <"$1"; } | awk "$time_stamp" >"$work/stamp" || return 1
    { read -r octal && read -r own hash imprint made more from to; } <"$work/stamp" || return 1
    printf '%b' "$octal" >"$work/token"
    why='its signature is not that of the pinned certificate'
    # The certificate is trusted as it is, whatever it is for. Its signature must name it by digest (-cades).
    openssl cms -verify -binary -inform DER -in "$work/token" -nointern -certfile "$pins/$3.pem" -cades -out /dev/null \
        -CAfile "$pins/$3.pem" -partial_chain -purpose any -no_check_time -ignore_critical -auth_level 0 \
        >/dev/null 2>&1 || return 1
    why="it is of other bytes, or of a policy that is not pinned, or of a time at which the certificate was not valid"
    [ "$policy" = any ] || [ "$own" = "$policy" ] || return 1
    [ "$("${hash}sum" <"$2")" = "$imprint  -" ] || return 1
    printf '%s\n' "$made" "$from" "$to" | date -f - +%s >"$work/times" 2>/dev/null || return 1
    { read -r made && read -r from && read -r to; } <"$work/times"
    made_up=$((made + more))
    [ "$made" -ge "$from" ] && [ "$made_up" -le "$to" ]
}

# --- Filings ---------------------------------------------------------------------------------------------------------

# Prints a manifest and what it says, and then inputs.json and the objects that it names.
# shellcheck disable=SC2016 # The names with a dollar are those of jq.
reading='
    def sha: type == "string" and test("\\A[0-9a-f]{64}\\z");
    def is_file: type == "string" and test("\\A[A-Za-z0-9_][A-Za-z0-9._-]{0,254}\\z") and (startswith("manifest.json") | not);
    def is_time: type == "string" and test("\\A[0-9]{4}-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3])(:[0-5][0-9]){2}(\\.[0-9]{0,8}[1-9])?Z\\z")
        and (.[0:4] >= "1970");
    # RFC 8785 has keys in the order of their UTF-16.
    def utf16: explode | map(if . > 65535 then ((. - 65536) / 1024 | floor) + 55296, . % 1024 + 56320 else . end);
    def in_order: all(.. | objects | keys_unsorted; . == sort_by(utf16));
    def is_manifest:
        type == "object" and keys == ["_type", "predicate", "predicateType", "subject"]
        and ._type == "https://in-toto.io/Statement/v1" and (.predicateType | type == "string")
        and (.subject | type == "array")
        and all(.subject[]; type == "object" and keys == ["digest", "name"] and (.name | is_file)
            and (.digest | type == "object" and keys == ["sha256"] and (.sha256 | sha)))
        and ([.subject[].name] | length == (unique | length))
        and (.predicate | type == "object" and (.issuedAt | is_time)
            and (.filing | type == "object" and has("supersedes"))
            and (.history | type == "object" and keys == ["entries", "sha256"] and (.sha256 | sha)));
    def is_in_place: .predicate | .businessDate == $date and .filing.number == ($number | tonumber)
        and .filing.supersedes == (if $supersedes == "null" then null else {sha256: $supersedes} end);
    input as $manifest | (try input catch null) as $inputs
    | ($manifest | (select(in_order and is_manifest) | "is_manifest"),
        if is_manifest then
            (select(is_in_place) | "is_in_place"),
            "issued \(.predicate.issuedAt)",
            "history \(.predicate.history | "\(.entries) \(.sha256)")",
            (select(any(.subject[]; .name == "inputs.json")) | "has_inputs"),
            (.subject[] | "subject \(.digest.sha256)  \($folder)/\(.name)")
        else empty end),
        ($inputs | select(in_order) | "are_inputs"),
        ($inputs | .. | objects | .sha256? | select(sha) | "object \(.)"),
        "whole", $manifest, $inputs'
# canonical LINE FILE: is the file what jq has read, written as RFC 8785 has it, in integers that are exact?
canonical() {
    # jq writes one character, DEL, otherwise.
    { sed "1,/^whole\$/d" "$work/read" | sed -n "$1p" | if grep -q "$(printf '\177')" "$2"; then sed 's/\\u007f/\x7f/g'; else cat; fi; } |
        cmp -s - "$2" && awk '
        NR == 1 {
            text = $0; gsub(/\\\\/, "", text)
            if (text ~ /\\u007f/) exit 1
            gsub(/"([^"\\]|\\.)*"/, "")
            gsub(/true|false|null/, "")
            if (/[^][{}:,0-9-]/ || /-0/) exit 1
            n = split($0, number, /[^0-9]+/)
            for (i = 1; i <= n; i++)
                if (length(number[i]) > 16 || (length(number[i]) == 16 && number[i] "" > "9007199254740991")) exit 1
            gsub(/[^][{}]/, "")
            for (at = 1; at <= length($0); at++) {
                depth += substr($0, at, 1) ~ /[[{]/ ? 1 : -1
                if (depth > 127) exit 1
            }
        }
        END { if (NR != 1) exit 1 }' "$2"
}

: >"$work/filings"
not_before=0
while read -r kind first last id number expected supersedes; do
    [ "$kind" = F ] || continue
    filings=$((filings + 1))
    folder=filings/$id
    manifest=$folder/manifest.json signature=$folder/manifest.json.sig issued=''
    sed -n "${first},${last}p" LOG >"$work/lines"
    # What its lines name besides reports and evidence.
    others=0 names='' sum_of_inputs=''
    : >"$work/authorities"
    while read -r sum path; do
        case $path in
            "$manifest" | "$signature") names="$names $path" others=$((others + 1)) ;;
            "$folder/inputs.json") sum_of_inputs=$sum ;;
            "$signature."*.tsr)
                authority=${path#"$signature."} authority=${authority%.tsr}
                case $authority in
                    '' | -* | *[!a-z0-9-]*) ;;
                    *) printf '%s\n' "$authority" >>"$work/authorities" && others=$((others + 1)) ;;
                esac ;;
        esac
    done <"$work/lines"
    if [ "$names" != " $manifest $signature" ]; then
        failed manifest "$manifest: LOG does not name it with its signature"
        continue
    fi
    jq -nrc --arg date "${id%.*}" --arg number "$number" --arg supersedes "$supersedes" --arg folder "$folder" \
        "$reading" "$manifest" ${sum_of_inputs:+"$folder/inputs.json"} >"$work/read" 2>/dev/null
    is_manifest='' is_in_place='' has_inputs='' are_inputs='' history=''
    : >"$work/subjects"
    : >"$work/needed"
    while read -r word rest; do
        case $word in
            is_manifest) is_manifest=1 ;;
            is_in_place) is_in_place=1 ;;
            issued) issued=$(seconds "$rest" 2>/dev/null) ;;
            history) history=$rest ;;
            has_inputs) has_inputs=1 ;;
            subject) printf '%s\n' "$rest" >>"$work/subjects" ;;
            are_inputs) are_inputs=1 ;;
            object) printf '%s\n' "$rest" >>"$work/needed" ;;
            *) break ;;
        esac
    done <"$work/read"
    [ -n "$is_manifest" ] && [ -n "$issued" ] && canonical 1 "$manifest"
    check manifest "$manifest" 'it is not canonical JSON, or does not say what a manifest must' 'canonical and complete'
    [ "$number" = "$expected" ] && [ -n "$is_in_place" ]
    check place "$manifest" 'it is not the next filing of its day, or says otherwise' "number $number of its day"
    [ "$history" = "$((first - 1)) $(head -n "$((first - 1))" LOG | sha256sum | cut -c1-64)" ]
    check history "$manifest" 'it does not pin the lines in front of it' "pins the $((first - 1)) lines in front of it"
    # The subjects in their order, the manifest, the signature, and time stamps in the order of their authorities.
    tail -n "$others" "$work/lines" >"$work/last"
    cat "$work/subjects" "$work/last" | cmp -s - "$work/lines" && {
        printf '%s\n' "$manifest" "$signature"
        sort "$work/authorities" | sed "s|.*|$signature.&.tsr|"
    } >"$work/expected" && cut -c67- "$work/last" | cmp -s - "$work/expected"
    check lines "$folder" 'its lines in LOG are not those of the manifest' "$((last - first + 1)) lines"

    # Whatever comes after the lines that a generation pins was signed later than it was issued.
    while read -r _ issue since _; do
        [ "$since" -ge "$first" ] || [ "$issue" -lt "$not_before" ] || not_before=$((issue + 1))
    done <"$work/generations"
    # The authorities are those of the generation in front of the filing, unless others are given.
    stampers=''
    while read -r trust_last _ _ read; do
        [ "$trust_last" -ge "$first" ] || stampers=$read
    done <"$work/generations"
    [ -z "$given_signers" ] || [ -z "$(head_of "$signers" deadline)" ] || stampers=$signers
    pins=$work/certificates${stampers#"$work"}
    at='' at_up='' newest=$not_before
    while read -r authority; do
        if stamped "$signature.$authority.tsr" "$signature" "$authority"; then
            say passed timeStamp "$signature.$authority.tsr: $authority saw the signature at $(compact "$made")"
            if [ -z "$at" ] || [ "$made" -lt "$at" ]; then at=$made; fi
            if [ -z "$at_up" ] || [ "$made_up" -lt "$at_up" ]; then at_up=$made_up; fi
            [ "$made" -le "$newest" ] || newest=$made
        else
            failed timeStamp "$signature.$authority.tsr: $why"
        fi
    done <"$work/authorities"
    # A time that is only claimed cannot lie before one that is proven.
    at=${at:-${issued:-0}}
    [ "$at" -ge "$not_before" ] || at=$not_before
    [ -n "$signers" ] && vouch "$signers" cuadre-manifest-v1 "$signature" "$manifest" "$at"
    check signature "$signature" "nobody who may has signed the manifest at $(compact "$at")" "signed by ${by:-}"
    not_before=$newest
    echo "$id $number ${at_up:-none}" >>"$work/filings"

    if [ -n "$has_inputs" ]; then
        wrong='it is not canonical JSON'
        echo "$sum_of_inputs" | sort -u - "$work/needed" >"$work/wanted"
        [ -n "$are_inputs" ] && [ -n "$sum_of_inputs" ] && canonical 2 "$folder/inputs.json" &&
            comm -23 "$work/wanted" "$work/named_objects" >"$work/missing" &&
            wrong="the archive has no object $(some "$work/missing")" && ! [ -s "$work/missing" ]
        check inputs "$folder/inputs.json" "$wrong" "$(wc -l <"$work/wanted") objects are archived"
    fi
done <"$work/blocks"

# --- Deadlines and the calendar --------------------------------------------------------------------------------------

# calendar NAME ISSUED FILE: what a calendar says of every day in $work/days. Where a clock is put forward or back,
# the offset before counts.
calendar() {
    echo "calendar $1 $2"
    head_of "$3" closed | sed "s/^/closed $1 /"
    deadline=$(head_of "$3" deadline)
    [ -n "$deadline" ] || return 0
    zone=${deadline#* } clock=${deadline% *}
    sed 's/$/ 12:00/' "$work/days" | TZ=$zone date -f - +%z | paste -d ' ' "$work/next" - |
        sed "s/ / $clock /" | TZ=$zone date -f - '+%s %F %H:%M' | paste -d ' ' "$work/days" "$work/next" - >"$work/early"
    sed "s/\$/ $clock/" "$work/next" | TZ=$zone date -f - '+%F %s' >"$work/plain" 2>/dev/null
    awk -v clock="$clock" -v name="$1" '
        FILENAME != "-" { plain[$1] = $2; next }
        { print "due", name, $1, ($4 == $2 && $5 == clock) || !($2 in plain) ? $3 : plain[$2] }' "$work/plain" - <"$work/early"
}

cut -d. -f1 "$work/filings" | sort -u >"$work/filed"
first=$(head -n 1 "$work/filed")
if [ -n "$first" ] && { [ -z "$quiet" ] || [ -n "$through$timely" ]; }; then
    last=$({ cat "$work/filed" && echo "$through"; } | sort | tail -n 1)
    seq 0 "$((($(seconds "$last") - $(seconds "$first")) / 86400))" | sed "s/.*/$first + & days/" |
        date -f - '+%F %A' | tr '[:upper:]' '[:lower:]' >"$work/named"
    cut -d' ' -f1 "$work/named" >"$work/days"
    sed 's/$/ + 1 day/' "$work/days" | date -f - +%F >"$work/next"
    {
        n=0
        while read -r _ issued _ file; do n=$((n + 1)) && calendar $n "$issued" "$file"; done <"$work/generations"
        [ -z "$given_signers" ] || [ -z "$(head_of "$signers" deadline)" ] || calendar given 0 "$signers"
        sed 's/^/day /' "$work/named"
        sed 's/^/filing /' "$work/filings"
    } | awk -v through="$through" '
        # Of a day counts the calendar of the last generation that was issued before its deadline.
        function calendar_of(day,   n, found) {
            if ("given" in issued) return "given"
            for (n = 1; n in issued; n++) if (!found || !((n, day) in due) || issued[n] <= due[n, day]) found = n
            return found
        }
        $1 == "calendar" { issued[$2] = $3 + 0 }
        $1 == "closed" { closed[$2, $3] }
        $1 == "due" { due[$2, $3] = $4 + 0 }
        $1 == "day" { day[++days] = $2; weekday[$2] = $3 }
        $1 == "filing" { id[++filings] = $2; number[filings] = $3; stamped[filings] = $4 }
        END {
            # A filing existed when it was stamped, or one after it that pins it.
            for (n = filings; n > 0; n--) {
                if (stamped[n] != "none" && (least == "" || stamped[n] < least)) least = stamped[n] + 0
                existed[n] = least; filed[substr(id[n], 1, 10)]
            }
            for (n = 1; n <= filings; n++) if (number[n] == 1) {
                date = substr(id[n], 1, 10); calendar = calendar_of(date)
                limit = (calendar, date) in due ? due[calendar, date] : "none"
                print "first", id[n], existed[n] == "" ? "none" : existed[n], limit, stamped[n]
                if (final == "" || date > final) final = date
            }
            if (through != "") final = through
            for (n = 1; n <= days && day[n] <= final; n++) {
                calendar = calendar_of(day[n])
                if (!(day[n] in filed) && !((calendar, day[n]) in closed) && !((calendar, weekday[day[n]]) in closed))
                    print "missing", day[n]
            }
        }' >"$work/judged"
    while read -r kind id existed due own; do
        [ "$kind" = first ] || continue
        told="filings/$id: no time stamp proves when it was signed" verdict=unproven
        if [ "$existed" != none ] && [ "$due" != none ]; then
            told="filings/$id: time-stamped, or pinned by one that was, $(compact "$existed"), due $(compact "$due")"
            [ "$own" = none ] || verdict=late
            [ "$existed" -gt "$due" ] || verdict=passed
        fi
        if [ $verdict != passed ] && [ -n "$timely" ]; then
            failed timeliness "$told"
        else
            say $verdict timeliness "$told"
        fi
        case $verdict in late) late=$((late + 1)) ;; unproven) unproven=$((unproven + 1)) ;; esac
    done <"$work/judged"
fi
missing=''
[ ! -f "$work/judged" ] || missing=$(sed -n 's/^missing //p' "$work/judged" | tr '\n' ' ')
if [ -n "$through" ]; then
    [ -n "$first" ] && [ -z "$missing" ]
    check calendar filings "days without a filing: $missing" "every day has one until $through"
elif [ -n "$missing" ]; then
    say note calendar "days without a filing: $missing"
fi

# --- Manifests kept elsewhere ----------------------------------------------------------------------------------------

# anchored MANIFEST: does LOG still begin with what it pins, and name it next?
anchored() {
    [ -f "$1" ] && jq -r '"\(.predicate.history | "\(.entries) \(.sha256)") \(.subject | length)"' "$1" >"$work/pins" 2>&1 &&
        grep -qE '^[0-9]{1,15} [0-9a-f]{64} [0-9]+$' "$work/pins" && read -r entries sum subjects <"$work/pins" &&
        [ "$entries" -le "$(wc -l <LOG)" ] && [ "$(head -n "$entries" LOG | sha256sum)" = "$sum  -" ] &&
        sed -n "$((entries + subjects + 1))p" LOG | grep -q "^$(sha256sum <"$1" | cut -c1-64)  filings/[^/]*/manifest.json\$"
}
printf '%s' "$anchors" >"$work/anchors"
while read -r anchor; do
    anchored "$anchor"
    check anchor "$anchor" 'the end of LOG was cut off, or the past rewritten' 'LOG still begins with what it pins'
done <"$work/anchors"
finish
