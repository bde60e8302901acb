#!/bin/bash
# Main process of a PostgreSQL container: runs postgres as a standby that takes no writes.
# Environment: NODE_NAME, POSTGRES_PASSWORD, DB_REPLICATION_PASSWORD, TOPOLOGY. Of DURABILITY nothing depends here: whether
# this node follows anybody is a setting, which outlives a boot (see `close`).
#
# A fresh node cannot follow a fresh primary by itself: it must begin as a copy of it. So a node without data waits for
# an order: `initialise` (the first node) or `copy` with a source (the others).
. /lab/boot/lib.sh

server_process=postgres
home=/var/lib/postgresql
data=$PGDATA
incomplete=$home/.lab-incomplete
passfile=$home/.pgpass
account=repl_${NODE_NAME//-/_}
auto=$data/postgresql.auto.conf
copy_timeout_s=600
tls=/lab/tls
# For the tools that copy. The server itself is told in primary_conninfo.
export PGSSLMODE=verify-full PGSSLROOTCERT=$tls/ca.pem PGSSLCERT=$tls/replication.pem PGSSLKEY=$tls/replication.pem
# A source whose host is gone is noticed within seconds.
copy_link='connect_timeout=5 keepalives_idle=5 keepalives_interval=2 keepalives_count=3 tcp_user_timeout=10000'

# Where this server and its tools find the password: in primary_conninfo everybody could read it.
write_passfile() {
    local password=${DB_REPLICATION_PASSWORD//\\/\\\\}
    (umask 077 && printf '*:*:*:%s:%s\n' "$account" "${password//:/\\:}" >"$passfile")
    chown postgres: "$passfile"
    export PGPASSFILE=$passfile
}

empty_directory() {
    : >"$incomplete" || return 1
    mkdir -p "$data" || return 1
    find "$data" -mindepth 1 -delete || return 1
    chown postgres: "$data" || return 1
    chmod 700 "$data"
}

initialise() {
    report initialising
    empty_directory || return 1
    local password=$home/.initial-password result=0
    (umask 077 && printf '%s\n' "$POSTGRES_PASSWORD" >"$password")
    chown postgres: "$password"
    # A promotion copies the last segment for its new timeline before anybody can write: 24 ms for one of 16 MB, 10 for 4 MB.
    gosu postgres initdb --pgdata="$data" --username=postgres --pwfile="$password" --auth=scram-sha-256 \
        --encoding=UTF8 --locale=C --data-checksums --wal-segsize=4 || result=1
    rm -f "$password"
    [ "$result" = 0 ] && rm -f "$incomplete"
}

# Bounded, because the source may be frozen: until then this node takes no other order.
as_postgres() { timeout --kill-after=5 "$copy_timeout_s" gosu postgres "$@"; }

# copy HOST:PORT. The slot is made first, so that the source keeps what this node will need after the copy; anew, because what
# one from an earlier life of this node kept is of no use, and the source may have given it up. The settings that come with the
# copy are the source's; none of them is ours.
copy() {
    report copying "from $1"
    empty_directory || return 1
    local from=(--dbname="$copy_link" --host="${1%:*}" --port="${1##*:}" --username="$account" --no-password
        --slot="${NODE_NAME//-/_}")
    as_postgres pg_receivewal "${from[@]}" --drop-slot 2>/dev/null || say "no slot to drop on $1, or it is in use"
    as_postgres pg_receivewal "${from[@]}" --create-slot --if-not-exists || return 1
    as_postgres pg_basebackup "${from[@]}" --pgdata="$data" --wal-method=stream --checkpoint=fast || return 1
    { : >"$auto" && rm -f "$incomplete"; }
}

# For obey.
carry_out() {
    case $order_name in
        initialise) initialise ;;
        copy | rebuild) copy "$order_source" ;;
        *)
            say "there is no data to run a server on"
            return 1
            ;;
    esac
}

# Every boot is a closed boot: a standby, and read-only even if something promotes it. Of what ALTER SYSTEM has set, only
# whom this node follows (or that it follows nobody, as a supervisor has told it), and how late, is kept; the rest belongs to
# its last reign. Replaced whole: with half of it a node could have forgotten any of that.
close() {
    local kept
    kept=$(grep -E '^(primary_conninfo|primary_slot_name|recovery_min_apply_delay)[ =]' "$auto" || true)
    printf '%s\n' '# Written by the lab at every boot, and by ALTER SYSTEM in between.' "$kept" \
        "default_transaction_read_only = 'on'" >"$auto.new"
    : >"$data/standby.signal"
    chown postgres: "$data/standby.signal" "$auto.new"
    mv "$auto.new" "$auto"
    # Left behind by a server that was killed; the process number in them may by now be anybody's.
    rm -f "$data/postmaster.pid" /var/run/postgresql/.s.PGSQL.*
}

begin
stand_by_if_single
trap 'exit 0' TERM INT # while there is no server to pass a signal to
write_passfile
# Copies the server's user may read, whatever rights the host's mount shows.
rm -rf /etc/lab
mkdir /etc/lab
install -m 644 /lab/engine/*.conf /etc/lab/
# PostgreSQL 15 refuses to start with the settings of 16; the main file includes them only where they are.
major=$(postgres --version | sed -E 's/^[^0-9]*([0-9]+).*/\1/')
[ "$major" -ge 16 ] || rm /etc/lab/since-16.conf

if [ -e "$incomplete" ] || [ ! -s "$data/PG_VERSION" ]; then
    await_order "no data yet: waiting for the order to initialise or to copy"
    obey
fi
while true; do
    close
    supervise gosu postgres postgres -D "$data" -c config_file=/etc/lab/postgresql.conf \
        -c hba_file=/etc/lab/pg_hba_tls.conf \
        -c ssl=on -c ssl_ca_file=$tls/ca.pem -c ssl_cert_file=$tls/server.pem -c ssl_key_file=$tls/server.pem \
        -c listen_addresses='*' -c cluster_name="$NODE_NAME"
    [ "$order_name" = restart ] || obey
done
