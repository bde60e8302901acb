import { chmod, chown, mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import {
  type Authority,
  AuthorityError,
  authorityIsUnfit,
  createAuthority,
  endOf,
  issue,
  parseAuthority,
  type Unfit,
  unfit,
  type Wanted,
} from './authority.ts';
import {
  agentDirectory,
  authorityDirectory,
  CA,
  caFile,
  nodeDirectory,
  proxyDirectory,
  publicDirectory,
  REPLICATION,
  replicationDirectory,
  replicationFile,
  SERVER,
  serviceDirectory,
} from './layout.ts';

/** Who owns a folder's files; null: whoever makes them. */
export type Owner = { readonly uid: number; readonly gid: number } | null;

export interface CertificatePlan {
  readonly root: string;
  readonly nodes: readonly {
    readonly name: string;
    /** All that clients and other nodes call it by. */
    readonly addresses: readonly string[];
    /** The account that it replicates as. */
    readonly account: string;
  }[];
  /** Programs of the lab that answer over HTTPS, and all that others call them by. */
  readonly services: readonly { readonly name: string; readonly addresses: readonly string[] }[];
  readonly proxyAddresses: readonly string[];
  /** The user that the database servers run as. */
  readonly serverOwner: Owner;
  readonly agentOwner: Owner;
  readonly supervisorOwner: Owner;
  readonly serviceOwner: Owner;
  readonly proxyOwner: Owner;
}

export interface Issued {
  readonly file: string;
  readonly why: Unfit | 'asked for';
  readonly end: Date;
}

/**
 * Makes what is missing, unfit or in the last third of its life: the authority, and a certificate with its key for every
 * consumer. Files are replaced whole. Returns what was made. AuthorityError when the authority's file is damaged.
 *
 * For a lab that runs there are two other ways, because its processes know the certificates that they began with. `missing`: only
 * what is not there, or will not do. `renew`: all certificates anew, by the same authority, which has to be there; whoever calls
 * has the servers take them.
 */
export async function ensureCertificates(
  plan: CertificatePlan,
  { now = new Date(), how = 'due' }: { readonly now?: Date; readonly how?: 'due' | 'missing' | 'renew' } = {},
): Promise<readonly Issued[]> {
  const authority = await ensureAuthority(plan.root, now, how);
  const issued: Issued[] = [];
  for (const { directory, owner, files } of consumers(plan)) {
    await makeDirectory(directory);
    await write(join(directory, CA), authority.certificate, owner, 0o644);
    for (const [name, wanted] of Object.entries(files)) {
      const file = join(directory, name);
      const why = unfit(await readText(file), authority.certificate, wanted, now);
      if ((why === null && how !== 'renew') || (why === 'near its end' && how === 'missing')) {
        // Another engine's server may run as another user.
        if (owner) await chown(file, owner.uid, owner.gid);
        continue;
      }
      const pem = await issue(authority, wanted, now);
      await write(file, pem, owner, 0o600);
      issued.push({ file, why: why ?? 'asked for', end: endOf(pem)! });
    }
  }
  return issued;
}

export interface Listed {
  /** Below the plan's root. */
  readonly file: string;
  readonly commonName: string;
  readonly addresses: readonly string[];
  /** Null: it is not there, or will not do. */
  readonly end: Date | null;
  /** When what is there ends or has ended, whether it will do or not. Null: there is nothing that can be read. */
  readonly writtenEnd: Date | null;
}

/** What `ensureCertificates` looks after, as it is now. */
export async function listCertificates(plan: CertificatePlan, now = new Date()): Promise<readonly Listed[]> {
  const ca = await readText(caFile(plan.root));
  const authority: Listed = {
    file: relative(plan.root, caFile(plan.root)),
    commonName: 'the authority',
    addresses: [],
    end: ca === null ? null : endOf(ca),
    writtenEnd: ca === null ? null : endOf(ca),
  };
  const listed = consumers(plan).flatMap(({ directory, files }) =>
    Object.entries(files).map(async ([name, wanted]): Promise<Listed> => {
      const file = join(directory, name);
      const pem = await readText(file);
      const why = authority.end === null ? 'missing' : unfit(pem, ca!, wanted, now);
      const isGood = pem !== null && (why === null || why === 'near its end');
      const { commonName, addresses } = wanted;
      const writtenEnd = pem === null ? null : endOf(pem);
      const end = isGood ? writtenEnd : null;
      return { file: relative(plan.root, file), commonName, addresses, end, writtenEnd };
    }),
  );
  return [authority, ...(await Promise.all(listed))];
}

interface Consumer {
  readonly directory: string;
  readonly owner: Owner;
  readonly files: Readonly<Record<string, Wanted>>;
}

/** One folder each. */
function consumers(plan: CertificatePlan): Consumer[] {
  const { root, nodes, services, proxyAddresses } = plan;
  const { serverOwner, agentOwner, supervisorOwner, serviceOwner, proxyOwner } = plan;
  const client = (commonName: string): Wanted => ({ commonName, addresses: [], usage: 'client' });
  const server = (commonName: string, addresses: readonly string[]): Wanted => ({
    commonName,
    addresses,
    usage: 'server',
  });
  return [
    { directory: publicDirectory(root), owner: null, files: {} },
    ...nodes.map(({ name, addresses, account }) => ({
      directory: nodeDirectory(root, name),
      owner: serverOwner,
      files: { [SERVER]: server(name, addresses), [REPLICATION]: client(account) },
    })),
    ...nodes.map(({ name, addresses }) => ({
      directory: agentDirectory(root, name),
      owner: agentOwner,
      // Who is inside a host calls it so.
      files: { [SERVER]: server(`agent of ${name}`, [...addresses, 'localhost', '127.0.0.1']) },
    })),
    ...services.map(({ name, addresses }) => ({
      directory: serviceDirectory(root, name),
      owner: serviceOwner,
      files: { [SERVER]: server(name, addresses) },
    })),
    {
      directory: replicationDirectory(root),
      owner: supervisorOwner,
      files: Object.fromEntries(
        nodes.map(({ account }) => [replicationFile(account), client(account)] as const),
      ),
    },
    {
      directory: proxyDirectory(root),
      owner: proxyOwner,
      files: { [SERVER]: server('replication-lab', proxyAddresses) },
    },
  ];
}

async function ensureAuthority(
  root: string,
  now: Date,
  how: 'due' | 'missing' | 'renew',
): Promise<Authority> {
  const directory = authorityDirectory(root);
  await makeDirectory(directory);
  const file = join(directory, 'authority.pem');
  const text = await readText(file);
  if (text !== null) {
    const made = parseAuthority(text);
    if (made === null) throw new AuthorityError(`${file} is damaged. ${ANOTHER}`);
    if (how !== 'due' || !authorityIsUnfit(made.certificate, now)) return made;
  } else if (how === 'renew') throw new AuthorityError(`${file} is gone. ${ANOTHER}`);
  const authority = await createAuthority(now);
  await write(file, authority.certificate + authority.key, null, 0o600);
  return authority;
}

/** All that runs believes the old one, so that nothing may run. */
const ANOTHER = 'With the lab down, remove it: the next start makes another authority and all certificates.';

async function makeDirectory(path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o755 });
  await mkdir(path, { recursive: true });
  await chmod(path, 0o755); // the files in it say who may read them
}

async function readText(file: string): Promise<string | null> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** Whole or not at all, also for whoever reads it meanwhile. */
async function write(file: string, text: string, owner: Owner, mode: number): Promise<void> {
  const half = `${file}.new`;
  // What a writer that was killed has left may belong to somebody else by now.
  await rm(half, { force: true });
  const handle = await open(half, 'wx', mode);
  try {
    await handle.chmod(mode);
    if (owner) await handle.chown(owner.uid, owner.gid);
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(half, file);
}
