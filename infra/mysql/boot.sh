#!/bin/bash
# Main process of a MySQL container: makes the data directory once, then runs mysqld closed to writes.
# Environment: NODE_NAME, NODE_ADDRESS, SERVER_ID, MYSQL_ROOT_PASSWORD, TOPOLOGY.
. /lab/boot/lib.sh

data=/var/lib/mysql
incomplete=$data/.lab-incomplete
initialised=/tmp/lab-initialised
identity=(--server-id="$SERVER_ID" --report-host="$NODE_ADDRESS" --report-port=3306)

# The image's entrypoint creates the data directory and root's accounts. Two things are ours:
# - Without a binary log meanwhile, the node starts with no history of its own, and can replicate from any other.
# - It passes its arguments to its temporary server too, so `closed` must not be among them (error 1290); therefore
#   the entrypoint is ended after its last step, before it would start a server that is open.
initialise() {
    report initialising
    find "$data" -mindepth 1 -delete
    : >"$incomplete"
    chown mysql: "$incomplete"
    rm -f "$initialised"
    # Sourced, not run, because it is not executable: its `exit` ends the entrypoint.
    cat >/docker-entrypoint-initdb.d/zz-lab-done.sh <<-'END'
		MYSQL_PWD=$MYSQL_ROOT_PASSWORD mysqladmin --protocol=socket --user=root shutdown
		: >/tmp/lab-initialised
		exit 0
	END
    docker-entrypoint.sh mysqld "${identity[@]}" --skip-log-bin || die "the image's initialisation failed"
    await_gone mysqld
    [ -e "$initialised" ] || die "the image's initialisation ended early"
    rm -f "$incomplete"
}

begin
stand_by_if_single
# A copy with fixed rights: mysqld ignores a world-writable file, which is what some hosts' mounts show.
install -m 644 /lab/engine/lab.cnf /etc/mysql/conf.d/lab.cnf
# Left behind by a killed container. The process number in the lock file may by now be anybody's.
rm -f /var/run/mysqld/*.sock /var/run/mysqld/*.sock.lock /var/run/mysqld/*.pid

# Empty, or a first start that was cut short: a server on a half-made directory would come up with an empty root
# password. A directory with data but without MySQL's own is not ours to delete.
if [ -e "$incomplete" ] || [ -z "$(find "$data" -mindepth 1 -maxdepth 1 -print -quit)" ]; then
    initialise
elif [ ! -d "$data/mysql" ]; then
    die "$data holds files but no MySQL data; empty the volume of $NODE_NAME (docker compose down --volumes)"
fi

# Every boot is a closed boot. --persisted-globals-load=OFF, else a persisted read_only=OFF would win.
supervise gosu mysql mysqld "${identity[@]}" --super-read-only=ON --persisted-globals-load=OFF
