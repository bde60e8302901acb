/**
 * Members that a driver's own class has and ours has not. Typed `never`, they let our object stand where the driver's is
 * asked for, and stop whoever calls them at compile time. No driver's types are imported: a project has only one of them.
 */
export type Absent<Names extends PropertyKey> = { readonly [Name in Names]: never };

export type EmitterMembers =
  | 'addListener'
  | 'emit'
  | 'eventNames'
  | 'getMaxListeners'
  | 'listenerCount'
  | 'listeners'
  | 'off'
  | 'on'
  | 'once'
  | 'prependListener'
  | 'prependOnceListener'
  | 'rawListeners'
  | 'removeAllListeners'
  | 'removeListener'
  | 'setMaxListeners';
