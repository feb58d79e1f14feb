import { Module, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { Clock, LOGGER, type Logger, loopCheck, Readiness } from '../platform';
import { AuthorizationAudit } from './authorization.audit';
import { AuthorizationRecordsModule } from './authorization-records.module';
import { InteractionStore } from './interaction.store';
import { InteractionSweeper } from './interaction.sweeper';

/** Interactions that nobody finished. */
@Module({
  imports: [AuthorizationRecordsModule],
  providers: [
    {
      provide: InteractionSweeper,
      inject: [InteractionStore, AuthorizationAudit, Clock, LOGGER],
      useFactory: (store: InteractionStore, audit: AuthorizationAudit, clock: Clock, log: Logger) =>
        new InteractionSweeper(store, audit, clock, log),
    },
  ],
})
export class InteractionSweepModule implements OnApplicationBootstrap, OnModuleDestroy {
  constructor(
    private readonly sweeper: InteractionSweeper,
    readiness: Readiness,
  ) {
    readiness.add('interactions', () => loopCheck(sweeper.state()));
  }

  onApplicationBootstrap(): void {
    this.sweeper.start();
  }

  async onModuleDestroy(): Promise<void> {
    await this.sweeper.stop();
  }
}
