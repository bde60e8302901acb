export { engineOf } from '../engines.ts';
export { type SeedOptions, seedUser, seedUsers } from '../seed.ts';
export {
  type BootstrapPlan,
  type DecideContext,
  decideBootstrap,
  type Followers,
  type Observation,
} from './decide.ts';
export { BootstrapError, type BootstrapErrorCode } from './errors.ts';
export { type BootstrapOptions, type BootstrapResult, runBootstrap } from './run.ts';
