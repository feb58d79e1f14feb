import { mkdirSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { expectAccessible } from './browser';

/** A page must be accessible as it stands; pictures of it besides, for whoever wants to look. */
export async function see(page: Page, name: string): Promise<void> {
  await picture(page, name);
  await expectAccessible(page);
}

/** Pictures of a page in light, in dark and on a phone, where SCREENSHOTS names a folder for them. */
export async function picture(page: Page, name: string): Promise<void> {
  const folder = process.env.SCREENSHOTS;
  if (!folder) return;
  mkdirSync(folder, { recursive: true });
  const viewport = page.viewportSize();
  for (const colorScheme of ['dark', 'light'] as const) {
    await page.emulateMedia({ colorScheme });
    await page.screenshot({ path: `${folder}/${name}-${colorScheme}.png`, fullPage: true });
  }
  await page.setViewportSize({ width: 390, height: 800 });
  await page.screenshot({ path: `${folder}/${name}-phone.png`, fullPage: true });
  if (viewport) await page.setViewportSize(viewport);
}
