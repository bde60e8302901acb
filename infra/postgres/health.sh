#!/bin/bash
# Healthy: the application can log in over TCP and read the row that bootstrap writes last.
# Clear text is refused.
[ -e /run/lab-standing-by ] && exit 0
answer=$(PGPASSWORD=$DB_APP_PASSWORD PGCONNECT_TIMEOUT=2 PGSSLMODE=verify-ca PGSSLROOTCERT=/lab/tls/ca.pem psql --no-psqlrc --host=127.0.0.1 --username=app --dbname=lab \
    --no-align --tuples-only --command='SELECT 1 FROM lab_marker WHERE id = 1')
[ "$answer" = 1 ]
