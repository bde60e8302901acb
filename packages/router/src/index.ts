export {
  CLASSIFY_REASONS,
  type Classification,
  type ClassifyOptions,
  type ClassifyReason,
  classify,
  prepareClassifier,
} from './classify/index.ts';
export { createRouter } from './router.ts';
export { MAX_TOKEN_LENGTH } from './token.ts';
export * from './types.ts';
