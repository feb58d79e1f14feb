/** What developers of other systems read: OpenAPI and AsyncAPI, made from the code. */
export { ApiDocsModule, serveOpenApi } from './api-docs.module';
