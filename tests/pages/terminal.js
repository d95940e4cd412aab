// A terminal session as a picture: commands that really run, and what they really said.
import { spawnSync } from 'node:child_process';
import { dirname, delimiter } from 'node:path';
import { FONTS } from './picture.js';

/** Types `commands` as the account; returns what a terminal would show. */
export const session = (world, account, commands) => ({
  name: account.user.split('@')[0],
  user: account.user,
  about: account.about,
  turns: commands.map((command) => ({ command, ...run(world, account, command) })),
});

const run = (world, account, command) => {
  const path = [dirname(world.kubectl), process.env.PATH].join(delimiter);
  const { stdout, stderr } = spawnSync(command, {
    shell: true,
    encoding: 'utf8',
    timeout: 60_000,
    env: { ...process.env, PATH: path, KUBECONFIG: account.kubeconfig, BROWSER: 'false' },
  });
  return { stdout: stdout.trimEnd(), stderr: stderr.trimEnd() };
};

const escape = (text) => text.replace(/[&<>]/g, (character) => `&#${character.charCodeAt(0)};`);

const turn = (name, { command, stdout, stderr }) => `
<p><b class="${name}">${name}</b> <i>$</i> <span class="typed">${escape(command)}</span></p>
${stdout && `<pre>${escape(stdout)}</pre>`}${stderr && `<pre class="stderr">${escape(stderr)}</pre>`}`;

const pane = ({ name, user, about, turns }) => `
<section><h2>${escape(user)}, who ${escape(about)}</h2>${turns.map((one) => turn(name, one)).join('')}</section>`;

/** The window with a pane per session, as an HTML page. */
export const terminalPage = (sessions) => `<!doctype html><html lang="en"><meta charset="utf-8"><title>Terminal</title>
<style>
${FONTS}
* { box-sizing: border-box; margin: 0; }
body { width: 880px; padding: 16px; background: transparent; }
main { border: 1px solid #2c3648; border-radius: 12px; overflow: hidden; background: #121822; color: #d5dbe6;
  font: 13px/1.55 "Picture Mono"; font-variant-ligatures: none; }
header { display: flex; gap: 8px; align-items: center; height: 38px; padding: 0 16px; background: #1b2433;
  border-bottom: 1px solid #2c3648; color: #93a0b5; }
header span { width: 12px; height: 12px; border-radius: 50%; background: #3a465c; }
section { padding: 14px 20px 18px; }
section + section { border-top: 1px solid #2c3648; }
h2 { margin-bottom: 8px; font: inherit; font-size: 12px; color: #8d9ab0; }
p { margin-top: 10px; }
h2 + p { margin-top: 0; }
b.alice { color: #6fd3a0; }
b.bob { color: #82aaff; }
i { font-style: normal; color: #6b7890; }
.typed { color: #ffffff; }
pre { font: inherit; white-space: pre-wrap; overflow-wrap: anywhere; }
.stderr { color: #ff9d93; }
</style>
<main><header><span></span><span></span><span></span></header>${sessions.map(pane).join('')}</main></html>`;
