/** Functions that know values but not where they stand throw plain errors; their callers add the place. */
import { CtrError } from '../base/ctr-error.ts';

/** Runs `work`; what it throws is thrown again as the error that `placed` makes of message and hint. */
export function withPlace<T>(placed: (message: string, hint: string | undefined) => Error, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof CtrError) throw placed(error.message, error.hint);
    throw error;
  }
}
