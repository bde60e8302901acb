#!/bin/bash
# healthy.sh PORT READY_PATH LIVE_PATH: a container's health check. Until it was ready once it is "starting", and
# `docker compose up --wait` waits for it; from then on it is healthy as long as it lives. A service that waits for a
# database is not ill, and `up --wait` gives up at once on what is ill instead of waiting until it has recovered.
http_ok=${0%/*}/http-ok.sh
# "Once" counts from the container's start, which is when its first process began (field 22; ticks since boot).
read -r -a first_process </proc/1/stat
was_ready=/tmp/lab-was-ready-${first_process[21]}
if [ -e "$was_ready" ]; then exec bash "$http_ok" "$1" "$3"; fi
bash "$http_ok" "$1" "$2" && : >"$was_ready"
