export { stepFailover } from './core/step.ts';
export * from './core/types.ts';
export { Supervisor, type SupervisorEvent, type SupervisorOptions } from './supervisor.ts';
