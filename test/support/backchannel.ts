import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Agent, request } from 'undici';
import { type CertifiedKey, issueCertificate } from '../../dev/certificates';
import { freePort } from '../../dev/ports';
import type { TestService } from './app';

/** An answer on the backchannel. */
export interface BackchannelAnswer {
  status: number;
  headers: Record<string, string>;
  text: string;
}

/** The port over mutual TLS of a service that runs: to be switched on, and to be called with a certificate. */
export class TestBackchannel {
  private constructor(
    private readonly service: TestService,
    readonly port: number,
  ) {}

  /** Starts the service again with a backchannel, whose callers' authority is that of the test. */
  static async of(service: TestService): Promise<TestBackchannel> {
    const { authority, dataDir } = service.world;
    const server = await issueCertificate(authority, { commonName: 'us', names: ['localhost'], usages: ['server'] });
    const backchannel = new TestBackchannel(service, await freePort());
    await backchannel.replace('crt', server.certificate);
    await backchannel.replace('key', server.key);
    await backchannel.trust(authority.certificate);
    await service.restart({
      BACKCHANNEL_PORT: String(backchannel.port),
      TLS_CERT: join(dataDir, 'server.crt'),
      TLS_KEY: join(dataDir, 'server.key'),
      TLS_CLIENT_CA: join(dataDir, 'callers.crt'),
    });
    return backchannel;
  }

  /** One of the two files of our certificate. */
  async replace(which: 'crt' | 'key', content: string): Promise<void> {
    await writeFile(join(this.service.world.dataDir, `server.${which}`), content, { mode: 0o600 });
  }

  /** From now on callers must have their certificates from this authority. */
  async trust(certificate: string): Promise<void> {
    await writeFile(join(this.service.world.dataDir, 'callers.crt'), certificate);
  }

  /** @throws when the connection is closed on the caller */
  async send(
    caller: CertifiedKey | undefined,
    method: 'GET' | 'POST',
    path: string,
    headers: Record<string, string>,
    body?: string,
  ): Promise<BackchannelAnswer> {
    const ca = this.service.world.authority.certificate;
    const connect = { ca, servername: 'localhost', cert: caller?.certificate, key: caller?.key };
    const dispatcher = new Agent({ connect });
    try {
      const url = `https://127.0.0.1:${this.port}${path}`;
      const answer = await request(url, { dispatcher, method, headers, body });
      const text = await answer.body.text();
      return { status: answer.statusCode, headers: answer.headers as Record<string, string>, text };
    } finally {
      await dispatcher.close();
    }
  }
}
