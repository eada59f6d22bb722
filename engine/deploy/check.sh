#!/usr/bin/env bash
# Checks everything here with what will read it: Airflow, an interpreter of state machines, systemd, cron; and what a
# webhook is told with the libraries that receivers use.
# Installs packages of Python and Node into $CARGO_TARGET_DIR/deploy-checks; from Debian: systemd, cron, shellcheck.
set -euo pipefail
cd "$(dirname "$0")"
export PYTHONDONTWRITEBYTECODE=1
kept="${CARGO_TARGET_DIR:-$(cd ../.. && pwd)/target}/deploy-checks"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# What is installed is installed again when what is asked for has changed.
if ! cmp -s checks/requirements.txt "$kept/requirements.txt"; then
    rm -rf "$kept"
    {
        python3 -m venv "$kept" &&
            "$kept/bin/pip" install -q --disable-pip-version-check -r checks/requirements.txt &&
            npm install --silent --no-audit --no-fund --prefix "$kept" asl-validator@4.0.0 &&
            cp checks/requirements.txt "$kept/requirements.txt"
    } || echo "SKIPPED: the registries of packages cannot be reached; Dockerfile, state machine and DAG are not checked" >&2
fi

step() { # name command...
    local name=$1 before=$SECONDS
    shift
    "$@"
    echo "deploy: $name holds ($((SECONDS - before)) s)"
}

# The units in a root of their own, with what they start and systemd's own units.
units() {
    local root=$work/root when
    mkdir -p "$root/etc/systemd/system" "$root/usr/local/lib/cuadre" "$root/usr/lib/systemd"
    cp ./*.service ./*.timer "$root/etc/systemd/system"
    cp night alert "$root/usr/local/lib/cuadre"
    cp -r /lib/systemd/system "$root/usr/lib/systemd/system"
    ln -s usr/lib "$root/lib"
    # It ends with 0 after mere warnings, too.
    systemd-analyze verify --man=no --root="$root" cuadre.service cuadre.timer cuadre-alert@cuadre.service 2>&1 |
        tee "$work/warnings"
    [ ! -s "$work/warnings" ]
    systemd-analyze security --offline=true --root="$root" --threshold=15 cuadre.service >"$work/security" ||
        { cat "$work/security" && false; }
    sed -n 's/^OnCalendar=//p' cuadre.timer >"$work/calendar"
    [ -s "$work/calendar" ]
    while read -r when; do systemd-analyze calendar "$when" >/dev/null; done <"$work/calendar"
}

step "shell" shellcheck check.sh night alert checks/night.sh
mkdir "$work/night" "$work/airflow" "$work/webhook"
step "night and alert" checks/night.sh "$work/night"
step "crontab" crontab -n crontab
step "units" units
[ -e "$kept/requirements.txt" ] || exit 0
step "Dockerfile" "$kept/bin/hadolint" Dockerfile
step "build context" "$kept/bin/python" checks/build_context.py
step "state machine, by its schema" "$kept/node_modules/.bin/asl-validator" --json-path stepfunctions.asl.json
step "state machine, run" "$kept/bin/python" checks/state_machine.py
step "DAG" "$kept/bin/python" checks/dag.py "$work/airflow"
# With the binary that the tests have built.
cuadre="${CARGO_TARGET_DIR:-$(cd ../.. && pwd)/target}/debug/cuadre"
if [ -x "$cuadre" ]; then
    mkdir "$work/telemetry"
    step "metrics and run events" "$kept/bin/python" checks/telemetry.py "$cuadre" "$work/telemetry"
    step "webhook" "$kept/bin/python" checks/webhook.py "$cuadre" "$work/webhook"
else
    echo "SKIPPED: $cuadre is not built; metrics, run events and webhooks are not checked" >&2
fi
