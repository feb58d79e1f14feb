import { type DynamicModule, Inject, Module, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { ClientsModule, SuspendedClients } from '../clients';
import { ListStore } from '../medmij-lists';
import { PersonalSeal, PersonsModule } from '../persons';
import { Clock, Database, forgettingLoop, LOGGER, type Logger, loopCheck, Readiness, type WorkLoop } from '../platform';
import { AccessTokenGuard } from './access-token.guard';
import { ClientAuthentication } from './client-authentication';
import { type CertificateSources, ClientCertificates } from './client-certificates';
import { GrantStore } from './grant.store';
import { Grants } from './grants';
import { SERVER_METADATA, serverMetadata, ServerMetadataController } from './server-metadata.controller';
import { TokenController } from './token.controller';

const SWEEPER = Symbol('SWEEPER');

/** Kept so long after code and token are over: until then the log can say of a code that it was presented again. */
const keptMs = 60 * 60 * 1_000;
const sweepEveryMs = 60_000;

export interface GrantsOptions {
  personKey: Buffer;
  personKeyPrevious?: Buffer;
  publicUrl: string;
  backchannelUrl?: string;
  certificates: CertificateSources;
  /** Development only. */
  clientSecret?: string;
}

/** Codes and access tokens, and their door for machines. */
@Module({})
export class GrantsModule implements OnApplicationBootstrap, OnModuleDestroy {
  constructor(
    @Inject(SWEEPER) private readonly sweeper: WorkLoop,
    readiness: Readiness,
  ) {
    readiness.add('grants', () => loopCheck(sweeper.state()));
  }

  static with(options: GrantsOptions): DynamicModule {
    const { publicUrl, backchannelUrl, certificates, clientSecret } = options;
    const metadata = serverMetadata({
      publicUrl,
      backchannelUrl,
      acceptsCertificates: backchannelUrl !== undefined || certificates.header !== undefined,
      acceptsSecrets: clientSecret !== undefined,
    });
    return {
      module: GrantsModule,
      imports: [PersonsModule.with(options.personKey, options.personKeyPrevious), ClientsModule],
      global: true,
      controllers: [TokenController, ServerMetadataController],
      providers: [
        { provide: SERVER_METADATA, useValue: metadata },
        { provide: ClientCertificates, useValue: new ClientCertificates(certificates) },
        {
          provide: GrantStore,
          inject: [Database],
          useFactory: (database: Database) => new GrantStore(database),
        },
        {
          provide: Grants,
          inject: [GrantStore, PersonalSeal, SuspendedClients, Clock],
          useFactory: (store: GrantStore, seal: PersonalSeal, suspended: SuspendedClients, clock: Clock) =>
            new Grants(store, seal, suspended, clock),
        },
        {
          provide: SWEEPER,
          inject: [GrantStore, Clock, LOGGER],
          useFactory: (store: GrantStore, clock: Clock, log: Logger) =>
            forgettingLoop({
              name: 'grants',
              forget: (before, limit) => store.forget(before, limit),
              keptMs,
              everyMs: sweepEveryMs,
              clock,
              log,
            }),
        },
        {
          provide: ClientAuthentication,
          inject: [ClientCertificates, ListStore],
          useFactory: (certificates: ClientCertificates, lists: ListStore) =>
            new ClientAuthentication(certificates, lists, clientSecret),
        },
        AccessTokenGuard,
      ],
      exports: [Grants, AccessTokenGuard, ClientCertificates],
    };
  }

  onApplicationBootstrap(): void {
    this.sweeper.start();
  }

  async onModuleDestroy(): Promise<void> {
    await this.sweeper.stop();
  }
}
