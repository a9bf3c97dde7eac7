/** The npm API: `import { run, build } from 'ctr'`. docs/api.md */
export { CtrError, type ErrorCode } from '../base/ctr-error.ts';
export { type FlagValue, flagsFrom } from './arguments.ts';
export { type BuildOptions, build } from './build.ts';
export { Container, type ContainerInspection, type ExecOptions } from './container.ts';
export type { ContainerOptions } from './container-options.ts';
export { type ImageSummary, images, pull, push, type RegistryOptions, removeImage, tag } from './images.ts';
export { type InvokeOptions, invoke, type Outcome } from './invoke.ts';
export { type ContainerSummary, containers, type ListOptions, run, start } from './run.ts';
export { type CopyOptions, type RunStepOptions, type Step, steps } from './steps.ts';
