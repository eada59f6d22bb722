# A throw-away MariaDB for keeper.sh. Takes $SETTINGS, more lines of its option file.

OWNERS=mysql
READY='ready for connections'
END=TERM

prepare() {
    cat >"$FOLDER/init.sql" <<END
CREATE USER IF NOT EXISTS tests IDENTIFIED BY 'tests';
GRANT ALL ON *.* TO tests WITH GRANT OPTION;
END
    cat >"$FOLDER/my.cnf" <<END
[mariadbd]
datadir = $FOLDER/data
tmpdir = $FOLDER
bind-address = 127.0.0.1
port = $PORT
socket = $FOLDER/socket
pid-file = $FOLDER/pid
skip-name-resolve
skip-log-bin
local-infile = ON
character-set-server = utf8mb4
default-time-zone = +00:00
innodb-buffer-pool-size = 64M
innodb-log-file-size = 16M
innodb-flush-log-at-trx-commit = 2
innodb-flush-method = nosync
$SETTINGS
END
    $as mariadb-install-db --defaults-file="$FOLDER/my.cnf" --datadir="$FOLDER/data" \
        --auth-root-authentication-method=normal --skip-test-db
}

serve() {
    exec $as mariadbd --defaults-file="$FOLDER/my.cnf" --init-file="$FOLDER/init.sql"
}

forget() {
    :
}
