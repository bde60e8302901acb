#!/bin/bash
# Exit 0: the agent has just asked this node's database, and it is the writable primary.
# bash's own sockets instead of curl: this runs two or three times a second on every node.
exec 3<>/dev/tcp/127.0.0.1/"${AGENT_PROBE_PORT:-8081}" || exit 1
printf 'GET /primary HTTP/1.0\r\n\r\n' >&3
read -rt 1.8 status <&3
[[ $status == 'HTTP/1.'?' 200 '* ]]
