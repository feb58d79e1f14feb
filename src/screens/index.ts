/** How a page looks and is sent: its blocks, its headers, and that a form comes back from the browser it was shown to. */
export { cards, facts, form, heading, notice, paragraph, points, wayTo } from './blocks';
export { BrowserCookies } from './browser-cookie';
export { FormTokens } from './form-tokens';
export { Html, html } from './html';
export { type Page, sendPage } from './page';
export { ScreensModule } from './screens.module';
export type { Words } from './words';
