// screenshots.js DEMO.json FOLDER: the README's pictures, of a demo that runs.
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { launch } from './chromium.js';
import { insist, startLogin } from './command-line.js';
import { signIn, tabTo } from './keyboard.js';
import { FONTS, save } from './picture.js';
import { session, terminalPage } from './terminal.js';

const [description, folder] = process.argv.slice(2);
const world = JSON.parse(readFileSync(description, 'utf8'));
const { admin, reader } = world.accounts;

const ADMIN_TYPES = ['kubectl get namespaces', 'kubectl exec hello -- id'];
const READER_TYPES = ['kubectl auth whoami', 'kubectl get pods', 'kubectl delete pod hello'];

// The fonts are no part of the pages, so their policy would refuse them.
const SHARP = { viewport: { width: 600, height: 900 }, deviceScaleFactor: 2, bypassCSP: true };

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
  const bottom = await page.evaluate(() => document.querySelector('footer').getBoundingClientRect().bottom);
  const clip = { x: 0, y: 0, width: SHARP.viewport.width, height: Math.ceil(bottom) + 32 };
  save(file(name), await page.screenshot({ clip }));
};

const pictureOfSignIn = async (page) => {
  await tabTo(page, 'input[name=username]');
  await page.keyboard.type(admin.user);
  await pictureOfPage(page, 'sign-in');
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
  await signedIn(browser, reader);
  await pictureOfTerminal(browser);
} finally {
  await browser.close();
}
