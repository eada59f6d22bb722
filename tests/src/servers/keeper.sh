# Keeps one throw-away server: carries out the words `start`, `stop` and `kill` that come on stdin,
# answers each on stdout with `done` or `failed`, and when stdin ends, which it does when the test
# process ends in any way, stops the server and removes its folder.
#
# Takes $FOLDER, where everything of the server is, and $PORT. One of postgres.sh and mariadb.sh
# comes before it, with $OWNERS (users it may run as), $READY (what its log says once it serves),
# $END (the signal that stops it at once), `prepare`, `serve` and `forget`.

cd /
server=
as=
if [ "$(id -u)" = 0 ]; then # PostgreSQL refuses to run as root
    for owner in $OWNERS nobody; do
        if id "$owner" >/dev/null 2>&1; then break; fi
    done
    chown "$owner" "$FOLDER"
    as="setpriv --reuid=$owner --regid=$(id -g "$owner") --clear-groups"
fi

alive() {
    [ -n "$server" ] && kill -0 "$server" 2>/dev/null
}

# Waits until a command succeeds or the server is dead, for 60 s.
await() {
    tries=3000
    until "$@"; do
        tries=$((tries - 1))
        if [ "$tries" = 0 ] || ! alive; then return 1; fi
        sleep 0.02
    done
}

ready() {
    grep -q "$READY" "$FOLDER/log"
}

dead() {
    ! alive
}

start() {
    : >"$FOLDER/log"
    if [ ! -e "$FOLDER/prepared" ]; then
        prepare >>"$FOLDER/log" 2>&1 </dev/null || return 1
        : >"$FOLDER/prepared"
    fi
    serve >>"$FOLDER/log" 2>&1 </dev/null &
    server=$!
    await ready
}

stop() {
    if alive; then
        kill -s "$END" "$server"
        await dead || true
    fi
    if alive; then slay; fi
    server=
}

# As if the machine had no memory left: the server and its children have no time for anything.
slay() {
    alive || return 0
    kill -s STOP "$server" # so that no child is born meanwhile
    kill -s KILL $(cat "/proc/$server/task/$server/children" 2>/dev/null) "$server"
    wait "$server" 2>/dev/null
    server=
}

while read -r word; do
    case $word in
    start) start ;;
    stop) stop ;;
    kill) slay ;;
    esac
    # In a subshell: if nobody listens any more it dies of that, and the keeper does not.
    if [ $? = 0 ]; then (echo done); else (echo failed); fi
done
stop
forget
rm -rf "$FOLDER"
