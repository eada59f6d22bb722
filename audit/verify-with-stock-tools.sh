#!/bin/sh
# Judges a series of filings as `cuadre verify` does, with nothing but the tools of any Linux:
# a POSIX shell, coreutils, find, grep, sed, awk, jq, OpenSSH (9.1 or newer where keys have windows of validity)
# and OpenSSL (3.0 or newer where there are time stamps).
#
# It reads the series and writes nothing but a folder of its own under TMPDIR.
set -u
LC_ALL=C
export LC_ALL

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
Exits with 0 when the series verifies, 5 when it does not, 64 on wrong usage.
USAGE
    exit 64
}

anchors='' given_signers='' given_root='' through='' timely='' without_archive='' quiet=''
while getopts a:s:r:d:txq option; do
    case $option in
        a) anchors="$anchors$(realpath -- "$OPTARG")
" ;;
        s) given_signers=$(realpath -- "$OPTARG") ;;
        r) given_root=$(realpath -- "$OPTARG") ;;
        d) through=$OPTARG ;;
        t) timely=1 ;;
        x) without_archive=1 ;;
        q) quiet=1 ;;
        *) usage ;;
    esac
done
shift $((OPTIND - 1))
if [ $# -ne 1 ] || [ ! -d "$1" ]; then usage; fi
cd -- "$1" || exit 64

work=$(mktemp -d) || exit 70
trap 'rm -rf "$work"' EXIT
failures=0 late=0 unproven=0

say() { [ -n "$quiet" ] || printf '  %-8s  %-10s  %s\n' "$1" "$2" "$3"; }
passed() { say passed "$1" "$2"; }
failed() {
    failures=$((failures + 1))
    if [ -n "$quiet" ]; then
        printf 'FAILED %s: %s\n' "$1" "$2"
        exit 5
    fi
    say FAILED "$1" "$2"
}
# check NAME SUBJECT WORDS: passes where the command before it has succeeded.
check() { if [ "$?" -eq 0 ]; then passed "$1" "$2"; else failed "$1" "$2: $3"; fi; }
digest() { sha256sum <"$1" | cut -c1-64; }

# --- What lies in the folder -----------------------------------------------------------------------------------------

name='[A-Za-z0-9_][A-Za-z0-9._-]*'
! [ -L LOG ] && [ -f LOG ] && [ -s LOG ]
check log LOG 'it is not there, or is empty'
[ -f LOG ] || exit 5
! grep -aqvE "^[0-9a-f]{64}  $name(/$name)*\$" LOG && [ "$(tail -c 1 LOG | od -An -tx1 | tr -d ' ')" = 0a ]
check log LOG 'a line is not "<sha256>  <path>"'
cut -c67- LOG >"$work/paths"
sort "$work/paths" | uniq -d >"$work/twice"
! [ -s "$work/twice" ]
check log LOG "named twice: $(head -n 3 "$work/twice" | tr '\n' ' ')"

# What a run is just preparing, or uses to keep runs on object storage apart, is no part of the series.
passing='^\./(archive/\.incoming-[^/]*|(filings|trust)/\.staging-.*|claims(/[0-9]+)?)$'
find . -mindepth 1 ! -name '*[!A-Za-z0-9._-]*' -printf '%y %p\n' | grep -avE "^[fd] ${passing#^}" | sort >"$work/found"
! find . -mindepth 1 -name '*[!A-Za-z0-9._-]*' | grep -q .
check strays . 'a name is not plain'
{
    echo 'f ./LOG'
    [ -f LOCK ] && ! [ -L LOCK ] && echo 'f ./LOCK'
    sed 's|^|f ./|' "$work/paths"
    printf 'd ./%s\n' trust filings archive
    sed -n 's|/[^/]*$||p' "$work/paths" | sort -u | sed 's|^|d ./|'
} | sort -u >"$work/known"
grep -av '^[fd] \./archive/' "$work/found" | sort -u | comm -23 - "$work/known" >"$work/strays"
! [ -s "$work/strays" ]
check strays . "LOG does not name $(head -n 3 "$work/strays" | cut -c3- | tr '\n' ' ')"
sha256sum --check --quiet --strict LOG >"$work/sums" 2>&1
check files LOG "$(head -n 1 "$work/sums")"

if [ -z "$without_archive" ]; then
    grep -a '^[^d] \./archive/' "$work/found" | cut -c5- >"$work/objects"
    ! grep -av '^f' "$work/found" | grep -avqE '^d \./(trust|filings|archive)|^d \./filings/[^/]*$' &&
        ! grep -a '^d \./archive/' "$work/found" | grep -avqE '^d \./archive/sha256(/[0-9a-f]{2})?$' &&
        tr '\n' '\0' <"$work/objects" | xargs -0 -r sha256sum -- 2>/dev/null | awk '
            { path = substr($0, 67); if (path != "archive/sha256/" substr($1, 1, 2) "/" $1) exit 1; n++ }
            END { print n + 0 }' >"$work/count" && [ "$(wc -l <"$work/objects")" = "$(cat "$work/count")" ]
    check archive archive 'an object is not what its name says, or does not belong there'
else
    say unproven archive 'archive: it was not read'
fi

# --- The lines of LOG, by what came into it together -----------------------------------------------------------------

# "T first last" for a generation of trust; "F first last id number expected supersedes" for a filing.
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
    {
        path = substr($0, 67); now = "?"
        if (path ~ /^filings\/[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]\.[1-9][0-9]*\/[^\/]*$/) now = "F"
        if (path ~ /^trust\/(root_signers|allowed_signers\.[1-9][0-9]*(\.sig)?|tsa-[a-z0-9][a-z0-9-]*\.pem)$/) now = "T"
        if (now == "?") { flush(); print "?", NR, NR; next }
        split(path, step, "/")
        if (now != kind || (now == "F" && step[2] != id) || (now == "T" && ended)) {
            flush(); first = NR; kind = now; id = step[2]; own = "none"; ended = 0
        }
        last = NR
        if (now == "T" && path ~ /allowed_signers\.[0-9]*$/) ended = 1
        if (now == "F" && step[3] == "manifest.json") own = substr($0, 1, 64)
    }
    END { flush() }' LOG >"$work/blocks"
! grep -q '^?' "$work/blocks"
check lines LOG 'a line belongs neither to a filing nor to trust'

# --- Trust -----------------------------------------------------------------------------------------------------------

# head_of FILE NAME: the value of a line "# NAME value" at the head of a file of trust.
head_of() { sed -n "s/^# $2 //p" "$1"; }
seconds() { date -u -d "$1" +%s; }
compact() { date -u -d "@$1" +%Y%m%d%H%M%SZ; }
# well_formed FILE: is it a file of allowed signers that is understood as a whole?
well_formed() {
    awk '
        NR == 1 && /^# cuadre-trust 1$/ { headed = 1; state = 1; next }
        headed && state == 1 && /^# generation [1-9][0-9]*$/ { state = 2; next }
        headed && state == 2 && /^# series [0-9a-f]+$/ && length($3) == 64 { state = 3; next }
        headed && (state == 2 || state == 3) && /^# issued [0-9-]+T[0-9:.]+Z$/ { state = 4; next }
        headed && state == 4 && /^# deadline [0-2][0-9]:[0-5][0-9] [A-Za-z0-9_+\/-]+$/ { state = 5; next }
        headed && state == 5 && /^# closed ([a-z]+day|[0-9-]+)$/ { next }
        headed && (state == 5 || state == 6) && /^# time-stamps [a-z0-9-]+ (any|[0-9.]+) [0-9a-f]+$/ { state = 6; next }
        /^(#|[ \t]*$)/ { if (headed) bad = 1; next }
        headed && state < 5 { bad = 1 }
        {
            state = 7
            if ($1 ~ /[*?!,"]/) bad = 1
            options = $2; type = 3
            if (options ~ /^(ssh|ecdsa|sk)-/) { options = ""; type = 2 }
            while (options != "") {
                if (!match(options, /^(namespaces="[^"*?!]*"|valid-(after|before)="[0-9]+Z")/)) { bad = 1; break }
                options = substr(options, RLENGTH + 1)
                if (options != "" && !sub(/^,/, "", options)) { bad = 1; break }
            }
            if ($type !~ /^(ssh|ecdsa|sk)-/) bad = 1
        }
        END { exit bad || (headed && state < 5) }' "$1"
}
# vouch SIGNERS NAMESPACE SIGNATURE FILE SECONDS: who of the signers signed the file at that time.
vouch() {
    when=$(compact "$5")
    ssh-keygen -Y find-principals -f "$1" -s "$3" -Overify-time="$when" 2>/dev/null <"$4" >"$work/principals" || return 1
    while read -r principal; do
        ssh-keygen -Y verify -f "$1" -I "$principal" -n "$2" -s "$3" -Overify-time="$when" <"$4" >/dev/null 2>&1 &&
            return 0
    done <"$work/principals"
    return 1
}

root=$given_root
[ -n "$root" ] || ! grep -qx 'trust/root_signers' "$work/paths" || root=trust/root_signers
[ -z "$root" ] || well_formed "$root"
check trust "${root:-trust}" 'the root signers are not understood'
generation=0 first_digest='' issued_before=0 signers=''
while read -r kind first last rest; do
    [ "$kind" = T ] || continue
    generation=$((generation + 1))
    file=trust/allowed_signers.$generation
    [ "$(sed -n "${last}p" "$work/paths")" = "$file" ] && [ -f "$file" ] && well_formed "$file"
    check trust "$file" 'it is not the next generation of trust, or is not understood'
    [ -f "$file" ] || break
    issued=$(head_of "$file" issued)
    issued=$(seconds "${issued:-1970-01-01T00:00:00Z}")
    series=$(head_of "$file" series)
    [ "$(head_of "$file" generation)" = "$generation" ] || { [ "$generation" = 1 ] && [ "$issued" = 0 ]; }
    check trust "$file" 'its head is of another generation'
    [ "$series" = "$first_digest" ] && [ "$issued" -ge "$issued_before" ]
    check trust "$file" 'it is of another series, or was issued before the one it follows'
    vouchers=${root:-$signers} signature=''
    if [ -n "$vouchers" ]; then
        signature=$file.sig
        [ -f "$signature" ] && vouch "$vouchers" cuadre-trust-v1 "$signature" "$file" "$issued"
        check trust "$file" 'nobody entitled has signed it'
    fi
    {
        head_of "$file" time-stamps | while read -r authority _ sum; do
            grep -qx "$sum  trust/tsa-$authority.pem" LOG || echo "missing"
            head -n "$((first - 1))" LOG | grep -qx "$sum  trust/tsa-$authority.pem" || echo "trust/tsa-$authority.pem"
        done | sort
        [ "$generation" != 1 ] || ! grep -qx 'trust/root_signers' "$work/paths" || echo trust/root_signers
        [ -z "$signature" ] || echo "$signature"
        echo "$file"
    } | sort >"$work/expected"
    sed -n "${first},${last}p" "$work/paths" | sort | cmp -s - "$work/expected"
    check trust "$file" 'its lines in LOG are not its files'
    [ -n "$first_digest" ] || first_digest=$(digest "$file")
    issued_before=$issued signers=$file
    echo "$last $issued $file" >>"$work/generations"
done <"$work/blocks"
[ "$generation" -gt 0 ]
check trust LOG 'it does not begin with trust/allowed_signers.1'
if [ -n "$given_signers" ]; then
    well_formed "$given_signers"
    check trust "$given_signers" 'it is not understood'
    signers=$given_signers
fi

# calendar_of DAY: the file whose calendar counts for a day: the last generation issued before its deadline.
calendar_of() {
    if [ -n "$given_signers" ] && [ -n "$(head_of "$given_signers" deadline)" ]; then
        echo "$given_signers"
        return
    fi
    found=''
    while read -r _ issued file; do
        due=$(due_by "$file" "$1")
        if [ -z "$found" ] || [ -z "$due" ] || [ "$issued" -le "$due" ]; then found=$file; fi
    done <"$work/generations"
    echo "$found"
}
# due_by FILE DAY: when the filing of a day is due by that calendar, in seconds; nothing where it says nothing.
due_by() {
    deadline=$(head_of "$1" deadline)
    [ -n "$deadline" ] || return 0
    TZ=${deadline#* } date -d "$(date -d "$2 + 1 day" +%F) ${deadline% *}" +%s
}

# --- Filings ---------------------------------------------------------------------------------------------------------

# token FILE SIGNATURE AUTHORITY: checks a time stamp, and prints when it was made: "seconds fraction?".
token() {
    pinned=$(head_of "$stampers" time-stamps | grep "^$3 ") || return 1
    pem=trust/tsa-$3.pem policy=$(echo "$pinned" | cut -d' ' -f2)
    [ "$(digest "$pem")" = "$(echo "$pinned" | cut -d' ' -f3)" ] || return 1
    openssl ts -reply -in "$1" -token_out -out "$work/token" 2>/dev/null || cp "$1" "$work/token"
    openssl cms -verify -inform DER -in "$work/token" -noverify -nointern -certfile "$pem" -cades \
        -out "$work/stamp" 2>/dev/null || return 1
    openssl cms -cmsout -print -noout -inform DER -in "$work/token" 2>/dev/null | grep -q 'eContentType: id-smime-ct-TSTInfo' || return 1
    openssl asn1parse -inform DER -in "$work/stamp" 2>/dev/null >"$work/parsed" || return 1
    [ "$policy" = any ] || [ "$(sed -n 's/.*OBJECT *://p' "$work/parsed" | head -n 1)" = "$policy" ] || return 1
    hash=$(sed -n 's/.*OBJECT *://p' "$work/parsed" | sed -n 2p)
    case $hash in sha256 | sha384 | sha512) ;; *) return 1 ;; esac
    imprint=$(sed -n 's/.*OCTET STRING *\[HEX DUMP\]://p' "$work/parsed" | head -n 1 | tr A-F a-f)
    [ "$imprint" = "$("${hash}sum" <"$2" | cut -d' ' -f1)" ] || return 1
    made=$(sed -n 's/.*GENERALIZEDTIME *:\([0-9]\{14\}\)\(\.[0-9]*\)\{0,1\}Z$/\1 \2/p' "$work/parsed" | head -n 1)
    at=$(echo "$made" | sed 's/^\(....\)\(..\)\(..\)\(..\)\(..\)\(..\).*/\1-\2-\3 \4:\5:\6/')
    at=$(date -u -d "$at" +%s 2>/dev/null) || return 1
    from=$(date -u -d "$(openssl x509 -in "$pem" -noout -startdate | cut -d= -f2)" +%s)
    to=$(date -u -d "$(openssl x509 -in "$pem" -noout -enddate | cut -d= -f2)" +%s)
    [ "$at" -ge "$from" ] && [ "$at" -le "$to" ] || return 1
    case $made in *.*[1-9]*) echo "$at $((at + 1))" ;; *) echo "$at $at" ;; esac
}

: >"$work/filings"
not_before=0
# shellcheck disable=SC2016 # The names with a dollar are those of jq.
well_stated='
    def sha: type == "string" and test("^[0-9a-f]{64}$");
    def names: [.subject[].name];
    keys == ["_type", "predicate", "predicateType", "subject"]
    and ._type == "https://in-toto.io/Statement/v1" and (.predicateType | type == "string")
    and (.subject | type == "array")
    and all(.subject[]; keys == ["digest", "name"] and (.digest | keys == ["sha256"]) and (.digest.sha256 | sha)
        and (.name | test("^[A-Za-z0-9_][A-Za-z0-9._-]*$") and (startswith("manifest.json") | not)))
    and (names | length == (unique | length))
    and (.predicate | (.businessDate == $date) and (.issuedAt | type == "string")
        and (.filing | has("supersedes") and .number == $number
            and (if $supersedes == "null" then .supersedes == null else .supersedes == {sha256: $supersedes} end))
        and (.history | keys == ["entries", "sha256"] and .entries == $entries and (.sha256 | sha)))'
while read -r kind first last id number expected supersedes; do
    [ "$kind" = F ] || continue
    folder=filings/$id
    manifest=$folder/manifest.json signature=$folder/manifest.json.sig
    if ! [ -f "$manifest" ] || ! [ -f "$signature" ]; then
        failed manifest "$manifest: manifest or signature is missing"
        continue
    fi
    jq -cS . "$manifest" 2>/dev/null | cmp -s - "$manifest"
    check manifest "$manifest" 'it is not canonical JSON'
    [ "$number" = "$expected" ] &&
        jq -e --arg date "${id%.*}" --argjson number "$number" --arg supersedes "$supersedes" \
            --argjson entries "$((first - 1))" "$well_stated" "$manifest" >/dev/null 2>&1
    check place "$manifest" 'it is not the next filing of its day, or does not say what a manifest must'
    [ "$(head -n "$((first - 1))" LOG | sha256sum | cut -c1-64)" = "$(jq -r .predicate.history.sha256 "$manifest" 2>/dev/null)" ]
    check history "$manifest" 'it does not pin the lines in front of it'

    sed -n "${first},${last}p" "$work/paths" | sed -n "s|^$folder/manifest\.json\.sig\.\([a-z0-9][a-z0-9-]*\)\.tsr\$|\1|p" |
        sort >"$work/authorities"
    {
        jq -r --arg folder "$folder" '.subject[] | .digest.sha256 + "  " + $folder + "/" + .name' "$manifest" 2>/dev/null
        echo "$(digest "$manifest")  $manifest"
        echo "$(digest "$signature")  $signature"
        while read -r authority; do
            echo "$(digest "$signature.$authority.tsr")  $signature.$authority.tsr"
        done <"$work/authorities"
    } >"$work/expected"
    sed -n "${first},${last}p" LOG | cmp -s - "$work/expected"
    check lines "$folder" 'its lines in LOG are not those of the manifest'

    while read -r trust_last issued _; do
        [ "$trust_last" -ge "$first" ] || [ "$issued" -lt "$not_before" ] || not_before=$((issued + 1))
    done <"$work/generations"
    # The authorities are those of the generation in front of the filing.
    stampers=$given_signers
    [ -n "$stampers" ] && [ -n "$(head_of "$stampers" deadline)" ] ||
        stampers=$(awk -v first="$first" '$1 < first { file = $3 } END { print file }' "$work/generations")
    stamped='' stamped_up='' newest=$not_before
    while read -r authority; do
        stamp=$signature.$authority.tsr
        made=$(token "$stamp" "$signature" "$authority")
        check timeStamp "$stamp" 'it is no time stamp of this signature by a trusted authority'
        [ -n "$made" ] || continue
        if [ -z "$stamped" ] || [ "${made% *}" -lt "$stamped" ]; then stamped=${made% *} stamped_up=${made#* }; fi
        [ "${made% *}" -le "$newest" ] || newest=${made% *}
    done <"$work/authorities"
    at=$stamped
    [ -n "$at" ] || at=$(seconds "$(jq -r '.predicate.issuedAt // "1970-01-01T00:00:00Z"' "$manifest" 2>/dev/null)")
    [ "$at" -ge "$not_before" ] || at=$not_before
    [ -n "$signers" ] && vouch "$signers" cuadre-manifest-v1 "$signature" "$manifest" "$at"
    check signature "$signature" "nobody who may has signed the manifest at $(compact "$at")"
    not_before=$newest
    echo "$id $number ${stamped_up:-none}" >>"$work/filings"

    if [ -f "$folder/inputs.json" ] && jq -e 'any(.subject[]; .name == "inputs.json")' "$manifest" >/dev/null 2>&1; then
        {
            jq -r '.. | objects | .sha256? | strings | select(test("^[0-9a-f]{64}$"))' "$folder/inputs.json" 2>/dev/null ||
                echo unreadable
            digest "$folder/inputs.json"
        } | sort -u | while read -r object; do
            [ -f "archive/sha256/$(echo "$object" | cut -c1-2)/$object" ] || echo "$object"
        done >"$work/missing"
        ! [ -s "$work/missing" ]
        check inputs "$folder/inputs.json" "the archive has no object $(head -n 1 "$work/missing")"
    fi
done <"$work/blocks"

# --- Time ------------------------------------------------------------------------------------------------------------

# A filing existed when it was stamped, or a filing after it that pins it.
tac "$work/filings" | awk '
    { if ($3 != "none" && (least == "" || $3 < least)) least = $3 }
    $2 == 1 { print $1, (least == "" ? "none" : least) }' | tac >"$work/existed"
while read -r id existed; do
    due=$(due_by "$(calendar_of "${id%.*}")" "${id%.*}")
    if [ "$existed" != none ] && [ -n "$due" ] && [ "$existed" -le "$due" ]; then
        passed timeliness "filings/$id: time-stamped $(compact "$existed"), due $(compact "$due")"
    elif [ -n "$timely" ]; then
        failed timeliness "filings/$id: it is not proven to have been in time"
    elif [ "$existed" != none ] && [ -n "$due" ]; then
        late=$((late + 1))
        say late timeliness "filings/$id: due $(compact "$due"), but time-stamped $(compact "$existed")"
    else
        unproven=$((unproven + 1))
        say unproven timeliness "filings/$id: no time stamp proves that it was in time"
    fi
done <"$work/existed"

cut -d' ' -f1 "$work/filings" | sed 's/\.[0-9]*$//' | sort -u >"$work/days"
from=$(head -n 1 "$work/days") to=${through:-$(tail -n 1 "$work/days")}
: >"$work/missing"
if [ -n "$from" ]; then
    count=$((($(date -u -d "$to" +%s) - $(date -u -d "$from" +%s)) / 86400))
    [ "$count" -lt 0 ] || seq 0 "$count" | sed "s/.*/$from + & days/" | date -u -f - '+%F %A' | tr '[:upper:]' '[:lower:]' >"$work/calendar"
    [ "$count" -lt 0 ] || while read -r day weekday; do
        grep -qx "$day" "$work/days" && continue
        closed=$(calendar_of "$day")
        grep -qxE "# closed ($day|$weekday)" "$closed" || echo "$day"
    done <"$work/calendar" >"$work/missing"
fi
if [ -n "$through" ]; then
    [ -n "$from" ] && ! [ -s "$work/missing" ]
    check calendar filings "days without a filing: $(tr '\n' ' ' <"$work/missing")"
elif [ -s "$work/missing" ]; then
    say note calendar "days without a filing: $(tr '\n' ' ' <"$work/missing")"
fi

# --- Manifests kept elsewhere ----------------------------------------------------------------------------------------

[ -z "$anchors" ] || printf '%s' "$anchors" | while read -r anchor; do
    entries=$(jq -r .predicate.history.entries "$anchor" 2>/dev/null)
    subjects=$(jq -r '.subject | length' "$anchor" 2>/dev/null)
    case $entries in '' | *[!0-9]*) entries=999999999 ;; esac
    jq -cS . "$anchor" 2>/dev/null | cmp -s - "$anchor" && [ "$entries" -le "$(wc -l <LOG)" ] &&
        [ "$(head -n "$entries" LOG | sha256sum | cut -c1-64)" = "$(jq -r .predicate.history.sha256 "$anchor")" ] &&
        sed -n "$((entries + subjects + 1))p" LOG | grep -qx "$(digest "$anchor")  filings/[^/]*/manifest.json" ||
        echo "$anchor"
done >"$work/broken"
if [ -n "$anchors" ]; then
    ! [ -s "$work/broken" ]
    check anchor LOG "its end was cut off, or the past rewritten, against $(tr '\n' ' ' <"$work/broken")"
fi

if [ "$failures" -gt 0 ]; then
    echo "Verification FAILED: $failures checks"
    exit 5
fi
[ -n "$quiet" ] || echo "Verified: $(wc -l <"$work/filings" | tr -d ' ') filings; timeliness: $late late, $unproven unproven"
exit 0
