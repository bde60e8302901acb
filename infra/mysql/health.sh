#!/bin/bash
# Healthy: the application can log in over TCP and read the row that bootstrap writes last. The image's temporary
# server of the first start listens on no TCP port, so it never looks healthy. The account is refused in clear text.
[ -e /run/lab-standing-by ] && exit 0
answer=$(MYSQL_PWD=$DB_APP_PASSWORD mysql --no-defaults --protocol=tcp --host=127.0.0.1 --user=app --connect-timeout=2 \
    --ssl-mode=VERIFY_CA --ssl-ca=/lab/tls/ca.pem --batch --skip-column-names --execute='SELECT 1 FROM lab_marker WHERE id = 1' lab)
[ "$answer" = 1 ]
