# Makes the keys and certificates of an authority in the current folder, and the clock it is told.
set -e
cc -shared -fPIC -O1 -o clock.so clock.c
key() {
    case $KIND in
    ec) openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1.key" ;;
    *) openssl genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$1.key" ;;
    esac
}
certificate() { # of $1, with the number $2, by root or by itself
    by='-CA root.pem -CAkey root.key'
    [ "$1" = root ] && by=
    # 2026 to 2029
    NAME="$1" EPOCH=1767225600 LD_PRELOAD=./clock.so openssl req -x509 -config openssl.cnf -extensions "$1" \
        -key "$1.key" $by -set_serial "$2" -days 1461 -out "$1.pem"
}
key root
certificate root 1
key stamps
certificate stamps 7
if [ "$KIND" = nom151 ]; then
    key conserves
    certificate conserves 8
    cp conserves.pem leaf.pem
else
    cp stamps.pem leaf.pem
fi
echo 01 >serial
