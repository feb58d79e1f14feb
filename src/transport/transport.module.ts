import { type DynamicModule, Inject, Module, type OnApplicationShutdown } from '@nestjs/common';
import { LOGGER, type Logger } from '../platform';
import { type EventTransport, TRANSPORT } from './event-transport';
import { type KafkaOptions, KafkaTransport } from './kafka.transport';

@Module({})
export class TransportModule implements OnApplicationShutdown {
  constructor(@Inject(TRANSPORT) private readonly transport: EventTransport) {}

  static with(options: KafkaOptions): DynamicModule {
    return {
      module: TransportModule,
      global: true,
      providers: [
        { provide: TRANSPORT, inject: [LOGGER], useFactory: (log: Logger) => new KafkaTransport(options, log) },
      ],
      exports: [TRANSPORT],
    };
  }

  async onApplicationShutdown(): Promise<void> {
    await this.transport.close();
  }
}
