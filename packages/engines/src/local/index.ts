export { engineOf } from '../engines.ts';
export { LocalError, type LocalErrorCode } from './errors.ts';
export { isExecutable } from './find-binary.ts';
export { layoutOf, makeDirectories, own, writeOwned } from './layout.ts';
export { LocalNode, POLITE_SIGNAL, type WaitOptions } from './local-node.ts';
export { endProcess, markOf } from './process.ts';
export { chooseRunAs, runAsFor } from './run-as.ts';
export { toolEnvironment } from './run-tool.ts';
