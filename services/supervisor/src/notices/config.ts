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

export function channelsFrom(env: NoticeEnvironment): Channel[] {
  const { NOTIFY_WEBHOOK_URL, NOTIFY_SMTP_URL, NOTIFY_MAIL_FROM: from, NOTIFY_MAIL_TO: to } = env;
  return [
    ...(NOTIFY_WEBHOOK_URL ? [new Webhook(NOTIFY_WEBHOOK_URL)] : []),
    ...(NOTIFY_SMTP_URL ? [new Mail({ url: NOTIFY_SMTP_URL, from, to })] : []),
  ];
}
