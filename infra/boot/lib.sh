# What the boot scripts of the three engines share; sourced by infra/ENGINE/boot.sh, runs inside the official images.
#
# The boot script is the database container's main process. It makes the data directory, starts the server closed to
# writes, stays beside it, and carries out the orders of the node's agent: `initialise` and `copy` where there is no data,
# `restart` and `rebuild` while the server runs. The two containers share a directory:
#   order    written by the agent (whole, by link): lines  id=…  order=…  source=HOST:PORT
#   status   written here (whole, by rename): lines  phase=…  order=ID  result=done|failed|running  message=…

set -euo pipefail

control=${CONTROL_DIR:-/run/lab-control}
standing_by=/run/lab-standing-by
order_id='' order_name='' order_source='' order_result=''
phase='' server='' tick=0 host_seen='' host_silent=0
# The agent has judged an order by what was so a moment ago. This container may have been frozen since.
order_valid_s=10

say() { printf '%s boot[%s]: %s\n' "$(date -u +%FT%TZ)" "$NODE_NAME" "$*"; }

# report PHASE [MESSAGE]: what the agent shows of this container.
report() {
    phase=$1
    printf 'phase=%s\norder=%s\nresult=%s\nmessage=%s\n' "$1" "$order_id" "$order_result" "${2:-}" >"$control/status.new"
    mv "$control/status.new" "$control/status"
    say "$1${2:+: $2}"
}

die() {
    [ -z "$order_id" ] || order_result=failed
    report failed "$*"
    exit 1
}

# A sleep without a process: a capped database container should not spend its CPU on forks. Nothing ever writes to
# this pipe, so reading from it with a timeout waits.
exec {never}<> <(:)
rest() { read -rt "$1" -u "$never" || true; }

# take_order: is there a new order? Sets order_id, order_name and order_source. The agent has checked the values; they
# are checked again because they become arguments of programs.
take_order() {
    [ -e "$control/order" ] || return 1
    local key value age_s
    age_s=$((EPOCHSECONDS - $(stat -c %Y "$control/order")))
    order_id='' order_name='' order_source='' order_result=running
    while IFS='=' read -r key value; do
        case $key in
            id) order_id=${value//[^0-9a-f-]/} ;;
            order) order_name=${value//[^a-z]/} ;;
            source) order_source=${value//[^0-9A-Za-z.:-]/} ;;
        esac
    done <"$control/order"
    # Before the file goes: at every moment one of the two files tells of the order.
    report "$phase" "took the order '$order_name'"
    rm -f "$control/order"
    ((age_s <= order_valid_s)) && return
    refuse_order "it was given ${age_s} s ago"
    return 1
}

refuse_order() {
    order_result=failed
    report "$phase" "order '$order_name' refused: $1"
}

# await_order MESSAGE: waits, without a server, for an order. The message says what for.
await_order() {
    server=''
    trap 'exit 0' TERM INT # there is no server to pass a signal to
    report waiting "$1"
    until take_order; do
        watch_host
        rest 0.25
    done
}

# obey: carries out the order that was taken, by `carry_out` of the engine's script. When that fails there is no data to
# boot from, and the node waits for another order: a container that ended could take none.
obey() {
    until carry_out; do
        order_result=failed
        await_order "order '$order_name' $order_source failed; the log of this container says why"
    done
}

# Called first. An order that nobody took belongs to an earlier life of this container.
begin() {
    mkdir -p "$control"
    rm -f "$control/order" "$standing_by"
    report starting
}

# In TOPOLOGY=single only db-1 has a database; the containers of the others wait, and count as healthy.
stand_by_if_single() {
    [ "${TOPOLOGY:-replicated}" = single ] && [ "$NODE_NAME" != db-1 ] || return 0
    # Before anybody can see that we stand by: a stop must never meet a container without its trap.
    trap 'exit 0' TERM INT
    : >"$standing_by"
    report standing-by "TOPOLOGY=single runs a database on db-1 only"
    while true; do rest 1; done
}

# await_gone NAME: until no process of that name is left in this container (these images have no ps); fails after 30 s.
await_gone() {
    local tries
    for ((tries = 0; tries < 300; tries++)); do
        grep -qsx "$1" /proc/[0-9]*/comm || return 0
        rest 0.1
    done
    say "$1 did not end within 30 s"
    return 1
}

# kill_all NAME: ends every process of that name, frozen or not, and waits until they are gone, or dead and waiting for their
# parent to notice. Not only the first one: the others of PostgreSQL end by themselves when they notice, which they do not
# while they are frozen.
kill_all() {
    local tries file left
    for ((tries = 0; tries < 300; tries++)); do
        left=$(grep -lsE "^[0-9]+ \($1\) [^ZX]" /proc/[0-9]*/stat || true)
        [ -n "$left" ] || return 0
        for file in $left; do
            file=${file#/proc/}
            kill -KILL "${file%/stat}" 2>/dev/null || true
        done
        rest 0.1
    done
    die "$1 did not end within 30 s of SIGKILL"
}

# host_answers: is the agent there? It listens in this network namespace as long as the node's host lives. (A host that
# is frozen or cut off from the network still answers here.) No process is started for this either.
host_answers() { { : <>/dev/tcp/127.0.0.1/"${AGENT_PORT:-8080}"; } 2>/dev/null; }

# When the host dies its database dies, as on a real machine. Docker would leave it running without a network, healthy to
# its own health check, and out of reach even when the host is back.
end_without_host() {
    if [ -n "$server" ]; then
        kill -KILL "$server" 2>/dev/null || true
        wait "$server" || true
    fi
    report stopped "the host of $NODE_NAME is gone"
    exit 1
}

# watch_host: called four times a second. Asks once a second; three silences in a row, so that one refused connection ends
# nothing.
watch_host() {
    if ((++tick % 4)); then return; fi
    if host_answers; then
        host_seen=yes host_silent=0
    elif [ -n "$host_seen" ] && ((++host_silent >= 3)); then
        end_without_host
    fi
}

# supervise COMMAND…: runs the server. When it ends, so does the container, with the server's exit code. Signals reach the
# server. Returns when an order to restart or to rebuild has come, and the server is gone, and every process of the name
# `server_process` with it; other orders are refused.
supervise() {
    local code=0
    "$@" &
    server=$!
    trap 'kill -TERM "$server" 2>/dev/null || true' TERM
    trap 'kill -INT "$server" 2>/dev/null || true' INT
    [ -z "$order_id" ] || order_result='done'
    report running
    while kill -0 "$server" 2>/dev/null; do
        if take_order; then
            case $order_name in
                restart | rebuild)
                    end_for_order
                    return
                    ;;
                *) refuse_order "the server runs and has data" ;;
            esac
        fi
        rest 0.25
        watch_host
    done
    wait "$server" || code=$?
    report stopped "the server ended with code $code"
    exit "$code"
}

# By SIGKILL, which a frozen server does not survive either. On a signal that it handles, a primary without replicas can tell
# clients that wait for a confirmation "committed".
end_for_order() {
    trap 'exit 0' TERM INT
    report starting "ending the server for the order '$order_name'"
    kill -KILL "$server" 2>/dev/null || true
    wait "$server" || true
    server=''
    kill_all "$server_process"
}
