/** What a person is told of an error: the pages that `error_uri` leads to, and the page instead of a problem document. */
export { answerInPage } from './error-page';
export { ErrorPagesModule } from './error-pages.module';
