import { type CertificateFiles, contextFrom, takeRenewed } from '@replication-lab/engines/https';
import PostalMime from 'postal-mime';
import { SMTPServer, type SMTPServerDataStream, type SMTPServerSession } from 'smtp-server';
import type { Store } from './store.ts';

const MAX_MAIL_BYTES = 262_144;

/** Takes any mail from anybody in the lab, and delivers none. With a certificate: over TLS (STARTTLS) only. */
export function createMailCatcher(
  store: Store,
  files: CertificateFiles | null,
  onUnusable: (error: Error) => void,
): SMTPServer {
  const server = new SMTPServer({
    // No accounts: it listens in the lab only.
    disabledCommands: files ? ['AUTH'] : ['STARTTLS', 'AUTH'],
    ...(files && contextFrom(files)),
    onMailFrom: (_address, { secure }, done) => {
      if (secure || !files) return done();
      done(Object.assign(new Error('Must issue a STARTTLS command first'), { responseCode: 530 }));
    },
    disableReverseLookup: true,
    size: MAX_MAIL_BYTES,
    maxClients: 16,
    socketTimeout: 10_000,
    closeTimeout: 500,
    logger: false,
    onData: (stream, session, done) => {
      take(store, stream, session).then(
        () => done(),
        (error: unknown) => done(error instanceof Error ? error : new Error(String(error))),
      );
    },
  });
  if (files) {
    const stopLooking = takeRenewed(files, (context) => server.updateSecureContext(context), onUnusable);
    server.once('close', stopLooking);
  }
  return server;
}

async function take(store: Store, stream: SMTPServerDataStream, { envelope }: SMTPServerSession) {
  const chunks: Buffer[] = [];
  // To its end, whatever its size: the server has to read the final dot.
  for await (const chunk of stream as AsyncIterable<Buffer>) if (!stream.sizeExceeded) chunks.push(chunk);
  if (stream.sizeExceeded) throw Object.assign(new Error('the mail is too large'), { responseCode: 552 });
  const mail = await PostalMime.parse(Buffer.concat(chunks));
  const to = envelope.rcptTo.map(({ address }) => address).join(', ');
  store.add({ via: 'mail', title: mail.subject ?? '(no subject)', to, text: mail.text ?? '' });
}
