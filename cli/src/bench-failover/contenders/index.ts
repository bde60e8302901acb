import type { Contender, ContenderName } from '../types.ts';
import { lab } from './lab.ts';
import { patroni, patroniTuned } from './patroni.ts';
import { textbook } from './textbook.ts';

export const CONTENDERS: Readonly<Record<ContenderName, Contender>> = {
  lab,
  patroni,
  'patroni-tuned': patroniTuned,
  textbook,
};
