import { join } from 'node:path';
import { type DynamicModule, Inject, Module } from '@nestjs/common';
import { AuditModule, AuditTrail } from '../audit';
import { OPERATOR_SESSIONS } from '../http';
import { Clock, Database, LOGGER, type Logger, Readiness } from '../platform';
import { BrowserCookies, FormTokens } from '../screens';
import { Issuer, type IssuerOptions } from '../sign-in';
import { OperatorSessionStore } from './operator-session.store';
import { OperatorSignIns } from './operator-sign-ins';
import { OpsPageController } from './ops-page.controller';
import { PageFiles } from './page-files';

/** Another issuer than the one of persons, even where it is the same server: known there as another client. */
const OPERATOR_ISSUER = Symbol('OPERATOR_ISSUER');

export interface OpsPageOptions {
  publicUrl: string;
  /** `scopeClaim`: the claim of the ID token that says what an operator may do. */
  issuer: Omit<IssuerOptions, 'redirectUri'> & { scopeClaim: string };
  pagesFolder: string;
}

@Module({})
export class OpsPageModule {
  constructor(@Inject(OPERATOR_ISSUER) issuer: Issuer, readiness: Readiness) {
    readiness.add('ops_sign_in', () => issuer.check());
  }

  static with({ publicUrl, issuer, pagesFolder }: OpsPageOptions): DynamicModule {
    const { scopeClaim, ...options } = issuer;
    return {
      module: OpsPageModule,
      global: true,
      imports: [AuditModule],
      controllers: [OpsPageController],
      providers: [
        { provide: PageFiles, useValue: new PageFiles(join(pagesFolder, 'ops')) },
        {
          provide: OPERATOR_ISSUER,
          inject: [LOGGER],
          useFactory: async (log: Logger) =>
            new Issuer(
              await import('openid-client'),
              { ...options, redirectUri: `${publicUrl}/ops/sign-in/callback` },
              log,
            ),
        },
        {
          provide: OperatorSignIns,
          inject: [OPERATOR_ISSUER, Database, FormTokens, Clock, AuditTrail],
          useFactory: (issuer: Issuer, database: Database, forms: FormTokens, clock: Clock, audit: AuditTrail) =>
            new OperatorSignIns(
              issuer,
              scopeClaim,
              new OperatorSessionStore(database),
              new BrowserCookies(publicUrl.startsWith('https:'), 'Strict'),
              forms,
              clock,
              audit,
              publicUrl,
            ),
        },
        { provide: OPERATOR_SESSIONS, useExisting: OperatorSignIns },
      ],
      exports: [OPERATOR_SESSIONS],
    };
  }
}
