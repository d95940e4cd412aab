// `kubegate login`, as a person starts it in a terminal.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const KUBEGATE = fileURLToPath(new URL('../../target/debug/kubegate', import.meta.url));
const SECONDS = 60;

const running = new Set();
process.once('exit', () => running.forEach((child) => child.kill()));

/** A computer's cache of its own, removed with `forget()`. */
export const freshCache = () => {
  const path = mkdtempSync(join(tmpdir(), 'kubegate-pages-'));
  return { path, forget: () => rmSync(path, { recursive: true, force: true }) };
};

/**
 * Starts a sign-in and waits for the URL that it prints. `finished` becomes `{code, said}`;
 * `enter(code)` types a code from another computer's browser; `code()` is the one that is to be typed there.
 */
export const startLogin = async (world, cache, ...options) => {
  const child = spawn(KUBEGATE, ['login', '--timeout', `${SECONDS}s`, ...options], {
    // Without a terminal of its own, so that a pasted code is read from the pipe.
    detached: true,
    env: {
      ...process.env,
      XDG_CACHE_HOME: cache,
      BROWSER: 'true',
      KUBEGATE_SERVER: world.controlPlane.url,
      KUBEGATE_CERTIFICATE_AUTHORITY: world.ca,
    },
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text) => (said += text));
  child.stdin.on('error', () => {});
  running.add(child);
  const finished = new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      running.delete(child);
      resolve({ code, said });
    });
  });
  const url = await new Promise((resolve, reject) => {
    const look = () => {
      const found = said.match(/^ {2}(https:\S+)\n/m);
      if (found) resolve(found[1]);
    };
    child.stderr.on('data', look);
    finished.then(() => reject(new Error(`kubegate login ended early: ${said}`)), reject);
  });
  const code = () => said.match(/^ {2}([A-Z]{4}-[A-Z]{4})$/m)?.[1];
  return { url, finished, code, enter: (code) => child.stdin.end(`${code}\n`) };
};

/** Waits for the end of a login and insists on how it ended. */
export const insist = async (login, wanted, words) => {
  const { code, said } = await login.finished;
  const good = (code === 0) === (wanted === 'success') && said.includes(words);
  if (!good) throw new Error(`kubegate login should end with ${wanted} and ${words}, but with ${code}: ${said}`);
};
