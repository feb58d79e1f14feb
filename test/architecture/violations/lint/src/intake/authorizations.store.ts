export class AuthorizationsStore {
  async save(row: unknown) {
    await Promise.resolve(row);
  }
}
