# A throw-away PostgreSQL for keeper.sh. Takes $SETTINGS, more lines of postgresql.conf, and $TLS:
# empty, or the subject alternative names of the server's certificate, whose authority is ca.pem.

OWNERS=postgres
READY='database system is ready to accept connections'
END=QUIT

prepare() {
    echo tests >"$FOLDER/password"
    $as initdb -D "$FOLDER/data" -U tests --pwfile="$FOLDER/password" --auth-local=trust \
        --auth-host=scram-sha-256 --encoding=UTF8 --locale=C --no-sync || return 1
    cat >>"$FOLDER/data/postgresql.conf" <<END
listen_addresses = '127.0.0.1'
port = $PORT
unix_socket_directories = '$FOLDER'
dynamic_shared_memory_type = mmap # in the folder, so that it goes with it
fsync = off
full_page_writes = off
wal_level = minimal
max_wal_senders = 0
autovacuum = off
timezone = 'UTC'
log_timezone = 'UTC'
$SETTINGS
END
    [ -z "$TLS" ] || certify
}

# Makes the authority and the server's key and certificate; nothing comes in by TCP without TLS.
certify() {
    cat >"$FOLDER/openssl.cnf" <<END
[req]
distinguished_name = name
prompt = no
[name]
CN = Cuadre test
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[server]
basicConstraints = critical, CA:FALSE
extendedKeyUsage = serverAuth
subjectAltName = $TLS
END
    key='-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes'
    $as openssl req -config "$FOLDER/openssl.cnf" -extensions authority -x509 -days 2 $key \
        -subj '/CN=Cuadre test authority' -keyout "$FOLDER/ca.key" -out "$FOLDER/ca.pem" &&
        $as openssl req -config "$FOLDER/openssl.cnf" $key -subj '/CN=Cuadre test server' \
            -keyout "$FOLDER/server.key" -out "$FOLDER/server.csr" &&
        $as openssl x509 -req -in "$FOLDER/server.csr" -CA "$FOLDER/ca.pem" -CAkey "$FOLDER/ca.key" \
            -CAcreateserial -days 2 -extfile "$FOLDER/openssl.cnf" -extensions server \
            -out "$FOLDER/server.pem" || return 1
    cat >>"$FOLDER/data/postgresql.conf" <<END
ssl = on
ssl_cert_file = '$FOLDER/server.pem'
ssl_key_file = '$FOLDER/server.key'
END
    cat >"$FOLDER/data/pg_hba.conf" <<END
local all all trust
hostssl all all 127.0.0.1/32 scram-sha-256
END
}

serve() {
    exec $as postgres -D "$FOLDER/data"
}

# What a killed server leaves outside of its folder: one small segment of shared memory.
forget() {
    segment=$(sed -n '7s/.* //p' "$FOLDER/data/postmaster.pid" 2>/dev/null)
    [ -z "$segment" ] || ipcrm -m "$segment" 2>/dev/null
}
