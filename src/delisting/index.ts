/** WHAT LEAVES THE LISTS rests, comes back by itself, or ends (domain.md 8). */
export { DelistingModule } from './delisting.module';
