import { isIP } from 'node:net';
import { createTransport, type SMTPTransportOptions } from 'nodemailer';
import { parseConnectionUrl } from 'nodemailer/lib/shared';
import { type Notice, noticeText } from './notice.ts';
import { type Channel, PermanentFailure } from './outbox.ts';
import { addressOf } from './webhook.ts';

export interface MailSettings {
  /** smtp://USER:PASSWORD@HOST:PORT or smtps://…, with nodemailer's options as a query. */
  readonly url: string;
  readonly from: string;
  readonly to: string;
}

/** For each wait within a try; the try as a whole has a deadline of its own. */
const WAIT_MS = 5_000;

/** Sends the notice as a mail, over a connection of its own. */
export class Mail implements Channel {
  readonly name = 'mail';
  readonly #settings: MailSettings;

  constructor(settings: MailSettings) {
    this.#settings = settings;
  }

  async send(notice: Notice, signal: AbortSignal): Promise<void> {
    const { url, from, to } = this.#settings;
    const parsed: SMTPTransportOptions = parseConnectionUrl(url);
    const hostname = parsed.host ?? 'localhost';
    const transport = createTransport({
      ...parsed,
      host: await addressOf(hostname),
      // The certificate is the name's, not the address's.
      ...(isIP(hostname) === 0 && { servername: hostname }),
      connectionTimeout: WAIT_MS,
      greetingTimeout: WAIT_MS,
      socketTimeout: WAIT_MS,
      socketCloseTimeout: 0,
    });
    const messageId = `<${notice.id}@replication-lab>`;
    const subject = `[replication-lab] ${notice.title}`;
    try {
      await transport.sendMail({ from, to, messageId, subject, text: noticeText(notice), signal });
    } catch (error) {
      const { responseCode, message } = error as Error & { responseCode?: number };
      throw responseCode && responseCode >= 500 ? new PermanentFailure(message) : error;
    } finally {
      transport.close();
    }
  }
}
