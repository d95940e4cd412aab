// The way through all pages, by keyboard alone, as the command line leads a person there.
import { insist, startLogin } from './command-line.js';
import { download, follow, open, search, signIn, typeCode } from './keyboard.js';

const CONTINUE = 'button[value=allow]';
const CANCEL = 'button[value=deny]';

/**
 * Every page in turn: yields `{name, status}` where `page` is to be looked at; without a status when it is not anew
 * from the server. What goes wrong on the way is thrown. `cache` is the command line's.
 */
export async function* tour(page, world, cache) {
  const person = world.accounts.reader;
  yield* firstSignIn(page, world, cache, person);
  yield* signInAgain(page, world, cache, person);
  yield* signInElsewhere(page, world, cache, person);
  yield* signInMachine(page, world, cache, person);
  yield* refuse(page, world, cache);
  yield* lookAround(page, world, person);
  if (world.company) yield* signInWithCompany(page, world, cache);
}

async function* firstSignIn(page, world, cache, person) {
  const login = await startLogin(world, cache);
  await page.goto(login.url);
  yield { name: 'sign-in', status: 200 };
  await signIn(page, { user: person.user, password: 'not-this-one' });
  yield { name: 'sign-in, wrong password', status: 401 };
  await signIn(page, person);
  yield* signedIn(page, login, person.user);
}

async function* signInAgain(page, world, cache, person) {
  const login = await startLogin(world, cache);
  await page.goto(login.url);
  yield { name: 'consent', status: 200 };
  await follow(page, CONTINUE);
  yield* signedIn(page, login, person.user);
}

async function* signInElsewhere(page, world, cache, person) {
  const login = await startLogin(world, cache, '--no-browser');
  await page.goto(login.url);
  yield { name: 'consent for another computer', status: 200 };
  await follow(page, CONTINUE);
  yield { name: 'code to paste', status: 200 };
  login.enter(await page.locator('output').textContent());
  await insist(login, 'success', `as ${person.user}`);
}

async function* signInMachine(page, world, cache, person) {
  const login = await startLogin(world, cache, '--device');
  await page.goto(login.url);
  yield { name: 'code of another machine', status: 200 };
  await typeCode(page, 'bcdf-bcdf');
  yield { name: 'code of no machine', status: 404 };
  await typeCode(page, login.code().toLowerCase());
  yield { name: 'another machine asks', status: 200 };
  const text = await page.locator('main').innerText();
  if (!text.includes(login.code())) throw new Error(`the page does not show ${login.code()}: ${text}`);
  await follow(page, CONTINUE);
  yield { name: 'another machine allowed', status: 200 };
  await insist(login, 'success', `as ${person.user}`);
  const denied = await startLogin(world, cache, '--device');
  await page.goto(`${denied.url}?user_code=${denied.code()}`);
  await follow(page, CANCEL);
  yield { name: 'another machine denied', status: 200 };
  await insist(denied, 'failure', 'was denied in the browser');
}

async function* refuse(page, world, cache) {
  const login = await startLogin(world, cache);
  await page.goto(login.url);
  await follow(page, CANCEL);
  yield { name: 'command line: sign-in cancelled', status: 200 };
  await insist(login, 'failure', 'the sign-in was cancelled');
}

async function* lookAround(page, world, person) {
  const at = (path) => new URL(path, world.controlPlane.url).href;
  await page.goto(at('/signed-in'));
  yield { name: 'signed in', status: 200 };
  await follow(page, 'main a[href="/"]');
  yield { name: 'home', status: 200 };
  const text = await page.locator('main').innerText();
  for (const expected of [person.user, ...person.groups, world.cluster.name]) {
    if (!text.includes(expected)) throw new Error(`the home page does not tell ${expected}: ${text}`);
  }
  await takeKubeconfig(page, world);
  await open(page, 'main > details');
  yield { name: 'home, with the kubeconfig to copy', status: undefined };
  await page.goto(at('/admin'));
  yield { name: 'error: not an administrator', status: 403 };
  await page.goto(at('/'));
  await follow(page, 'form[action="/logout"] button');
  yield { name: 'signed out', status: 200 };
  await page.goto(at('/'));
  yield { name: 'home of nobody', status: 200 };
  await follow(page, 'a[href="/login"]');
  yield { name: 'sign-in without a command line', status: 200 };
  yield* inGerman(page, at, person);
  yield* endOwnSession(page, at, person);
  if (world.accounts.admin) yield* administer(page, at, world.accounts.admin);
  await page.goto(at('/nowhere'));
  yield { name: 'error: no such page', status: 404 };
  await page.goto(at('/oauth/authorize?client_id=somebody'));
  yield { name: 'error: bad request of a command line', status: 400 };
}

/** The file to download is of the person's clusters, has no secret, and is the one to copy. */
const takeKubeconfig = async (page, world) => {
  const file = await download(page, 'a[href="/kubeconfig"]');
  const expected = ['kind: Config', `--server=${new URL(world.controlPlane.url).origin}`, `--cluster=${world.cluster.name}`];
  const lacking = expected.filter((text) => !file.includes(text));
  if (lacking.length > 0) throw new Error(`the kubeconfig lacks ${lacking}: ${file}`);
  if (/token|password|client-key/.test(file)) throw new Error(`there is a secret in the kubeconfig: ${file}`);
  if ((await page.locator('pre.copy').textContent()) !== file) throw new Error('the kubeconfig to copy is another one');
};

async function* inGerman(page, at, person) {
  await follow(page, 'footer a[hreflang=de]');
  yield { name: 'sign-in, in German', status: 200 };
  await signIn(page, person);
  yield { name: 'home, in German', status: 200 };
  const [language, heading] = [await page.locator('html').getAttribute('lang'), await page.locator('h1').textContent()];
  if (language !== 'de' || heading !== 'Ihr Zugang') throw new Error(`${page.url()} says ${heading} in ${language}`);
  await page.goto(at('/nowhere'));
  yield { name: 'error: no such page, in German', status: 404 };
  await page.goto(at('/language/en'));
  yield { name: 'home, in English again', status: 200 };
}

/** The session of this very browser comes first; its button signs out. */
async function* endOwnSession(page, at, person) {
  await follow(page, '.items li:first-child form[action="/sessions/end"] button');
  yield { name: 'home after the end of its session', status: 200 };
  if ((await page.locator('a[href="/login"]').count()) === 0) throw new Error(`${person.user} is still signed in`);
}

async function* administer(page, at, admin) {
  await page.goto(at('/admin'));
  await signIn(page, admin);
  yield { name: 'administration: status', status: 200 };
  await follow(page, 'nav a[href="/admin/sessions"]');
  yield { name: 'administration: sessions', status: 200 };
  await search(page, 'input[name=user]', admin.user);
  yield { name: 'administration: sessions of one person', status: 200 };
  const users = await page.locator('.items h2').allTextContents();
  if (users.length === 0 || users.some((user) => user !== admin.user)) throw new Error(`sessions of ${users}`);
  await follow(page, 'nav a[href="/admin/users"]');
  yield { name: 'administration: users', status: 200 };
  await open(page, '.items details');
  yield { name: 'administration: a user about to be disabled', status: undefined };
  await follow(page, 'nav a[href="/admin/providers"]');
  yield { name: 'administration: providers', status: 200 };
  await page.goto(at('/'));
  await follow(page, 'form[action="/logout"] button');
}

async function* signInWithCompany(page, world, cache) {
  const login = await startLogin(world, cache);
  await page.goto(login.url);
  await follow(page, `a[href^="/login/${world.company.provider}?"]`);
  await signIn(page, world.company);
  yield* signedIn(page, login, world.company.shown);
}

/** The browser is back at the command line's own port, and the terminal knows it. */
async function* signedIn(page, login, user) {
  yield { name: `command line: signed in as ${user}`, status: 200 };
  const heading = await page.locator('h1').textContent();
  if (heading !== 'You are signed in') throw new Error(`${page.url()} says ${heading}`);
  await insist(login, 'success', `as ${user}`);
}
