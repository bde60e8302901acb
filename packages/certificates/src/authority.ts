import 'reflect-metadata';
import { createPrivateKey, X509Certificate as NodeCertificate, randomBytes, webcrypto } from 'node:crypto';
import { isIP } from 'node:net';
import * as x509 from '@peculiar/x509';

/** ECDSA on P-256: every server and driver of the lab speaks it, and a handshake costs a millisecond. */
const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const DAY_MS = 86_400_000;
/** Everybody who believes it has to be started anew for another one, so it lives longer than any lab. */
const AUTHORITY_DAYS = 3650;
const CERTIFICATE_DAYS = 30;
/** As good as over. */
const LAST_DAYS = 3;
/** Certificates are valid from so long before they are made: not every clock of a lab tells the same time. */
const BACKDATED_MS = DAY_MS;

const { subtle } = webcrypto;

/** What a certificate is for: to be shown by a server at these addresses, or by a client. */
export interface Wanted {
  readonly commonName: string;
  /** Names and IP addresses, for which a server's certificate is good. Empty for a client's. */
  readonly addresses: readonly string[];
  readonly usage: 'server' | 'client';
}

/** The lab's authority cannot be used. The message says why, and what mends it. */
export class AuthorityError extends Error {
  override readonly name = 'AuthorityError';
}

export interface Authority {
  /** Its certificate, PEM: what everybody verifies with. */
  readonly certificate: string;
  /** Its private key (PKCS #8, PEM): whoever has it can be anybody. */
  readonly key: string;
}

export async function createAuthority(now: Date): Promise<Authority> {
  const keys = await newKeys();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: `CN=Replication Lab ${randomBytes(4).toString('hex')}`,
    ...validity(now, AUTHORITY_DAYS),
    signingAlgorithm: ALGORITHM,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificate: `${certificate.toString('pem')}\n`, key: await keyText(keys.privateKey) };
}

/** A certificate and its key in one PEM text, so that whoever replaces the file replaces both at once. */
export async function issue(authority: Authority, wanted: Wanted, now: Date): Promise<string> {
  const issuer = new x509.X509Certificate(authority.certificate);
  const keys = await newKeys();
  const isServer = wanted.usage === 'server';
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: `CN=${wanted.commonName}`,
    issuer: issuer.subject,
    ...validity(now, CERTIFICATE_DAYS),
    signingAlgorithm: ALGORITHM,
    publicKey: keys.publicKey,
    signingKey: await importKey(authority.key),
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([
        isServer ? x509.ExtendedKeyUsage.serverAuth : x509.ExtendedKeyUsage.clientAuth,
      ]),
      await x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey),
      ...(isServer ? [new x509.SubjectAlternativeNameExtension(alternativeNames(wanted.addresses))] : []),
    ],
  });
  return `${certificate.toString('pem')}\n${await keyText(keys.privateKey)}`;
}

/** Why a certificate that is there (PEM) will not do any more; null when it will. */
export type Unfit =
  | 'missing'
  | 'unreadable'
  | 'other authority'
  | 'other addresses'
  | 'not yet valid'
  | 'over'
  | 'near its end';

/** A certificate is renewed in the last third of its life, so that whoever looks once a week looks in time. */
export function unfit(pem: string | null, authority: string, wanted: Wanted, now: Date): Unfit | null {
  if (pem === null) return 'missing';
  const certificate = parsePair(pem);
  if (certificate === null) return 'unreadable';
  if (!certificate.verify(new NodeCertificate(authority).publicKey)) return 'other authority';
  const subject = `CN=${wanted.commonName}`;
  if (certificate.subject !== subject || addressesOf(certificate) !== sorted(wanted.addresses))
    return 'other addresses';
  if (certificate.validFromDate > now) return 'not yet valid';
  if (certificate.validToDate.getTime() - now.getTime() < LAST_DAYS * DAY_MS) return 'over';
  return isDue(certificate.validToDate, now) ? 'near its end' : null;
}

/** The certificate of a PEM text that also holds its key; null when it does not. */
function parsePair(pem: string): NodeCertificate | null {
  try {
    const certificate = new NodeCertificate(pem);
    return certificate.checkPrivateKey(createPrivateKey(pem)) ? certificate : null;
  } catch {
    return null;
  }
}

/** Null: it is damaged. */
export function parseAuthority(text: string): Authority | null {
  if (parsePair(text) === null) return null;
  const at = text.indexOf('-----BEGIN PRIVATE KEY');
  return at < 0 ? null : { certificate: text.slice(0, at), key: text.slice(at) };
}

/** It is near its end, or from a time that is not yet. */
export function authorityIsUnfit(pem: string, now: Date): boolean {
  const { validFromDate, validToDate } = new NodeCertificate(pem);
  return validFromDate > now || isNearEnd(validToDate, AUTHORITY_DAYS, now);
}

/** Null for what is no certificate. */
export function endOf(pem: string): Date | null {
  try {
    return new NodeCertificate(pem).validToDate;
  } catch {
    return null;
  }
}

/** A certificate's last third has begun. */
export const isDue = (end: Date, now: Date): boolean => isNearEnd(end, CERTIFICATE_DAYS, now);

const isNearEnd = (end: Date, lifeDays: number, now: Date): boolean =>
  end.getTime() - now.getTime() < (lifeDays * DAY_MS) / 3;

function addressesOf(certificate: NodeCertificate): string {
  const names = certificate.subjectAltName?.split(', ') ?? [];
  return sorted(names.map((name) => name.replace(/^(DNS|IP Address):/, '')));
}

const sorted = (addresses: readonly string[]): string => [...addresses].sort().join(' ');

const alternativeNames = (addresses: readonly string[]): x509.JsonGeneralName[] =>
  addresses.map((value) => ({ type: isIP(value) ? 'ip' : 'dns', value }));

const validity = (now: Date, days: number) => ({
  notBefore: new Date(now.getTime() - BACKDATED_MS),
  notAfter: new Date(now.getTime() + days * DAY_MS),
});

/** Positive, as the standard wants it (RFC 5280, 4.1.2.2). */
const serialNumber = (): string => `01${randomBytes(15).toString('hex')}`;

const newKeys = (): Promise<webcrypto.CryptoKeyPair> =>
  subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);

async function keyText(key: webcrypto.CryptoKey): Promise<string> {
  const bytes = await subtle.exportKey('pkcs8', key);
  return `${x509.PemConverter.encode(bytes, 'PRIVATE KEY')}\n`;
}

function importKey(pem: string): Promise<webcrypto.CryptoKey> {
  const [bytes] = x509.PemConverter.decode(pem);
  return subtle.importKey('pkcs8', bytes as ArrayBuffer, ALGORITHM, false, ['sign']);
}
