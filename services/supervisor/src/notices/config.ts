import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { fileText } from '@replication-lab/engines/config';
import { z } from 'zod';
import type { DeskParts } from './desk.ts';
import { Mail } from './mail.ts';
import type { Channel } from './outbox.ts';
import { Webhook } from './webhook.ts';

const url = (protocol: RegExp) => z.union([z.literal(''), z.url({ protocol })]).default('');

/** Where notices go. Nothing is sent over what is left empty. */
export const noticeEnvironment = z.object({
  /** Each notice is POSTed here as JSON. */
  NOTIFY_WEBHOOK_URL: url(/^https?$/),
  /**
   * A file with an authority whose certificates are believed when notices are sent, beside those that Node knows. Empty: those
   * only.
   */
  NOTIFY_TLS_CA: fileText,
  /** smtp://USER:PASSWORD@HOST:PORT, or smtps://… */
  NOTIFY_SMTP_URL: url(/^smtps?$/),
  NOTIFY_MAIL_FROM: z.string().default(''),
  /** With commas. */
  NOTIFY_MAIL_TO: z.string().default(''),
  /** The page that explains the notices, for people who read one. */
  NOTIFY_RUNBOOK_URL: z.string().default('docs/guides/notices.md' satisfies DeskParts['runbook']),
});
export type NoticeEnvironment = z.infer<typeof noticeEnvironment>;

/** A mail without an address to send it to, or from, would only be found out when it is needed. */
export const mailIsComplete = (env: NoticeEnvironment): boolean =>
  env.NOTIFY_SMTP_URL === '' || (env.NOTIFY_MAIL_FROM !== '' && env.NOTIFY_MAIL_TO !== '');

/** From now on this process believes the authority of NOTIFY_TLS_CA as well, where nothing else is said. */
export function channelsFrom(env: NoticeEnvironment): Channel[] {
  if (env.NOTIFY_TLS_CA) setDefaultCACertificates([...getCACertificates('default'), env.NOTIFY_TLS_CA]);
  const { NOTIFY_WEBHOOK_URL, NOTIFY_SMTP_URL, NOTIFY_MAIL_FROM: from, NOTIFY_MAIL_TO: to } = env;
  return [
    ...(NOTIFY_WEBHOOK_URL ? [new Webhook(NOTIFY_WEBHOOK_URL)] : []),
    ...(NOTIFY_SMTP_URL ? [new Mail({ url: NOTIFY_SMTP_URL, from, to })] : []),
  ];
}
