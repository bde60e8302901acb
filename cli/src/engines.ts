// One place that knows where the engines package keeps the whole of an engine.
export { engineOf } from '@replication-lab/engines/local';
