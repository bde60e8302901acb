#!/bin/bash
# Main process of a MySQL container: makes the data directory once, then runs mysqld closed to writes.
# Environment: NODE_NAME, NODE_ADDRESS, SERVER_ID, MYSQL_ROOT_PASSWORD, DB_SUPERVISOR_PASSWORD, TOPOLOGY, DURABILITY.
. /lab/boot/lib.sh
. /lab/boot/mysql-protocol.sh

server_process=mysqld
admin_tool=mysqladmin
sql_client=mysql
root_password=MYSQL_ROOT_PASSWORD
# Every boot is a closed boot. --persisted-globals-load=OFF, else a persisted read_only=OFF would win. Not for the image's
# entrypoint: it passes its arguments to its temporary server too, which then cannot be written to (error 1290).
closed=(--super-read-only=ON --persisted-globals-load=OFF)
if supervised; then closed+=(--skip-replica-start=ON); fi

run_node
