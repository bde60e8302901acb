export { Ledger, type Write } from './ledger.ts';
export { siteOfCluster } from './site.ts';
export {
  type Commit,
  commitsOf,
  type Exactness,
  exactness,
  expectedRows,
  ledgerRows,
  targetAt,
} from './truth.ts';
