#!/bin/bash
# Main process of a MariaDB container: makes the data directory once, then runs mariadbd closed to writes.
# Environment: NODE_NAME, NODE_ADDRESS, SERVER_ID, MARIADB_ROOT_PASSWORD, DB_SUPERVISOR_PASSWORD, TOPOLOGY, DURABILITY.
. /lab/boot/lib.sh
. /lab/boot/mysql-protocol.sh

server_process=mariadbd
admin_tool=mariadb-admin
sql_client=mariadb
root_password=MARIADB_ROOT_PASSWORD
# lab.cnf holds read_only=ON, so every boot is a closed boot.
closed=()
if supervised; then closed+=(--skip-slave-start=ON); fi

run_node
