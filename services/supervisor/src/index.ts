export { Announcer, type AnnouncerParts } from './announcer.ts';
export type { Evidence, Verdict } from './core/evidence.ts';
export type { Choice, ChoiceVoter } from './core/proof.ts';
export { stepFailover } from './core/step.ts';
export * from './core/types.ts';
export type { EventPage, LoggedEvent, Proof, SupervisorEvent } from './events.ts';
export type { Notice, NoticeKind } from './notices/notice.ts';
export { Supervisor, type SupervisorOptions } from './supervisor.ts';
export type { SwitchoverCode, SwitchoverOutcome } from './switchover-run.ts';
