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
  if (world.company) {
    yield* signInWithCompany(page, world, cache);
    yield* signOutAtCompany(page, world);
    yield* signInByAddress(page, world);
  }
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
  await follow(page, 'main a[href="/device"]');
  yield { name: 'code of another machine, from home', status: 200 };
  await page.goto(at('/'));
  await takeKubeconfig(page, world);
  await open(page, 'main > details');
  yield { name: 'home, with the kubeconfig to copy', status: undefined };
  await page.goto(at('/admin'));
  yield { name: 'error: not an administrator', status: 403 };
  await signOutAt(page, at);
  yield { name: 'home, signed out', status: 200 };
  await page.goto(at('/'));
  yield { name: 'home of nobody', status: 200 };
  await follow(page, 'a[href="/login"]');
  yield { name: 'sign-in without a command line', status: 200 };
  yield* inGerman(page, at, person);
  yield* endOwnSession(page, at, person);
  if (world.accounts.tourist) yield* disableAndEnable(page, at, world.accounts);
  if (world.accounts.admin) yield* administer(page, at, world.accounts.admin);
  await page.goto(at('/login/nowhere'));
  yield { name: 'error: no such provider', status: 404 };
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
  await page.goto(at('/language/de'));
  for (const path of ['/admin', '/admin/sessions', '/admin/users', '/admin/providers', '/device']) {
    await page.goto(at(path));
    yield { name: `${path}, in German`, status: 200 };
  }
  await page.goto(at('/language/en'));
  await signOut(page);
}

/** An administrator shuts somebody out, who then learns why; and lets them in again. */
async function* disableAndEnable(page, at, { admin, tourist }) {
  const theirs = (action) => `form[action="/admin/users/${action}"]:has([name=person][value="accounts:${tourist.user}"])`;
  const reason = 'a lost laptop';
  const say = async (action) => search(page, `${theirs(action)} input[name=reason]`, reason);
  const look = async (account) => {
    await page.goto(at('/login'));
    await signIn(page, account);
  };
  await look(tourist);
  await signOut(page);
  await look(admin);
  await page.goto(at('/admin/users'));
  await search(page, 'input[name=user]', tourist.user);
  await open(page, `details:has([name=person][value="accounts:${tourist.user}"])`);
  await say('disable');
  yield { name: 'administration: a user disabled', status: 200 };
  await insistOn(page, 'Gateways know it within a second');
  await signOutAt(page, at);
  await look(tourist);
  yield { name: 'error: account disabled', status: 403 };
  await insistOn(page, reason);
  await look(admin);
  await page.goto(at('/admin/users'));
  await say('enable');
  yield { name: 'administration: a user enabled', status: 200 };
  await insistOn(page, 'can sign in again');
  await signOutAt(page, at);
  await look(tourist);
  await insistOn(page, 'Your access');
  await signOut(page);
}

const signOut = async (page) => follow(page, 'form[action="/logout"] button');

const signOutAt = async (page, at) => {
  await page.goto(at('/'));
  await signOut(page);
};

const insistOn = async (page, words) => {
  const text = await page.locator('main').innerText();
  if (!text.includes(words)) throw new Error(`${page.url()} does not say ${words}: ${text}`);
};

async function* signInWithCompany(page, world, cache) {
  const login = await startLogin(world, cache);
  await page.goto(login.url);
  await follow(page, `a[href^="/login/${world.company.provider}?"]`);
  await signIn(page, world.company);
  yield* signedIn(page, login, world.company.shown);
}

/** Signs out here, is led on by the page itself (no script), and signs out there. */
async function* signOutAtCompany(page, { company, controlPlane }) {
  await page.goto(controlPlane.url);
  await signOut(page);
  await page.waitForURL((url) => url.origin === company.issuer);
  await page.locator('button[value=yes]').press('Enter');
  await page.waitForURL((url) => url.pathname === '/logged-out');
  yield { name: 'signed out at the provider too', status: 200 };
  await insistOn(page, 'signed out of Example company too');
}

/** The typed address chooses the provider; the page goes on to it by itself (no script). */
async function* signInByAddress(page, { company, controlPlane }) {
  const at = (path) => new URL(path, controlPlane.url).href;
  await page.goto(at('/login'));
  yield { name: 'sign-in by e-mail address', status: 200 };
  await search(page, 'input[name=email]', 'somebody@nowhere.example');
  yield { name: 'sign-in, address of no provider', status: 422 };
  await insistOn(page, 'No identity provider here is for addresses of nowhere.example');
  await search(page, 'input[name=email]', company.email);
  await page.waitForURL((url) => url.origin === company.issuer);
  // What the page that went on shows to whom it does not take along.
  await page.goto(at(`/login?provider=${company.provider}`));
  yield { name: 'sign-in, one provider alone', status: 200 };
  await follow(page, `a[href^="/login/${company.provider}?"]`);
  await signIn(page, company);
  yield { name: 'home of somebody of the company', status: 200 };
  await insistOn(page, company.shown);
  await signOut(page);
}

/** The browser is back at the command line's own port, and the terminal knows it. */
async function* signedIn(page, login, user) {
  yield { name: `command line: signed in as ${user}`, status: 200 };
  const heading = await page.locator('h1').textContent();
  if (heading !== 'You are signed in') throw new Error(`${page.url()} says ${heading}`);
  await insist(login, 'success', `as ${user}`);
}
