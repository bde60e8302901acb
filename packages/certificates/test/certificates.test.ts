import { once } from 'node:events';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer, type TLSSocket, connect as tlsConnect } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  AuthorityError,
  agentDirectory,
  type CertificatePlan,
  caFile,
  ensureCertificates,
  listCertificates,
  nodeDirectory,
  REPLICATION,
  replicationDirectory,
  SERVER,
} from '../src/index.ts';

const DAY_MS = 86_400_000;
let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'lab-certificates-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

const plan = (over: Partial<CertificatePlan> = {}): CertificatePlan => ({
  root,
  nodes: [{ name: 'db-1', addresses: ['db-1', '127.0.0.1'], account: 'repl_db_1' }],
  services: [{ name: 'api-1', addresses: ['api-1'] }],
  proxyAddresses: ['localhost'],
  serverOwner: null,
  agentOwner: null,
  supervisorOwner: null,
  serviceOwner: null,
  proxyOwner: null,
  ...over,
});
const serverFile = () => join(nodeDirectory(root, 'db-1'), SERVER);
const agentFile = () => join(agentDirectory(root, 'db-1'), SERVER);
const clientFile = () => join(nodeDirectory(root, 'db-1'), REPLICATION);

describe('ensureCertificates', () => {
  it('makes all once, and nothing the second time', async () => {
    const made = await ensureCertificates(plan());
    expect(made.map(({ why }) => why)).toEqual(Array(6).fill('missing'));
    expect(await ensureCertificates(plan())).toEqual([]);
  });

  it('can be listed, with what is missing', async () => {
    await ensureCertificates(plan());
    await rm(clientFile());
    const listed = await listCertificates(plan());
    expect(listed.map(({ file, end }) => [file, end !== null])).toEqual([
      ['public/ca.pem', true],
      ['nodes/db-1/server.pem', true],
      ['nodes/db-1/replication.pem', false],
      ['agents/db-1/server.pem', true],
      ['services/api-1/server.pem', true],
      ['replication/repl_db_1.pem', true],
      ['proxy/server.pem', true],
    ]);
    expect(listed[1]).toMatchObject({ commonName: 'db-1', addresses: ['db-1', '127.0.0.1'] });
  });

  it('keeps keys from everybody but their owner', async () => {
    await ensureCertificates(plan());
    const modeOf = async (file: string) => (await stat(file)).mode & 0o777;
    expect(await modeOf(serverFile())).toBe(0o600);
    expect(await modeOf(join(replicationDirectory(root), 'repl_db_1.pem'))).toBe(0o600);
    expect(await modeOf(join(root, 'authority/authority.pem'))).toBe(0o600);
    expect(await modeOf(caFile(root))).toBe(0o644);
    expect(await readFile(caFile(root), 'utf8')).not.toContain('PRIVATE');
  });

  it.runIf(process.getuid?.() === 0)('hands what is there to another owner', async () => {
    await ensureCertificates(plan());
    await ensureCertificates(plan({ serverOwner: { uid: 12_345, gid: 12_346 } }));
    expect(await stat(serverFile())).toMatchObject({ uid: 12_345, gid: 12_346 });
  });

  it('renews in the last third of a life, by the same authority', async () => {
    const now = new Date();
    await ensureCertificates(plan(), { now });
    const ca = await readFile(caFile(root), 'utf8');
    const after = (days: number) => ({ now: new Date(now.getTime() + days * DAY_MS) });
    expect(await ensureCertificates(plan(), after(19))).toEqual([]);
    const renewed = await ensureCertificates(plan(), after(21));
    expect(renewed.map(({ why }) => why)).toEqual(Array(6).fill('near its end'));
    expect(await readFile(caFile(root), 'utf8')).toBe(ca);
  });

  it('makes all anew when the authority is near its end', async () => {
    const now = new Date();
    await ensureCertificates(plan(), { now });
    const later = await ensureCertificates(plan(), { now: new Date(now.getTime() + 3_000 * DAY_MS) });
    expect(later.map(({ why }) => why)).toEqual(Array(6).fill('other authority'));
  });

  it('renews for a lab that runs by the authority that the lab believes', async () => {
    const now = new Date();
    await ensureCertificates(plan(), { now });
    const ca = await readFile(caFile(root), 'utf8');
    const late = { now: new Date(now.getTime() + 3_000 * DAY_MS), how: 'renew' as const };
    const renewed = await ensureCertificates(plan(), late);
    expect(renewed.map(({ why }) => why)).toEqual(Array(6).fill('over'));
    expect(await readFile(caFile(root), 'utf8')).toBe(ca);
  });

  it('leaves what is near its end to a renewal, where it is only asked for what is missing', async () => {
    const now = new Date();
    await ensureCertificates(plan(), { now });
    await rm(clientFile());
    const later = { now: new Date(now.getTime() + 25 * DAY_MS), how: 'missing' as const };
    expect(await ensureCertificates(plan(), later)).toMatchObject([{ file: clientFile(), why: 'missing' }]);
  });

  it('says that the authority is gone or damaged, and writes nothing then', async () => {
    const file = join(root, 'authority/authority.pem');
    await ensureCertificates(plan());
    const before = await readFile(caFile(root), 'utf8');
    await rm(file);
    await expect(ensureCertificates(plan(), { how: 'renew' })).rejects.toThrow(/is gone.*lab down/);
    for (const text of ['', 'rubbish', before]) {
      await writeFile(file, text);
      for (const how of ['due', 'missing', 'renew'] as const)
        await expect(ensureCertificates(plan(), { how })).rejects.toThrow(AuthorityError);
    }
    expect(await readFile(caFile(root), 'utf8')).toBe(before);
    await writeFile(caFile(root), '');
    expect((await listCertificates(plan())).map(({ end }) => end)).toEqual(Array(7).fill(null));
  });

  it('makes anew what was made by a clock that was ahead, the authority too', async () => {
    await ensureCertificates(plan(), { now: new Date(Date.now() + 700 * DAY_MS) });
    const made = await ensureCertificates(plan());
    expect(made.map(({ why }) => why)).toEqual(Array(6).fill('other authority'));
    expect(await ensureCertificates(plan())).toEqual([]);
  });

  it('goes on where a writer was killed', async () => {
    await ensureCertificates(plan());
    await writeFile(`${caFile(root)}.new`, 'half');
    expect(await ensureCertificates(plan())).toEqual([]);
  });

  it("makes a certificate anew that has another one's key", async () => {
    await ensureCertificates(plan());
    const [one, other] = [await readFile(serverFile(), 'utf8'), await readFile(clientFile(), 'utf8')];
    const keyAt = (pem: string) => pem.indexOf('-----BEGIN PRIVATE');
    await writeFile(serverFile(), one.slice(0, keyAt(one)) + other.slice(keyAt(other)));
    expect(await ensureCertificates(plan())).toMatchObject([{ file: serverFile(), why: 'unreadable' }]);
  });

  it('makes a certificate anew when the addresses are others, or the file was broken', async () => {
    await ensureCertificates(plan());
    const nodes = [{ name: 'db-1', addresses: ['db-1', '127.0.0.9'], account: 'repl_db_1' }];
    expect(await ensureCertificates(plan({ nodes }))).toMatchObject([
      { file: serverFile(), why: 'other addresses' },
      { file: agentFile(), why: 'other addresses' },
    ]);
    await writeFile(clientFile(), 'rubbish');
    expect(await ensureCertificates(plan({ nodes }))).toMatchObject([
      { file: clientFile(), why: 'unreadable' },
    ]);
  });
});

describe('a certificate', () => {
  /** What the client says of a handshake with a server that shows db-1's certificate. */
  async function handshake(client: { ca: string; host: string; pem?: string }): Promise<string> {
    const pem = await readFile(serverFile(), 'utf8');
    const ca = await readFile(caFile(root), 'utf8');
    const server = createServer({ cert: pem, key: pem, ca, requestCert: true, rejectUnauthorized: true });
    server.on('secureConnection', (socket: TLSSocket) => {
      socket.on('error', () => {});
      socket.end(String(socket.getPeerCertificate().subject.CN));
    });
    server.on('tlsClientError', () => {});
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const { port } = server.address() as { port: number };
    try {
      return await new Promise((resolve) => {
        const socket = tlsConnect({
          port,
          host: client.host,
          lookup: (_host, _options, done) => done(null, [{ address: '127.0.0.1', family: 4 }]),
          ca: client.ca,
          ...(client.pem && { cert: client.pem, key: client.pem }),
        });
        socket.once('error', (error) => resolve((error as NodeJS.ErrnoException).code ?? String(error)));
        socket.once('close', () => resolve('closed'));
        socket.once('data', (name) => resolve(String(name)));
      });
    } finally {
      server.close();
    }
  }

  it('is good for its addresses and a client of the same authority, and for nobody else', async () => {
    await ensureCertificates(plan());
    const ca = await readFile(caFile(root), 'utf8');
    const pem = await readFile(clientFile(), 'utf8');
    expect(await handshake({ ca, host: '127.0.0.1', pem })).toBe('repl_db_1');
    expect(await handshake({ ca, host: 'db-1', pem })).toBe('repl_db_1');
    expect(await handshake({ ca, host: 'db-2', pem })).toBe('ERR_TLS_CERT_ALTNAME_INVALID');
    expect(await handshake({ ca, host: 'db-1' })).toMatch(/CERTIFICATE_REQUIRED/);
    // A server's certificate is not a client's.
    const own = await readFile(serverFile(), 'utf8');
    expect(await handshake({ ca, host: 'db-1', pem: own })).not.toBe('db-1');

    await rm(join(root, 'authority'), { recursive: true });
    const other = await readFile(caFile(root), 'utf8');
    await ensureCertificates(plan());
    expect(await handshake({ ca: other, host: 'db-1', pem })).not.toBe('repl_db_1');
  });
});
