import { readFileSync } from 'node:fs';
import type { Server } from 'node:http';
import { ensureCertificates } from '../certificates';
import { portFrom, requireFreePort } from '../ports';
import { runTool } from '../problem';
import { dataDirectory } from '../project';
import { readSettings } from '../settings';
import { createNotificationServer, type TlsMaterial } from './notification-server';
import { createSampleIssuer } from '../sample-issuer/issuer';
import { createPageServer, issuerPath } from './page-server';
import { Received } from './received';

/**
 * The sample client, for now the receiving half of a DVP: its notification endpoints and a page that shows what came in. The
 * same process is the issuer at which the sample persons sign in (dev/sample-issuer).
 * SAMPLE_CLIENT_HOST (loopback) and SAMPLE_CLIENT_TLS_CERT, _KEY, _CA are for where it runs in a container.
 */
async function main(): Promise<void> {
  const host = process.env.SAMPLE_CLIENT_HOST || '127.0.0.1';
  const pagePort = portFrom('SAMPLE_CLIENT_PORT', 3010);
  const tlsPort = portFrom('SAMPLE_CLIENT_TLS_PORT', 3011);
  await requireFreePort(pagePort, 'SAMPLE_CLIENT_PORT', "the sample client's page");
  await requireFreePort(tlsPort, 'SAMPLE_CLIENT_TLS_PORT', "the sample client's notification endpoints");
  const received = new Received();
  const issuer = await createSampleIssuer({
    url: `http://localhost:${pagePort}${issuerPath}`,
    redirectUri: `${readSettings().publicUrl}/sign-in/callback`,
  });
  const servers = [
    createNotificationServer(await tlsMaterial(), received),
    createPageServer(received, issuer),
  ] as const;
  await Promise.all([listen(servers[0], tlsPort, host), listen(servers[1], pagePort, host)]);
  console.log(
    `The sample client shows notifications at http://localhost:${pagePort}/ and takes them at port ${tlsPort}.`,
  );
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => servers.forEach(close));
}

async function tlsMaterial(): Promise<TlsMaterial> {
  const { SAMPLE_CLIENT_TLS_CERT, SAMPLE_CLIENT_TLS_KEY, SAMPLE_CLIENT_TLS_CA } = process.env;
  if (SAMPLE_CLIENT_TLS_CERT && SAMPLE_CLIENT_TLS_KEY && SAMPLE_CLIENT_TLS_CA) {
    return {
      cert: readFileSync(SAMPLE_CLIENT_TLS_CERT),
      key: readFileSync(SAMPLE_CLIENT_TLS_KEY),
      ca: readFileSync(SAMPLE_CLIENT_TLS_CA),
    };
  }
  const { caFile, sampleClient } = await ensureCertificates(dataDirectory());
  return {
    cert: readFileSync(sampleClient.certFile),
    key: readFileSync(sampleClient.keyFile),
    ca: readFileSync(caFile),
  };
}

const listen = (server: Server, port: number, host: string) =>
  new Promise<void>((listening, failed) => {
    server.once('error', failed);
    server.listen(port, host, listening);
  });

function close(server: Server): void {
  server.close();
  // Open event streams and kept-alive connections would hold it open for ever.
  server.closeAllConnections();
}

runTool(main);
