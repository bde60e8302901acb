export { engineOf } from '../engines.ts';
export { LocalError, type LocalErrorCode } from './errors.ts';
export { LocalNode, POLITE_SIGNAL, type WaitOptions } from './local-node.ts';
export { chooseRunAs, runAsFor } from './run-as.ts';
