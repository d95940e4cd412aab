// A real Chromium, which trusts one server's key and no other.
import { accessSync, constants, readFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { delimiter, join } from 'node:path';
import { connect } from 'node:tls';
import { chromium } from 'playwright-core';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
const QUIET = [
  '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync', '--hide-scrollbars', '--font-render-hinting=none',
];

const isProgram = (path) => {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
};

const installed = () => {
  const folders = (process.env.PATH ?? '').split(delimiter);
  const found = NAMES.flatMap((name) => folders.map((folder) => join(folder, name))).find(isProgram);
  if (!found) throw new Error('there is no Chromium: apt-get install -y chromium');
  return found;
};

// Node verifies the certificate by the world's own authority; Chromium then takes exactly this key.
const keyOf = (url, ca) =>
  new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url);
    const socket = connect({ host: hostname, port, servername: hostname, ca: readFileSync(ca) }, () => {
      const key = socket.getPeerX509Certificate().publicKey.export({ type: 'spki', format: 'der' });
      socket.destroy();
      resolve(createHash('sha256').update(key).digest('base64'));
    });
    socket.on('error', reject);
  });

export const launch = async (world) => {
  const key = await keyOf(world.controlPlane.url, world.ca);
  return chromium.launch({
    executablePath: installed(),
    args: [...QUIET, `--ignore-certificate-errors-spki-list=${key}`],
  });
};
