export { type Random, randomOf, wholeBetween } from '../scenarios/lib/random.ts';
export { type CompareResult, type Progress, runCompare } from './compare.ts';
export { MeasureError, type MeasureErrorCode } from './errors.ts';
export { type EnsureOptions, ensureK6, K6_VERSION } from './k6-binary.ts';
export type { Arm, CapResult, CommandLine, LabUnderTest, Usage } from './lab-under-test.ts';
export type { CompareOptions } from './profile.ts';
export { type Estimate, estimate, percentilesOf, shuffled } from './statistics.ts';
export type { CompareSummary } from './summary.ts';
export { columns, renderTable } from './table.ts';
