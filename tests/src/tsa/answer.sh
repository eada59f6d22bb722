# Answers the request on stdin on stdout.
set -e
out=$(mktemp -d ./answer.XXXXXX)
trap 'rm -rf "$out"' EXIT
cat >"$out/request"
ssl() { LD_PRELOAD=./clock.so openssl "$@" 2>>log; }
ssl ts -reply -config openssl.cnf -section "$SECTION" -queryfile "$out/request" -out "$out/response"
if [ "$SECTION" = refuses ] || [ "$KIND" != nom151 ]; then
    cat "$out/response"
    exit
fi
# `ts -reply` refuses certificates that do not name time stamping as their purpose.
ssl ts -reply -config openssl.cnf -in "$out/response" -token_out -out "$out/token"
ssl cms -verify -inform DER -noverify -nointern -certfile stamps.pem -in "$out/token" -binary -out "$out/content"
ssl cms -sign -binary -nodetach -cades -md sha256 -econtent_type 1.2.840.113549.1.9.16.1.4 \
    -signer conserves.pem -inkey conserves.key -certfile root.pem -in "$out/content" -outform DER
