import { Injectable } from '@nestjs/common'; // flagged
import { rowOf } from './row-of';

@Injectable()
export class SubscriptionsProjection {
  row = rowOf;
}
