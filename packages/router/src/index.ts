export { createRouter } from './router.ts';
export { MAX_TOKEN_LENGTH } from './token.ts';
export * from './types.ts';
