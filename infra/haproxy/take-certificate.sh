#!/bin/bash
# Has HAProxy show what is in HTTPS_CERTIFICATE now, in place of what it read at its start. No connection ends. Run inside its
# container, whose loopback is where ADMIN_SOCKET listens.
set -euo pipefail
ask() {
    exec 3<>/dev/tcp/127.0.0.1/"${ADMIN_SOCKET##*:}"
    printf '%s\n' "$@" >&3
    timeout 5 cat <&3
}
said=$(ask "set ssl cert $HTTPS_CERTIFICATE <<" "$(grep . "$HTTPS_CERTIFICATE")" '' && ask "commit ssl cert $HTTPS_CERTIFICATE")
printf '%s\n' "$said"
[[ $said == *Success!* ]]
