-- What a supervisor may do on a fresh node, before that has any history: as packages/engines/src/mariadb/rights.ts says (a test
-- compares them). The account itself, with its password, is made by infra/boot/mysql-protocol.sh.
GRANT REPLICATION SLAVE ADMIN ON *.* TO 'supervisor'@'%';
GRANT REPLICATION MASTER ADMIN ON *.* TO 'supervisor'@'%';
GRANT READ_ONLY ADMIN ON *.* TO 'supervisor'@'%';
GRANT CONNECTION ADMIN ON *.* TO 'supervisor'@'%';
GRANT SLAVE MONITOR ON *.* TO 'supervisor'@'%';
GRANT SELECT (NAME, THREAD_OS_ID, PROCESSLIST_USER, PROCESSLIST_COMMAND) ON performance_schema.threads TO 'supervisor'@'%';
GRANT CREATE, SELECT ON `lab`.lab_epoch TO 'supervisor'@'%';
REVOKE CREATE ON `lab`.lab_epoch FROM 'supervisor'@'%';
