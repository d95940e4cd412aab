// The way through all pages, by keyboard alone, as the command line leads a person there.
import { insist, startLogin } from './command-line.js';
import { follow, signIn, typeCode } from './keyboard.js';

const CONTINUE = 'button[value=allow]';
const CANCEL = 'button[value=deny]';

/**
 * Every page in turn: yields `{name, status}` where `page` is to be looked at. What goes wrong on the way is
 * thrown. `cache` is the command line's.
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
  await follow(page, 'form[action="/logout"] button');
  yield { name: 'signed out', status: 200 };
  await page.goto(at('/'));
  yield { name: 'home of nobody', status: 200 };
  await follow(page, 'a[href="/login"]');
  yield { name: 'sign-in without a command line', status: 200 };
  await page.goto(at('/nowhere'));
  yield { name: 'error: no such page', status: 404 };
  await page.goto(at('/oauth/authorize?client_id=somebody'));
  yield { name: 'error: bad request of a command line', status: 400 };
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
