# What the boot scripts of MySQL and MariaDB share; sourced after lib.sh. The engine's script sets `server_process`,
# `admin_tool`, `sql_client`, `root_password` (the variable that holds it) and `closed` (the server's arguments of every boot), and ends
# with `run_node`. Environment: NODE_ADDRESS, SERVER_ID, DURABILITY, DB_SUPERVISOR_PASSWORD.

data=/var/lib/mysql
incomplete=$data/.lab-incomplete
id_file=$data/.lab-server-id
initialised=/tmp/lab-initialised
initdb=/docker-entrypoint-initdb.d
supervisor_grants=/lab/engine/supervisor.sql
supervisor_sql=/tmp/lab-supervisor.sql
tls=/lab/tls
# Who comes over the network in clear text is refused, before any password.
tls_arguments=(--ssl-ca=$tls/ca.pem --ssl-cert=$tls/server.pem --ssl-key=$tls/server.pem --require-secure-transport=ON)
server_id=$SERVER_ID

# A replica may have been told to receive from nobody, so that it confirms nothing to a primary that was deposed. It must not
# begin again by itself; the supervisor attaches it.
supervised() { [ "${DURABILITY:-quorum}" = quorum ]; }

read_server_id() {
    [ -e "$id_file" ] || return 0
    server_id=$(<"$id_file")
    [[ $server_id =~ ^[1-9][0-9]{0,8}$ ]] || die "$id_file holds no server id"
}

# A replica skips events of its own server id, and the other nodes' logs hold what this node wrote under the old one. A file
# that is left alone when the rest is wiped: it is written first, so that no id is ever used twice. The nodes' first ids are
# below 10, so theirs never meet.
renew_server_id() {
    local next=$((server_id + 10))
    { printf '%s\n' "$next" >"$id_file.new" && chown mysql: "$id_file.new" && sync "$id_file.new" &&
        mv "$id_file.new" "$id_file"; } || return 1
    server_id=$next
}

# sql_text TEXT: a string of SQL.
sql_text() {
    local quote="'" text=${1//\\/\\\\}
    printf "'%s'" "${text//$quote/$quote$quote}"
}

# A supervisor has to log in to a fresh node, to attach it: so its account is made with the data. What it may do is the engine's
# supervisor.sql. For the server's user, as whom the entrypoint goes on.
write_supervisor_sql() {
    rm -f "$supervisor_sql"
    (umask 077 && {
        printf "CREATE USER 'supervisor'@'%%' IDENTIFIED BY %s REQUIRE SSL;\n" "$(sql_text "$DB_SUPERVISOR_PASSWORD")"
        cat "$supervisor_grants"
    } >"$supervisor_sql") && chown mysql: "$supervisor_sql"
}

# The image's entrypoint creates the data directory and root's accounts. Without a binary log meanwhile, the node starts with
# no history of its own, and can replicate from any other. The entrypoint is ended after its last step, before it would start
# a server that is open.
initialise() {
    report initialising "server id $server_id"
    { : >"$incomplete" && chown mysql: "$incomplete"; } || return 1
    find "$data" -mindepth 1 ! -path "$incomplete" ! -path "$id_file" -delete || return 1
    rm -f "$initialised"
    write_supervisor_sql || return 1
    # Sourced, not run, because it is not executable: its `exit` ends the entrypoint.
    cat >"$initdb/zz-lab-done.sh" <<-END
		MYSQL_PWD=\$$root_password $sql_client --protocol=socket --user=root <$supervisor_sql || exit 1
		rm -f $supervisor_sql
		MYSQL_PWD=\$$root_password $admin_tool --protocol=socket --user=root shutdown
		: >$initialised
		exit 0
	END
    local why=''
    if ! docker-entrypoint.sh "$server_process" --server-id="$server_id" --skip-log-bin; then
        why="the image's initialisation failed"
    elif ! await_gone "$server_process"; then
        why="the image's temporary server does not end"
    elif [ ! -e "$initialised" ]; then
        why="the image's initialisation ended early"
    else
        rm -f "$incomplete"
        return
    fi
    say "$why"
    kill_all "$server_process"
    return 1
}

# For obey. There is nothing to copy: a fresh node that is attached fetches the whole history.
carry_out() {
    case $order_name in
        initialise | copy) ;;
        rebuild) renew_server_id || return 1 ;;
        *)
            say "there is no data to run a server on"
            return 1
            ;;
    esac
    initialise
}

run_node() {
    begin
    stand_by_if_single
    # A copy with fixed rights: the server ignores a world-writable file, which is what some hosts' mounts show.
    install -m 644 /lab/engine/lab.cnf /etc/mysql/conf.d/lab.cnf
    read_server_id
    # Empty, or made only half when the container was killed: a server on a half-made directory would come up with an empty
    # root password. A directory with data but without the server's own is not ours to delete.
    if [ -e "$incomplete" ] || [ -z "$(find "$data" -mindepth 1 -maxdepth 1 -print -quit)" ]; then
        initialise || die "the data directory could not be made; the log of this container says why"
    elif [ ! -d "$data/mysql" ]; then
        die "$data holds files but no data of this engine; empty the volume of $NODE_NAME (docker compose down --volumes)"
    fi
    while true; do
        # Left behind by a server that was killed. The process number in the lock file may by now be anybody's.
        rm -f /var/run/mysqld/*.sock /var/run/mysqld/*.sock.lock /var/run/mysqld/*.pid
        supervise gosu mysql "$server_process" --server-id="$server_id" --report-host="$NODE_ADDRESS" --report-port=3306 \
            "${tls_arguments[@]}" "${closed[@]}"
        [ "$order_name" = restart ] || obey
    done
}
