import { type DynamicModule, Module } from '@nestjs/common';
import { BrowserCookies } from './browser-cookie';
import { FormTokens } from './form-tokens';
import { PageStyleController } from './page-style.controller';

/** What every room with pages needs. */
@Module({})
export class ScreensModule {
  static with(publicUrl: string): DynamicModule {
    const cookies = new BrowserCookies(publicUrl.startsWith('https:'));
    return {
      module: ScreensModule,
      global: true,
      controllers: [PageStyleController],
      providers: [
        { provide: BrowserCookies, useValue: cookies },
        { provide: FormTokens, useValue: new FormTokens(cookies) },
      ],
      exports: [BrowserCookies, FormTokens],
    };
  }
}
