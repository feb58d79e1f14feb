import { cp, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const files = {
  providers: 'zorgaanbiederslijst.xml',
  clients: 'oauthclientlist.xml',
  service_names: 'gegevensdienstnamenlijst.xml',
  whitelist: 'whitelist.xml',
};
export type ListFile = keyof typeof files;
export const listFileNames = Object.keys(files) as ListFile[];

/** The lists of one test: the sample ones to begin with, published anew as the test wants. */
export class ListFolder {
  private constructor(private readonly folder: string) {}

  static async make(): Promise<ListFolder> {
    const folder = await mkdtemp(join(tmpdir(), 'medmij-lists-'));
    await cp(resolve(__dirname, '../../dev/sample-lists'), folder, { recursive: true });
    return new ListFolder(folder);
  }

  /** Where the service finds them. */
  get env(): Record<string, string> {
    const url = (name: ListFile) => pathToFileURL(this.path(name)).href;
    return {
      PROVIDER_LIST_URL: url('providers'),
      CLIENT_LIST_URL: url('clients'),
      SERVICE_NAMES_LIST_URL: url('service_names'),
      WHITELIST_URL: url('whitelist'),
    };
  }

  path(name: ListFile): string {
    return join(this.folder, files[name]);
  }

  read(name: ListFile): Promise<string> {
    return readFile(this.path(name), 'utf8');
  }

  /** Published as a careful publisher does: whole, under its name at once. */
  async edit(name: ListFile, change: (text: string) => string): Promise<void> {
    const file = this.path(name);
    await writeFile(`${file}.new`, change(await this.read(name)));
    await rename(`${file}.new`, file);
  }

  /** The next edition: changed, under the next number. */
  publish(name: ListFile, change: (text: string) => string = (text) => text): Promise<void> {
    return this.edit(name, (text) =>
      change(text).replace(/<Volgnummer>(\d+)</, (_, number) => `<Volgnummer>${Number(number) + 1}<`),
    );
  }

  remove(): Promise<void> {
    return rm(this.folder, { recursive: true });
  }
}
