// screenshots.js DEMO.json FOLDER: the pictures of the README and of docs/pages.md, of a demo that runs.
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { launch } from './chromium.js';
import { insist, startLogin } from './command-line.js';
import { follow, signIn, tabTo, typeCode } from './keyboard.js';
import { FONTS, save } from './picture.js';
import { session, terminalPage } from './terminal.js';

const [description, folder] = process.argv.slice(2);
const world = JSON.parse(readFileSync(description, 'utf8'));
const { admin, reader } = world.accounts;

const ADMIN_TYPES = ['kubectl get namespaces', 'kubectl exec hello -- id'];
const READER_TYPES = ['kubectl auth whoami', 'kubectl get pods', 'kubectl delete pod hello'];

// The fonts are no part of the pages, so their policy would refuse them.
const SHARP = { viewport: { width: 600, height: 900 }, deviceScaleFactor: 2, bypassCSP: true };

// A list goes on like that.
const TALLEST = 1750;

const at = (path) => new URL(path, world.controlPlane.url).href;
const file = (name) => join(folder, `${name}.png`);

/** Signs in from the command line on; `before` sees the sign-in page. Hands over the browser's page. */
const signedIn = async (browser, account, before = async () => {}) => {
  const page = await browser.newPage(SHARP);
  const login = await startLogin(world, account.cache);
  await page.goto(login.url);
  await before(page);
  await signIn(page, account);
  await insist(login, 'success', account.user);
  return page;
};

/** The card in the middle of a page, with some ground around it. */
const pictureOfPage = async (page, name) => {
  await page.addStyleTag({ content: FONTS });
  await page.evaluate(() => document.fonts.ready);
  const bottom = await page.evaluate(() => document.querySelector('footer').getBoundingClientRect().bottom + scrollY);
  const clip = { x: 0, y: 0, width: page.viewportSize().width, height: Math.min(Math.ceil(bottom) + 32, TALLEST) };
  save(file(name), await page.screenshot({ clip, fullPage: true }));
};

const pictureOfSignIn = async (page) => {
  await tabTo(page, 'input[name=username]');
  await page.keyboard.type(admin.user);
  await pictureOfPage(page, 'sign-in');
};

/** Every page that a command line leads to, for somebody who is signed in in `page`. */
const picturesOnTheWay = async (page, account) => {
  const consent = await startLogin(world, account.cache);
  await page.goto(consent.url);
  await pictureOfPage(page, 'consent');
  await follow(page, 'button[value=deny]');
  const elsewhere = await startLogin(world, account.cache, '--no-browser');
  await page.goto(elsewhere.url);
  await follow(page, 'button[value=allow]');
  await pictureOfPage(page, 'code');
  elsewhere.enter(await page.locator('output').textContent());
  await insist(elsewhere, 'success', account.user);
  const machine = await startLogin(world, account.cache, '--device');
  await page.goto(machine.url);
  await pictureOfPage(page, 'device');
  await typeCode(page, machine.code());
  await pictureOfPage(page, 'device-confirm');
  await follow(page, 'button[value=allow]');
  await pictureOfPage(page, 'device-done');
  await insist(machine, 'success', account.user);
  await page.goto(at('/signed-in'));
  await pictureOfPage(page, 'signed-in');
  await page.goto(new URL('/.pomerium/api/v1/login?pomerium_redirect_uri=http://127.0.0.1:41000/', world.cluster.url).href);
  await page.goto(await page.locator('body').innerText());
  await pictureOfPage(page, 'pomerium-consent');
  await follow(page, 'button[value=allow]');
  await pictureOfPage(page, 'pomerium-hand-over');
};

const picturesOfAdministration = async (page) => {
  for (const name of ['', 'sessions', 'users', 'providers']) {
    await page.goto(at(`/admin/${name}`.replace(/\/$/, '')));
    await pictureOfPage(page, `admin-${name || 'status'}`);
  }
};

/** The start page on a phone, dark, of somebody whose browser is German. */
const pictureOfPhone = async (browser, account) => {
  const phone = { ...SHARP, viewport: { width: 360, height: 740 }, colorScheme: 'dark', locale: 'de-DE' };
  const page = await browser.newPage(phone);
  await page.goto(at('/login'));
  await signIn(page, account);
  await pictureOfPage(page, 'home-phone');
};

const pictureOfTerminal = async (browser) => {
  const page = await browser.newPage(SHARP);
  const sessions = [session(world, admin, ADMIN_TYPES), session(world, reader, READER_TYPES)];
  await page.setContent(terminalPage(sessions));
  await page.evaluate(() => document.fonts.ready);
  save(file('demo'), await page.locator('main').screenshot({ omitBackground: true }));
};

mkdirSync(folder, { recursive: true });
const browser = await launch(world);
try {
  const page = await signedIn(browser, admin, pictureOfSignIn);
  await page.goto(world.controlPlane.url);
  await pictureOfPage(page, 'home');
  await picturesOnTheWay(page, admin);
  const readers = await signedIn(browser, reader);
  await readers.goto(at('/admin'));
  await pictureOfPage(readers, 'error');
  await readers.goto(at('/logged-out'));
  await pictureOfPage(readers, 'signed-out');
  await pictureOfPhone(browser, reader);
  await picturesOfAdministration(page);
  await pictureOfTerminal(browser);
} finally {
  await browser.close();
}
