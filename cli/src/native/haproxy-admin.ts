import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { LabError, messageOf } from '../errors.ts';
import { haproxySocket, type NativePlan, proxyCertificate } from './layout.ts';

const ANSWER_MS = 5_000;

/**
 * Has HAProxy show what is in its file now, in place of what it read at its start. No connection ends. As
 * infra/haproxy/take-certificate.sh does in its container. LabError `proxy-refused`.
 */
export async function takeCertificate({ stateDir, certificates }: NativePlan): Promise<void> {
  if (certificates === null) return;
  const file = proxyCertificate(certificates);
  const pem = (await readFile(file, 'utf8')).trim();
  await ask(stateDir, `set ssl cert ${file} <<\n${pem}\n\n`); // an empty line ends the text
  const said = await ask(stateDir, `commit ssl cert ${file}\n`);
  if (!said.includes('Success!')) throw refused(said.trim());
}

async function ask(stateDir: string, command: string): Promise<string> {
  const socket = connect(haproxySocket(stateDir));
  socket.setTimeout(ANSWER_MS, () => socket.destroy(new Error(`no answer within ${ANSWER_MS} ms`)));
  socket.write(command);
  try {
    return await text(socket);
  } catch (error) {
    throw refused(messageOf(error), error);
  }
}

const refused = (why: string, cause?: unknown): LabError =>
  new LabError(
    'proxy-refused',
    `HAProxy does not take its new certificate: ${why}`,
    './lab heal, then ./lab certs --renew',
    cause,
  );
