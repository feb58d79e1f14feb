import { type DynamicModule, Inject, Module, type OnModuleDestroy } from '@nestjs/common';
import { AVAILABILITY, type Availability } from './availability';
import { AvailabilityClient } from './availability.client';
import { SampleAvailability } from './sample-availability';

/** One client of the source of availability in each process, whoever asks. */
@Module({})
export class AvailabilityModule implements OnModuleDestroy {
  constructor(@Inject(AVAILABILITY) private readonly availability: Availability) {}

  /** Without a `url`, which is in development only, the sample persons are asked. */
  static with(url: string | undefined): DynamicModule {
    return {
      module: AvailabilityModule,
      global: true,
      providers: [
        {
          provide: AVAILABILITY,
          useFactory: (): Availability => (url === undefined ? new SampleAvailability() : new AvailabilityClient(url)),
        },
      ],
      exports: [AVAILABILITY],
    };
  }

  async onModuleDestroy(): Promise<void> {
    await this.availability.close();
  }
}
