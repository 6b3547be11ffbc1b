import { EventEmitter } from 'node:events';
import { expect, test } from 'vitest';
import { outliving } from '../../src/factory/pg-client.ts';

test('an error of a client to which nobody listens ends nothing, and is told to whoever listens next', async () => {
  const pg = { Client: EventEmitter as new (...options: unknown[]) => EventEmitter };
  const Client = outliving(pg);
  expect([pg.Client, outliving(pg)]).toEqual([Client, Client]);
  const client = new Client();
  client.emit('error', new Error('terminated'));
  const heard: unknown[] = [];
  client.on('error', (error) => heard.push(error));
  await new Promise(setImmediate);
  expect(heard).toEqual([new Error('terminated')]);
  client.removeAllListeners();
  client.emit('error', new Error('again'));
  expect(heard).toHaveLength(1);
});
