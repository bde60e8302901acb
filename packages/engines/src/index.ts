export * from './client.ts';
export * from './config.ts';
