import { batchSize } from './command-batcher';

export const handleAll = (commands: string[]) => commands.slice(0, batchSize);
