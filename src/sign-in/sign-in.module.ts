import { type DynamicModule, Inject, Module, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { PersonalSeal, PersonsModule } from '../persons';
import { Clock, Database, LOGGER, type Logger, loopCheck, Readiness, WorkLoop } from '../platform';
import { BrowserCookies, FormTokens } from '../screens';
import { Issuer, type IssuerOptions } from './issuer';
import { SignInController } from './sign-in.controller';
import { SignInStore } from './sign-in.store';
import { SignIns } from './sign-ins';

const SWEEPER = Symbol('SWEEPER');

/** Between two looks for what is over. */
const sweepEveryMs = 60_000;

export interface SignInOptions {
  publicUrl: string;
  issuer: Omit<IssuerOptions, 'redirectUri'>;
  personKey: Buffer;
  personKeyPrevious?: Buffer;
}

@Module({})
export class SignInModule implements OnApplicationBootstrap, OnModuleDestroy {
  constructor(
    @Inject(SWEEPER) private readonly sweeper: WorkLoop,
    issuer: Issuer,
    readiness: Readiness,
  ) {
    readiness.add('sign_in', () => issuer.check());
    readiness.add('sign_in_sweep', () => loopCheck(sweeper.state()));
  }

  static with({ publicUrl, issuer, personKey, personKeyPrevious }: SignInOptions): DynamicModule {
    return {
      module: SignInModule,
      imports: [PersonsModule.with(personKey, personKeyPrevious)],
      global: true,
      controllers: [SignInController],
      providers: [
        {
          provide: Issuer,
          inject: [LOGGER],
          useFactory: async (log: Logger) =>
            new Issuer(await import('openid-client'), { ...issuer, redirectUri: `${publicUrl}/sign-in/callback` }, log),
        },
        {
          provide: SignIns,
          inject: [Issuer, Database, PersonalSeal, BrowserCookies, FormTokens, Clock],
          useFactory: (
            issuer: Issuer,
            database: Database,
            seal: PersonalSeal,
            cookies: BrowserCookies,
            forms: FormTokens,
            clock: Clock,
          ) => new SignIns(issuer, new SignInStore(database), seal, cookies, forms, clock),
        },
        {
          provide: SWEEPER,
          inject: [SignIns, LOGGER],
          useFactory: (signIns: SignIns, log: Logger) =>
            new WorkLoop({
              name: 'sign-in-sweep',
              step: async () => ((await signIns.sweep()) ? 'more' : 'idle'),
              idleMs: sweepEveryMs,
              log,
            }),
        },
      ],
      exports: [SignIns],
    };
  }

  onApplicationBootstrap(): void {
    this.sweeper.start();
  }

  async onModuleDestroy(): Promise<void> {
    await this.sweeper.stop();
  }
}
