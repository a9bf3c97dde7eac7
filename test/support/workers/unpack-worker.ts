/** The unpack worker as a process: started inside a user namespace with the data root as its working directory. */
import { runUnpackWorker } from '../../../src/image/layer/worker.ts';

await runUnpackWorker(process.stdin, process.stdout);
