import { startEverything } from '../../dev/embedded'; // flagged
import { given } from '../../test/support/given';

given(startEverything);
