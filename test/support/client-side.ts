import { issueCertificate } from '../../dev/certificates';
import { freePort } from '../../dev/ports';
import { SampleClient } from '../../dev/sample-client/sample-client';
import { developmentClientSecret } from '../../src/config';
import { ownAddress, TestService } from './app';

/** The service, and the real sample client in place of the one that tests otherwise play, with its issuer. */
export interface ServiceAndClient {
  service: TestService;
  client: SampleClient;
  /** The page of the sample client. */
  clientUrl: string;
  serviceUrl: string;
  stop(): Promise<void>;
}

export async function startServiceAndClient(env: Record<string, string> = {}): Promise<ServiceAndClient> {
  const pagePort = await freePort(2);
  const tlsPort = pagePort + 1;
  const address = await ownAddress();
  const service = await TestService.start({
    ...address,
    OIDC_ISSUER: `http://localhost:${pagePort}/issuer`,
    DEV_HOSTS: `sample-client.example=127.0.0.1:${tlsPort}`,
    ...env,
  });
  const { authority, baseUrl } = service.world;
  const { certificate, key } = await issueCertificate(authority, {
    commonName: 'sample-client.example',
    names: ['sample-client.example'],
    usages: ['server'],
  });
  const client = await SampleClient.start({
    host: 'localhost',
    pagePort,
    tlsPort,
    tls: { cert: Buffer.from(certificate), key: Buffer.from(key), ca: Buffer.from(authority.certificate) },
    service: { serviceUrl: baseUrl, publicUrl: address.PUBLIC_URL, clientSecret: developmentClientSecret },
  });
  return {
    service,
    client,
    clientUrl: `http://localhost:${pagePort}/`,
    serviceUrl: address.PUBLIC_URL,
    stop: async () => {
      await client.stop();
      await service.stop();
    },
  };
}
