-- What a supervisor may do on a fresh node, before that has any history: as packages/engines/src/mysql/rights.ts says (a test
-- compares them). The account itself, with its password, is made by infra/boot/mysql-protocol.sh.
GRANT REPLICATION_SLAVE_ADMIN ON *.* TO 'supervisor'@'%';
GRANT SYSTEM_VARIABLES_ADMIN ON *.* TO 'supervisor'@'%';
GRANT CONNECTION_ADMIN ON *.* TO 'supervisor'@'%';
GRANT SYSTEM_USER ON *.* TO 'supervisor'@'%';
GRANT SELECT ON performance_schema.replication_connection_configuration TO 'supervisor'@'%';
GRANT SELECT ON performance_schema.replication_connection_status TO 'supervisor'@'%';
GRANT SELECT ON performance_schema.replication_applier_configuration TO 'supervisor'@'%';
GRANT SELECT ON performance_schema.replication_applier_status TO 'supervisor'@'%';
GRANT SELECT ON performance_schema.replication_applier_status_by_coordinator TO 'supervisor'@'%';
GRANT SELECT ON performance_schema.replication_applier_status_by_worker TO 'supervisor'@'%';
GRANT SELECT (NAME, THREAD_ID, THREAD_OS_ID, PROCESSLIST_ID, PROCESSLIST_USER, PROCESSLIST_COMMAND) ON performance_schema.threads TO 'supervisor'@'%';
GRANT SELECT (THREAD_ID, VARIABLE_NAME) ON performance_schema.user_variables_by_thread TO 'supervisor'@'%';
GRANT CREATE, SELECT ON `lab`.lab_epoch TO 'supervisor'@'%';
REVOKE CREATE ON `lab`.lab_epoch FROM 'supervisor'@'%';
