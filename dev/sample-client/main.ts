import { readFileSync } from 'node:fs';
import { developmentClientSecret } from '../../src/config';
import { ensureCertificates } from '../certificates';
import { portFrom, requireFreePort } from '../ports';
import { runTool } from '../problem';
import { dataDirectory } from '../project';
import { readSettings } from '../settings';
import type { TlsMaterial } from './notification-server';
import { SampleClient } from './sample-client';

/**
 * The sample client as a process of its own, which also serves the issuer at which the sample persons sign in. For where it runs in
 * a container: SAMPLE_CLIENT_HOST (loopback), SAMPLE_CLIENT_SERVICE_URL (where its server reaches the service) and
 * SAMPLE_CLIENT_TLS_CERT, _KEY, _CA.
 */
async function main(): Promise<void> {
  const host = process.env.SAMPLE_CLIENT_HOST || '127.0.0.1';
  const pagePort = portFrom('SAMPLE_CLIENT_PORT', 3010);
  const tlsPort = portFrom('SAMPLE_CLIENT_TLS_PORT', 3011);
  await requireFreePort(pagePort, 'SAMPLE_CLIENT_PORT', "the sample client's page");
  await requireFreePort(tlsPort, 'SAMPLE_CLIENT_TLS_PORT', "the sample client's notification endpoints");
  const { serviceUrl, publicUrl } = readSettings();
  const client = await SampleClient.start({
    host,
    pagePort,
    tlsPort,
    tls: await tlsMaterial(),
    service: {
      serviceUrl: process.env.SAMPLE_CLIENT_SERVICE_URL || serviceUrl,
      publicUrl,
      clientSecret: process.env.DEV_CLIENT_SECRET || developmentClientSecret,
    },
  });
  console.log(
    `The sample client has its page at http://localhost:${pagePort}/ and takes notifications at port ${tlsPort}.`,
  );
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void client.stop());
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

runTool(main);
