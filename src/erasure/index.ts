/** PERSONS ARE ERASED: their subscriptions end, and nobody can say any more whose they were (domain.md 12). */
export { ErasureModule } from './erasure.module';
export { PersonErasure } from './person-erasure';
