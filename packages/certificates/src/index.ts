export { AuthorityError, isDue, type Unfit } from './authority.ts';
export {
  type CertificatePlan,
  ensureCertificates,
  type Issued,
  type Listed,
  listCertificates,
  type Owner,
} from './ensure.ts';
export * from './layout.ts';
