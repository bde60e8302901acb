#!/bin/sh
# DB_NODES from what docker-compose.yml can say: it cannot compute a port from DB_ENGINE or leave nodes out by TOPOLOGY.
#   DB_HOSTS   db-1=ADDRESS,db-2=ADDRESS,…
set -eu
if [ -z "${DB_NODES:-}" ] && [ -n "${DB_HOSTS:-}" ]; then
    case ${DB_ENGINE:-mysql} in postgres) port=5432 ;; *) port=3306 ;; esac
    hosts=$DB_HOSTS
    [ "${TOPOLOGY:-replicated}" != single ] || hosts=${hosts%%,*}
    DB_NODES=$(printf '%s' "$hosts" | sed "s/,/:$port,/g; s/\$/:$port/")
    export DB_NODES
fi
exec "$@"
