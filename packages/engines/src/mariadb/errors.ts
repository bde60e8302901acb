export { translateError } from '../mysql-protocol/errors.ts';
