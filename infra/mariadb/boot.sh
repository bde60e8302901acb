#!/bin/bash
# Main process of a MariaDB container: makes the data directory once, then runs mariadbd closed to writes.
# Environment: NODE_NAME, NODE_ADDRESS, SERVER_ID, MARIADB_ROOT_PASSWORD, TOPOLOGY.
. /lab/boot/lib.sh

data=/var/lib/mysql
incomplete=$data/.lab-incomplete
initialised=/tmp/lab-initialised
identity=(--server-id="$SERVER_ID" --report-host="$NODE_ADDRESS" --report-port=3306)

# The image's entrypoint creates the data directory and root's accounts, here without a binary log, so that the node
# starts with no history of its own. It is ended after its last step, before it would start a server.
initialise() {
    report initialising
    find "$data" -mindepth 1 -delete
    : >"$incomplete"
    chown mysql: "$incomplete"
    rm -f "$initialised"
    # Sourced, not run, because it is not executable: its `exit` ends the entrypoint.
    cat >/docker-entrypoint-initdb.d/zz-lab-done.sh <<-'END'
		MYSQL_PWD=$MARIADB_ROOT_PASSWORD mariadb-admin --protocol=socket --user=root shutdown
		: >/tmp/lab-initialised
		exit 0
	END
    docker-entrypoint.sh mariadbd "${identity[@]}" --skip-log-bin || die "the image's initialisation failed"
    await_gone mariadbd
    [ -e "$initialised" ] || die "the image's initialisation ended early"
    rm -f "$incomplete"
}

begin
stand_by_if_single
# A copy with fixed rights: mariadbd ignores a world-writable file, which is what some hosts' mounts show. It holds
# read_only=ON, so every boot is a closed boot.
install -m 644 /lab/engine/lab.cnf /etc/mysql/conf.d/lab.cnf
# Left behind by a killed container.
rm -f /run/mysqld/*.sock /run/mysqld/*.pid

# Empty, or a first start that was cut short: a server on a half-made directory would come up with an empty root
# password. A directory with data but without the server's own is not ours to delete.
if [ -e "$incomplete" ] || [ -z "$(find "$data" -mindepth 1 -maxdepth 1 -print -quit)" ]; then
    initialise
elif [ ! -d "$data/mysql" ]; then
    die "$data holds files but no MariaDB data; empty the volume of $NODE_NAME (docker compose down --volumes)"
fi

supervise gosu mysql mariadbd "${identity[@]}"
