#!/bin/bash
# http-ok.sh PORT PATH: exit 0 when this container answers 200 there. bash's own sockets: a health check every few
# seconds should not start Node, and these images have no curl.
exec 3<>/dev/tcp/127.0.0.1/"$1" || exit 1
printf 'GET %s HTTP/1.0\r\nHost: localhost\r\n\r\n' "$2" >&3
read -rt 2 status <&3
[[ $status == 'HTTP/1.'?' 200 '* ]]
