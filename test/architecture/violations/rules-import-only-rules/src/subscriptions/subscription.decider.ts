import { Injectable } from '@nestjs/common'; // flagged
import { latestEnd } from './grant.store'; // flagged

@Injectable()
export class Decider {
  latest = latestEnd;
}
