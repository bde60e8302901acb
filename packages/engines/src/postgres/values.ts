import type { CustomTypesConfig, types as driverTypes } from 'pg';

/** Numbers where they are exact, else the text, as in the other engines. */
const bigint = (text: string): number | string => {
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : text;
};
/** The driver reads times without a zone as local time; in this lab they are UTC. */
const utcTimestamp = (text: string): Date | string =>
  /^\d{4}-\d\d-\d\d/.test(text) ? new Date(`${text.replace(' ', 'T')}Z`) : text;
const utcDate = (text: string): Date | string =>
  /^\d{4}-\d\d-\d\d$/.test(text) ? new Date(`${text}T00:00:00Z`) : text;

/** How column values become JavaScript values. */
export function typesOf({ types }: { readonly types: typeof driverTypes }): CustomTypesConfig {
  const { builtins, getTypeParser } = types;
  const parsers: Readonly<Record<number, (text: string) => unknown>> = {
    [builtins.INT8]: bigint,
    [builtins.TIMESTAMP]: utcTimestamp,
    [builtins.DATE]: utcDate,
  };
  return {
    getTypeParser: ((oid: number, format?: 'text') =>
      parsers[oid] ?? getTypeParser(oid, format ?? 'text')) as CustomTypesConfig['getTypeParser'],
  };
}
