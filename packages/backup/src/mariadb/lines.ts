import type { Logged } from '../mysql-protocol/binlog.ts';

/** `#261129  0:30:05 server id 1  end_log_pos 512 CRC32 0x0a  GTID 0-1-5 trans`, in UTC. */
const GTID = /^#(\d\d)(\d\d)(\d\d)\s+(\d{1,2}):(\d\d):(\d\d) server id .*\sGTID (\d+-\d+-\d+)/;

/** The log has whole seconds: the one in which the commit began, on the primary. */
export function readLine(line: string): Logged | undefined {
  const match = GTID.exec(line);
  if (!match) return undefined;
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map(Number);
  const ms = Date.UTC(2000 + year!, month! - 1, day, hour, minute, second);
  return { gtid: match[7]!, us: ms * 1000 };
}
