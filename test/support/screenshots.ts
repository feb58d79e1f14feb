import { mkdirSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { expectAccessible } from './browser';

/** A page must be accessible as it stands; SCREENSHOTS names a folder for pictures of it, for whoever wants to look. */
export async function see(page: Page, name: string): Promise<void> {
  const folder = process.env.SCREENSHOTS;
  if (folder) {
    mkdirSync(folder, { recursive: true });
    await page.screenshot({ path: `${folder}/${name}.png`, fullPage: true });
    const viewport = page.viewportSize();
    await page.setViewportSize({ width: 390, height: 800 });
    await page.emulateMedia({ colorScheme: 'dark' });
    await page.screenshot({ path: `${folder}/${name}-phone.png`, fullPage: true });
    await page.emulateMedia({ colorScheme: 'light' });
    if (viewport) await page.setViewportSize(viewport);
  }
  await expectAccessible(page);
}
