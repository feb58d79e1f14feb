import { type DynamicModule, Module, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { Registry } from 'prom-client';
import { CheckpointStore } from '../event-store';
import { askedGauge, Clock, Database, LOGGER, type Logger, Readiness } from '../platform';
import { PersonKey } from './person-key';
import { PersonKeyMover } from './person-key.mover';
import { PersonKeyMoveStore } from './person-key-move.store';

/** While PERSON_KEY_PREVIOUS is configured, persons move from it to PERSON_KEY. */
@Module({})
export class PersonKeyMoveModule implements OnApplicationBootstrap, OnModuleDestroy {
  constructor(
    private readonly mover: PersonKeyMover,
    readiness: Readiness,
    registry: Registry,
  ) {
    readiness.add('person_key', () => mover.check());
    askedGauge({
      registry,
      name: 'medmij_person_key_moved_ratio',
      help: 'How far the persons have been moved to the present PERSON_KEY, 0 to 1, while PERSON_KEY_PREVIOUS is configured',
      ask: async () => [{ value: await mover.progress() }],
    });
  }

  static with(secret: Buffer, previousSecret: Buffer): DynamicModule {
    const [key, previousKey] = [new PersonKey(secret), new PersonKey(previousSecret)];
    return {
      module: PersonKeyMoveModule,
      providers: [
        {
          provide: PersonKeyMover,
          inject: [CheckpointStore, Database, Clock, LOGGER],
          useFactory: (checkpoints: CheckpointStore, database: Database, clock: Clock, log: Logger) =>
            new PersonKeyMover({
              checkpoints,
              store: new PersonKeyMoveStore(database),
              key,
              previousKey,
              clock,
              log,
            }),
        },
      ],
    };
  }

  onApplicationBootstrap(): void {
    this.mover.start();
  }

  async onModuleDestroy(): Promise<void> {
    await this.mover.stop();
  }
}
