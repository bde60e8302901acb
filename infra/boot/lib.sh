# What the boot scripts of the three engines share; sourced by infra/ENGINE/boot.sh, runs inside the official images.
#
# The boot script is the database container's main process. It makes the data directory, starts the server closed to
# writes, stays beside it, and carries out the orders of the node's agent. The two containers share a directory:
#   order    written by the agent (whole, by rename): lines  id=…  order=…  source=HOST:PORT
#   status   written here (whole, by rename): lines  phase=…  order=ID  result=done|failed|running  message=…

set -euo pipefail

control=${CONTROL_DIR:-/run/lab-control}
standing_by=/run/lab-standing-by
order_id='' order_name='' order_source='' order_result=''
server=''

say() { printf '%s boot[%s]: %s\n' "$(date -u +%FT%TZ)" "$NODE_NAME" "$*"; }

# report PHASE [MESSAGE]: what the agent shows of this container.
report() {
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
    local key value
    order_id='' order_name='' order_source='' order_result=running
    while IFS='=' read -r key value; do
        case $key in
            id) order_id=${value//[^0-9a-f-]/} ;;
            order) order_name=${value//[^a-z]/} ;;
            source) order_source=${value//[^0-9A-Za-z.:-]/} ;;
        esac
    done <"$control/order"
    rm -f "$control/order"
}

refuse_order() {
    order_result=failed
    report "$1" "order '$order_name' refused: $2"
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

# await_gone NAME: until no process of that name is left in this container (these images have no ps).
await_gone() {
    local tries
    for ((tries = 0; tries < 300; tries++)); do
        grep -qsx "$1" /proc/[0-9]*/comm || return 0
        rest 0.1
    done
    die "$1 did not end within 30 s"
}

# host_answers: is the agent there? It listens in this network namespace as long as the node's host lives. (A host that
# is frozen or cut off from the network still answers here.) No process is started for this either.
host_answers() { { : <>/dev/tcp/127.0.0.1/"${AGENT_PORT:-8080}"; } 2>/dev/null; }

# When the host dies its database dies, as on a real machine. Docker would leave it running without a network, healthy to
# its own health check, and out of reach even when the host is back.
end_without_host() {
    kill -KILL "$server" 2>/dev/null || true
    wait "$server" || true
    report stopped "the host of $NODE_NAME is gone"
    exit 1
}

# supervise COMMAND…: runs the server until it ends, and ends with its exit code. Signals reach the server; orders that
# come meanwhile are refused, for none of them fits a running server yet.
supervise() {
    local code=0 tick=0 host_seen='' host_silent=0
    "$@" &
    server=$!
    trap 'kill -TERM "$server" 2>/dev/null || true' TERM
    trap 'kill -INT "$server" 2>/dev/null || true' INT
    [ -z "$order_id" ] || order_result='done'
    report running
    while kill -0 "$server" 2>/dev/null; do
        if take_order; then refuse_order running "the server runs and has data"; fi
        rest 0.25
        # Once a second; three silences in a row, so that one refused connection ends nothing.
        if ((++tick % 4)); then continue; fi
        if host_answers; then
            host_seen=yes host_silent=0
        elif [ -n "$host_seen" ] && ((++host_silent >= 3)); then
            end_without_host
        fi
    done
    wait "$server" || code=$?
    report stopped "the server ended with code $code"
    exit "$code"
}
